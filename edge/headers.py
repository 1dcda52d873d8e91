"""Headers of a request as ASGI servers pass them on: names in lower case, in the order in which they were sent."""

from typing import TypeVar

from litestar.types import Scope

D = TypeVar("D")


def find_header(scope: Scope, name: bytes, default: D) -> str | D:
    """Return the first header with this name, else ``default``. Litestar's `Headers` would decode all of them first."""
    for given, value in scope["headers"]:
        if given == name:
            return value.decode("latin-1")
    return default
