"""The store server stops: no statement begins once the engine may be closed."""

import http.client
import threading
from typing import cast

import pytest

from devstack.store_server.engine import Engine
from devstack.store_server.server import StoreHttpServer
from devstack.store_server.users import Users


def test_a_request_on_an_idle_connection_finds_no_engine_once_all_have_ended() -> None:
    """A client may send a request between the last one and the close of the store: it must not reach the engine."""
    server = StoreHttpServer(("127.0.0.1", 0), cast("Engine", None), Users([]))
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    client = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=10)
    try:
        client.request("GET", "/ping")
        assert client.getresponse().read() == b"Ok.\n"

        assert server.drain(10)

        client.request("GET", "/ping")
        with pytest.raises(http.client.RemoteDisconnected):
            client.getresponse()
    finally:
        client.close()
        server.shutdown()
        server.server_close()
        server.release()
