"""Errors in a response: a 5xx other than 503, another shape, a stack trace, access granted, no response, too late."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct

from tests.fuzz.agent_replies import is_of_agents, wrong_form, wrong_sums
from tests.fuzz.case import Case
from tests.fuzz.exchange import Answered, Reply

# The HTTP server sends these itself, without a body, if it can't read a request.
OF_THE_SERVER = frozenset({400, 408, 414, 431})
TRACES = (
    b"Traceback (most recent call last)",
    b'File "/',
    b".py:",
    b"DB::Exception",
    b"panicked at",
    b"<html",
    b"<!DOCTYPE",
)


class Fault(NamedTuple):
    """``check`` is the name of the broken rule, ``what`` describes the fault in a sentence."""

    check: str
    what: str


class _Error(Struct, forbid_unknown_fields=True):
    error: str
    code: str
    details: dict[str, list[str | dict[str, Any]]]  # events are named by their index
    request_id: str


_error: msgspec.json.Decoder[_Error] = msgspec.json.Decoder(_Error)


def faults_of(case: Case, answered: Answered, late_s: float) -> Iterator[Fault]:
    """Yield everything that is wrong with the responses to a case."""
    for reply in answered.replies:
        yield from _of_reply(case, reply)
    if not case.is_whole:
        return
    if not answered.replies:
        yield Fault("no answer", f"after {answered.took_s:.1f} s: {answered.problem}")
    elif answered.took_s > max(late_s, case.late_s):
        yield Fault("late", f"{answered.replies[0].status} after {answered.took_s:.1f} s")


def _of_reply(case: Case, reply: Reply) -> Iterator[Fault]:
    if reply.status >= 500 and reply.status != 503:
        yield Fault("5xx", f"{reply.status} {reply.body[:200]!r}")
    if reply.status < 300 and not case.may_open:
        yield Fault("opened", f"{reply.status} {reply.body[:200]!r}")
    is_page = reply.status < 400 and "html" in reply.headers.get("content-type", "")
    found = next((trace for trace in TRACES if trace in reply.body), None)
    if found and not is_page:
        yield Fault("trace", f"{reply.status} holds {found!r}: {reply.body[:200]!r}")
    if case.is_whole and is_of_agents(case, reply):
        yield from _of_agents(case, reply)
    elif reply.status >= 400 and case.method != "HEAD":
        yield from _of_shape(reply)


def _of_agents(case: Case, reply: Reply) -> Iterator[Fault]:
    if sentence := wrong_form(case, reply):
        yield Fault("shape", sentence)
    elif sentence := wrong_sums(case, reply):
        yield Fault("sums", sentence)


def _of_shape(reply: Reply) -> Iterator[Fault]:
    """Check that an error has the usual shape, unless the HTTP server itself sent it."""
    if reply.status in OF_THE_SERVER and not reply.body:
        return
    if not reply.headers.get("content-type", "").startswith("application/json"):
        yield Fault("shape", f"{reply.status} is of type {reply.headers.get('content-type')!r}: {reply.body[:200]!r}")
        return
    try:
        _error.decode(reply.body)
    except msgspec.MsgspecError as error:
        yield Fault("shape", f"{reply.status}: {error}: {reply.body[:200]!r}")
