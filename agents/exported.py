"""The form of an export request, whatever its encoding. Pure.

Attributes are scalars: the tables read neither lists nor maps, so those are dropped when a request is decoded.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Generic, Literal, NamedTuple, TypeVar

T = TypeVar("T")
Scalar = str | int | float | bool
Attributes = Mapping[str, Scalar]
Kind = Literal["delta", "cumulative", ""]
NONE: Attributes = MappingProxyType({})

ITEMS_MAX = 20_000  # log records, data points or spans of a request; exporters send 512 log records at once
SESSIONS_MAX = 500  # of a request: each takes two appends or more; an exporter has one, a collector has its users'
ATTRIBUTES_MAX = 250_000  # of all items of a request in protobuf; the largest exports have some thousands
ITEM_BYTES_MAX = 1_048_576  # of one log record or metric in protobuf: decoded it takes up to 30 times as much


class Undecodable(Exception):
    """The body isn't an export request."""


class TooMuch(Exception):
    """The request holds more than the limits."""


class LogRecord(NamedTuple):
    """One log record. Times are nanoseconds since 1970, 0 if absent; ``body`` is empty unless it is text."""

    time_ns: int
    observed_ns: int
    body: str
    attributes: Attributes


class DataPoint(NamedTuple):
    """One point of a metric. ``kind`` is empty for all but sums, and then only the metric's name is read."""

    metric: str
    kind: Kind
    start_ns: int = 0
    time_ns: int = 0
    value: float | None = None
    attributes: Attributes = NONE


class Exported(NamedTuple, Generic[T]):
    """What one resource (a process) exports. None stands for an item that is too large to decode."""

    resource: Attributes
    items: Sequence[T | None]


class Budget:
    """Counts what a request holds."""

    def __init__(self, limit: int = ITEMS_MAX) -> None:
        self._left = limit

    def spend(self, count: int = 1) -> None:
        """Count some more. Raises `TooMuch` if they exceed the limit."""
        self._left -= count
        if self._left < 0:
            raise TooMuch
