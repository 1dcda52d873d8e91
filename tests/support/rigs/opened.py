"""Installations whose tables a test can change while they run."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from runtime.settings.stack_folder import stack_store_url
from runtime.settings.store_url import parse_store_url
from store.generations import FIRST_GENERATION
from tests.support.rigs.forked import PYTHON
from tests.support.rigs.installation import Installation
from tests.support.rigs.up_with_sql_socket import Tables, run_over_socket


class UpWithSqlSocket(Installation):
    """`up` with a socket to its tables."""

    def __init__(self, data: Path) -> None:
        super().__init__("up", data)

    def command_line(self) -> list[str]:
        return [*PYTHON, "tests.support.rigs.up_with_sql_socket", str(self.data), str(self.port)]


class OpenedInstallation(NamedTuple):
    """An installation, and a function that runs a statement on the tables of a generation."""

    installation: Installation
    run: Callable[[str], list[tuple[Any, ...]]]


@contextmanager
def opened_up(folder: Path) -> Iterator[OpenedInstallation]:
    """Run an `up` for one test."""
    up = UpWithSqlSocket(folder)
    try:
        up.start()
        yield opened(up)
        assert up.stop() == 0
    finally:
        up.end()


def opened(installation: Installation, generation: str = FIRST_GENERATION) -> OpenedInstallation:
    """Open a running installation: an `UpWithSqlSocket`, or a stack."""
    if installation.kind == "stack":
        return opened_stack(installation, generation)
    return OpenedInstallation(installation, lambda statement: run_over_socket(installation.data, statement, generation))


def opened_stack(stack: Installation, generation: str = FIRST_GENERATION) -> OpenedInstallation:
    """Open the store server of a running stack."""
    url = stack_store_url(stack.data)
    assert url is not None
    return OpenedInstallation(stack, Tables(parse_store_url(url), generation).run)
