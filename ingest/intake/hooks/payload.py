"""Reads a hook's payload: which session, which event, when, and what makes it the same event as its copy. Pure."""

from typing import NamedTuple

import msgspec
from msgspec import Raw

from agents.client import Client
from ingest.body import decode_body
from ingest.intake.agent_sessions.session import WRONG_SESSION_ID, is_client_session_id
from ingest.intake.context import Invalid
from ingest.intake.times import instant_or_none
from schemas.http.requests import AgentPayload
from schemas.log.records import Outcome
from schemas.surrogates import replace_lone

_NULL = Raw(b"null")
_MINUTE_MS = 60_000
# A payload with one of these fields occurs only once. So does a prompt or an answer in a named turn.
_IDENTITIES = ("tool_use_id", "tool_calls", "message_id")
_TURNS = ("prompt_id", "turn_id")
_OF_A_TURN = frozenset({"UserPromptSubmit", "Stop", "StopFailure"})

_CANCELLED = frozenset("cancel cancelled canceled interrupt interrupted abort aborted user_abort sigint".split())
_FAILURE = frozenset("error failure failed fatal crash api_error max_turns max_budget_usd".split())
_SUCCESS = frozenset("success completed".split())


class Head(AgentPayload, frozen=True):
    """The fields that the endpoint reads. Only the first two must have the right type."""

    tool_use_id: Raw = _NULL
    tool_calls: Raw = _NULL
    message_id: Raw = _NULL
    prompt_id: Raw = _NULL
    turn_id: Raw = _NULL
    reason: Raw = _NULL
    terminal_reason: Raw = _NULL
    is_error: Raw = _NULL


class Payload(NamedTuple):
    """A payload and its head. ``is_odd``: it holds lone surrogates, so a record can't hold it as it is."""

    head: Head
    data: bytes
    event_type: str
    is_odd: bool


_heads = msgspec.json.Decoder(Head)
_text: msgspec.json.Decoder[str] = msgspec.json.Decoder(str)


def read_payload(data: bytes, client: Client) -> Payload:
    """Read what the endpoint needs.

    Raises `Invalid`, or as `decode_body`, if it isn't an object with a session and a valid event, or nests too deeply.
    """
    try:
        head, is_odd = decode_body(data, _heads), False
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        head, is_odd = decode_body(replace_lone(data), _heads), True
    if not is_client_session_id(head.session_id):
        raise Invalid("session_id", WRONG_SESSION_ID)
    return Payload(head, data, client.event_type(head.hook_event_name, data), is_odd)


def own_time(head: Head) -> int | None:
    """Return the payload's time in ms since 1970; None if it has no readable time."""
    return instant_or_none(_text_of(head.timestamp) or "")


def moment_of(payload: Payload, received_at: int) -> str:
    """Return what, besides its bytes, distinguishes a single payload from an identical one of a different event.

    A session may start twice from the same folder, with the same bytes. If the payload has no field that occurs only
    once, the minute of receipt decides: a copy within that minute is the same event.
    """
    head = payload.head
    if own_time(head) is not None or any(_is_given(getattr(head, name)) for name in _IDENTITIES):
        return ""
    if payload.event_type in _OF_A_TURN and any(_is_given(getattr(head, name)) for name in _TURNS):
        return ""
    return str(received_at // _MINUTE_MS)


def outcome_of(head: Head) -> Outcome | None:
    """Return the outcome that the end of a session names.

    ``reason`` says why the process ended (other, clear, logout, prompt_input_exit, exit). It isn't an outcome, unless
    it is a word for one. ``terminal_reason`` and ``is_error`` belong to a result.
    """
    terminal = _text_of(head.terminal_reason) or ""
    words = {word.lower() for word in (_text_of(head.reason), terminal) if word}
    if words & _CANCELLED or terminal.startswith("aborted_"):
        return "cancelled"
    if words & _FAILURE or bytes(head.is_error) == b"true":
        return "failure"
    return "success" if words & _SUCCESS else None


def _is_given(raw: Raw) -> bool:
    return bytes(raw) not in (b"null", b'""', b"[]", b"{}")


def _text_of(raw: Raw) -> str | None:
    try:
        return _text.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
