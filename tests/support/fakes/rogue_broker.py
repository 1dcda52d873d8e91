"""A program on a broker's port that accepts every login with any password."""

import base64
import contextlib
import re
import socket
import struct
import threading
from collections.abc import Callable, Iterator

METADATA, SASL_HANDSHAKE, API_VERSIONS, SASL_AUTHENTICATE = 3, 17, 18, 36
_KNOWN = ((METADATA, 0, 1), (SASL_HANDSHAKE, 0, 1), (SASL_AUTHENTICATE, 0, 0))


@contextlib.contextmanager
def rogue_broker(asked: list[int]) -> Iterator[int]:
    """Listen, and return the port; ``asked`` collects the kind of each request."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_accept, args=(server, asked), daemon=True).start()
        yield server.getsockname()[1]


def _accept(server: socket.socket, asked: list[int]) -> None:
    with contextlib.suppress(OSError):
        while True:
            connection, _ = server.accept()
            threading.Thread(target=_answer, args=(connection, asked), daemon=True).start()


def _answer(connection: socket.socket, asked: list[int]) -> None:
    with contextlib.suppress(OSError, struct.error), connection, connection.makefile("rb") as requests:
        while True:
            (size,) = struct.unpack(">i", requests.read(4))
            request = requests.read(size)
            kind, _, correlation = struct.unpack_from(">hhi", request)
            asked.append(kind)
            reply = struct.pack(">i", correlation) + _REPLIES[kind](request)
            connection.sendall(struct.pack(">i", len(reply)) + reply)


def _challenge(request: bytes) -> bytes:
    nonce = re.search(rb"r=([^,]+)", request)
    if b"n,," in request and nonce:
        return b"r=%sx,s=%s,i=4096" % (nonce[1], base64.b64encode(b"salt"))
    return b"v=" + base64.b64encode(bytes(64))


def _authenticated(request: bytes) -> bytes:
    message = _challenge(request)
    return struct.pack(">hhi", 0, -1, len(message)) + message


_REPLIES: dict[int, Callable[[bytes], bytes]] = {
    API_VERSIONS: lambda _: struct.pack(">hi", 0, len(_KNOWN)) + b"".join(struct.pack(">hhh", *api) for api in _KNOWN),
    SASL_HANDSHAKE: lambda _: struct.pack(">hih", 0, 1, 13) + b"SCRAM-SHA-512",
    SASL_AUTHENTICATE: _authenticated,
    METADATA: lambda _: struct.pack(">iihih", 1, 1, 1, 0, -1) + struct.pack(">ii", 1, 0),
}
