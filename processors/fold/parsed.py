"""What the fold needs from an event beyond the typed columns: the column `parsed` of `facts`, as JSON.

Most events need nothing and leave it empty. A state is folded again from the columns only, so payloads, which may be
large, are never read for it.
"""

from typing import NamedTuple

import msgspec
from msgspec import Struct

from schemas.store.rows import Usage


class Call(NamedTuple):
    """A call in a `PostToolBatch`; ``outcome`` is error, denied or "", as far as the answer to the model says it."""

    tool_use_id: str
    tool_name: str
    outcome: str


class EndedTask(NamedTuple):
    """A background task that a payload says is over; ``status`` is completed, failed or cancelled."""

    task_id: str
    status: str


class Measured(NamedTuple):
    """An amount of work, in the unit of its column. In a cumulative ``series`` it is the sum so far."""

    name: str
    amount: int
    series: str


class Parsed(Struct, frozen=True, omit_defaults=True, gc=False):
    """Absent texts are empty."""

    telemetry: bool = False  # from telemetry: hooks may report the same, and more precisely
    nameless: bool = False  # the end of an agent with an empty type, as of a compaction
    source: str = ""  # of a prompt that no user typed
    prompt_id: str = ""
    permission: str = ""  # of a tool use, and of a request for it: equal where turn, tool and input are
    title: str = ""  # of the session
    answer: str = ""  # the last one of a turn
    model: str = ""  # the one that the session changed to
    calls: tuple[Call, ...] = ()
    agent_id: str = ""  # the subagent that a tool use started
    background: str = ""  # what a tool use left running: a task's id, or `agent`
    ended: tuple[EndedTask, ...] = ()
    usage: Usage | None = None
    measured: Measured | None = None


NOTHING = Parsed()
_decode = msgspec.json.Decoder(Parsed).decode
encode_parsed = msgspec.json.Encoder().encode


def parsed_of(text: bytes) -> Parsed:
    return _decode(text) if text else NOTHING
