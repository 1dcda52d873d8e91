"""Ask a server on this machine whether it is ready, without a client library."""

import http.client

from runtime.services.ports import reachable


def answers_200(host: str, port: int, path: str, *, timeout_s: float = 1.0) -> bool:
    """Return whether GET responds with 200."""
    return get(host, port, path, timeout_s) is not None


def get(host: str, port: int, path: str, timeout_s: float = 1.0) -> bytes | None:
    """Return the body of a 200, else None. `http.client` ignores proxies in the environment."""
    connection = http.client.HTTPConnection(reachable(host), port, timeout=timeout_s)
    try:
        connection.request("GET", path)
        reply = connection.getresponse()
        return reply.read() if reply.status == 200 else None
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
