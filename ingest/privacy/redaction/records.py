"""Redacts hook events, lifecycle records, and the errors of refused events."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from msgspec import Raw, structs

from ingest.privacy.redaction.detection import may_hold_secrets
from ingest.privacy.redaction.effort import Effort
from ingest.privacy.redaction.rewriting import DENSE, redact, redact_text, redact_text_or_all
from ingest.privacy.redaction.rules import RULES
from schemas.hooks import KNOWN_EVENT_TYPES
from schemas.http.responses import RejectedEvent
from schemas.log.records import Event, EventsRecorded, LifecycleRecord, SessionRecord

F = TypeVar("F", bound=LifecycleRecord)
C = TypeVar("C", bound=LifecycleRecord | Event)

_RULES = frozenset(rule.name for rule in RULES) | {DENSE}
_NOT_SENT = frozenset({"org_id", "source"})  # from the token, and from this service


def may_need_redaction(events: Sequence[Event]) -> bool:
    """Return whether any of these events must be redacted by itself; one scan covers all of them."""
    known = all(event.event_type in KNOWN_EVENT_TYPES for event in events)
    return not known or may_hold_secrets(b"\n".join([event.data for event in events]))


def redact_event(event: Event, effort: Effort) -> Event:
    """Return the event without secrets; the same object if it has none. Raises `TooDense`."""
    data, counts = redact(bytes(event.data), effort)
    event_type, in_type = event.event_type, dict[str, int]()
    if event_type not in KNOWN_EVENT_TYPES:
        event_type, in_type = redact_text(event_type, effort)
    if not counts and not in_type:
        return event
    cut = dict(Counter(event.redactions) + Counter(counts) + Counter(in_type))
    data_base64 = None if event.data_base64 is None else data
    return structs.replace(event, event_type=event_type, data=Raw(data), data_base64=data_base64, redactions=cut)


def redact_record(record: F, redact: Callable[[str], tuple[str, dict[str, int]]]) -> F:
    """Return the record without secrets in its texts, including fields that later kinds of records add.

    ``redact`` returns the redacted text, with counts by rule; its exceptions pass through.
    """
    cut: Counter[str] = Counter()

    def clean(text: str) -> str:
        kept, counts = redact(text)
        cut.update(counts)
        return kept

    fields = {name: getattr(record, name) for name in record.__struct_fields__ if name not in _NOT_SENT}
    replaced: dict[str, Any] = {name: clean(value) for name, value in fields.items() if isinstance(value, str)}
    if (report := fields.get("report")) is not None:
        models = tuple(structs.replace(usage, model=usage.model and clean(usage.model)) for usage in report.models)
        replaced["report"] = structs.replace(report, models=models)
    if not cut:
        return record
    return structs.replace(record, **replaced, redactions=dict(cut + Counter(record.redactions)))


def redact_frame(record: SessionRecord) -> SessionRecord:
    """Redact an operator's record in the fields that this service usually sets: its source and its counts."""
    record = structs.replace(record, source=redact_text_or_all(record.source)[0])
    if isinstance(record, EventsRecorded):
        return structs.replace(record, events=tuple(map(_of_rules_alone, record.events)))
    return _of_rules_alone(record)


def redact_refusals(rejected: Sequence[RejectedEvent]) -> list[RejectedEvent]:
    """Redact the errors of refused events, which may repeat the name of an unknown field."""
    return [structs.replace(refused, error=redact_text_or_all(refused.error)[0]) for refused in rejected]


def _of_rules_alone(counted: C) -> C:
    counts = {rule: count for rule, count in counted.redactions.items() if rule in _RULES}
    return counted if counts == counted.redactions else structs.replace(counted, redactions=counts)
