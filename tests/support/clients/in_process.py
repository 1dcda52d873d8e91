"""An HTTP client of a service in this process."""

from typing import Any

import httpx


def in_process(app: Any, **options: Any) -> httpx.AsyncClient:
    """Return a client of the ASGI app; ``options`` are passed to the client."""
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test", **options)
