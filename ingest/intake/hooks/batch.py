"""Parses a hook client's batch: with one typed call if everything is valid, else item by item to find what is not.

Lone surrogates in payloads are preserved, see `ingest.intake.events.batch`.
"""

from collections.abc import Sequence
from itertools import chain
from typing import Any, NamedTuple

import msgspec
from msgspec import Raw, structs

from edge.error_responses import too_large
from edge.errors import invalid
from ingest.body import decode_body
from ingest.intake.events.batch import bounded_list, parse_with_surrogates, read_each, restore_payload
from schemas.http.requests import (
    EVENT_BYTES_MAX,
    EVENTS_PER_REQUEST_MAX,
    REPORTS_PER_REQUEST_MAX,
    RecordHook,
    RecordHooks,
    ReportSession,
)
from schemas.http.responses import RejectedEvent


class Batch(NamedTuple):
    """The hooks and reports in their order, each invalid one replaced by its error."""

    hooks: Sequence[RecordHook | RejectedEvent]
    reports: Sequence[ReportSession | RejectedEvent]


_MOST = {"hooks": EVENTS_PER_REQUEST_MAX, "reports": REPORTS_PER_REQUEST_MAX}
_lists: Any = [(name, bounded_list(most) | None, None) for name, most in _MOST.items()]
_loose: msgspec.json.Decoder[Any] = msgspec.json.Decoder(
    msgspec.defstruct("_Loose", _lists, forbid_unknown_fields=True)
)
_batch = msgspec.json.Decoder(RecordHooks)
_hook = msgspec.json.Decoder(RecordHook)
_report = msgspec.json.Decoder(ReportSession)


class _Shape(msgspec.Struct):
    hook_event_name: Raw = Raw()
    hooks: Raw = Raw()
    reports: Raw = Raw()


_shapes = msgspec.json.Decoder(_Shape)


def is_batch(body: bytes) -> bool:
    """Return whether a body is a batch: it has hooks or reports, and is not itself an event.

    Raises `msgspec.DecodeError` for anything but an object in JSON.
    """
    shape = parse_with_surrogates(body, lambda body: decode_body(body, _shapes), lambda shape, _: shape)
    return bool(shape.hooks or shape.reports) and not shape.hook_event_name


def read_batch(body: bytes) -> Batch:
    """Return what the batch holds; raises the same as `ingest.intake.events.batch.read_batch`."""
    return parse_with_surrogates(body, _read, _restore)


def _read(body: bytes) -> Batch:
    if len(body) > EVENT_BYTES_MAX and any(len(memoryview(raw)) > EVENT_BYTES_MAX for raw in chain(*_elements(body))):
        raise too_large()
    try:
        whole = _batch.decode(body)
        batch = Batch(whole.hooks, whole.reports)
    except msgspec.ValidationError:
        hooks, reports = _elements(body)
        batch = Batch(read_each(hooks, _hook, "hook"), read_each(reports, _report, "report"))
    if not batch.hooks and not batch.reports:
        raise invalid({"hooks": ["must have an item, or reports must"]})
    for name, most in _MOST.items():
        if len(getattr(batch, name)) > most:
            raise _too_many(name)
    return batch


def _elements(body: bytes) -> tuple[list[Raw], list[Raw]]:
    try:
        loose = decode_body(body, _loose)
    except msgspec.ValidationError as error:
        if "of at most length" in str(error):
            raise _too_many("reports" if "$.reports" in str(error) else "hooks") from error
        raise
    hooks, reports = (structs.astuple(found) if found is not None else () for found in (loose.hooks, loose.reports))
    return [raw for raw in hooks if raw], [raw for raw in reports if raw]


def _too_many(name: str) -> Exception:
    return invalid({name: [f"must have at most {_MOST[name]} items"]})


def _restore(batch: Batch, letter: int) -> Batch:
    hooks = list(batch.hooks)
    for place, hook in enumerate(hooks):
        if isinstance(hook, RecordHook):
            hooks[place] = structs.replace(hook, payload=Raw(restore_payload(bytes(hook.payload), letter)))
    return Batch(hooks, batch.reports)
