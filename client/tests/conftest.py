"""A sender, and the server that it sends to. Each module that uses them says what its ``home`` is."""

from collections.abc import Iterator

import pytest

from crewkit_hook.sender import Sender
from tests.support.fakes.hook_server import HookServer


@pytest.fixture
def server() -> HookServer:
    return HookServer()


@pytest.fixture
def sender(home: str, server: HookServer) -> Iterator[Sender]:
    made = Sender(home, server)  # type: ignore[arg-type]  # it answers as the API does
    yield made
    made.close()
