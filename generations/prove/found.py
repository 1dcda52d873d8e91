"""What the steps of a proof find, as values."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from generations.prove.proof import Value

Key = tuple[tuple[str, str | None], ...]  # the names and values of a row's key
Session = tuple[str, str]  # org and session id


class Changed(NamedTuple):
    """A column and its two values: live and proved between two generations, stored and recounted inside one."""

    column: str
    first: Value
    second: Value


class DifferentRow(NamedTuple):
    """A row that differs between the generations, or with which the named ``generation`` contradicts itself.

    The column ``rows`` is the number of rows with that key.
    """

    table: str
    key: Key
    day: str | None
    columns: tuple[Changed, ...]
    generation: str | None = None

    @property
    def org_id(self) -> str | None:
        return dict(self.key).get("org_id")

    @property
    def session(self) -> Session | None:
        key = dict(self.key)
        org_id, session_id = key.get("org_id"), key.get("session_id")
        return (org_id, session_id) if org_id and session_id else None


class Found(NamedTuple):
    """What a step found in a part of a table; ``compared`` and ``moving`` count rows by table.

    Moving rows were being written at each reading, so they could not be compared. ``is_cut``: more rows differ.
    """

    compared: Mapping[str, int] = {}
    moving: Mapping[str, int] = {}
    rows: Sequence[DifferentRow] = ()
    is_cut: bool = False
