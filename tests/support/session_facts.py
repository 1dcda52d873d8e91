"""Facts as derivations read them, for tests: each builder shows only the interesting field."""

from typing import Any
from uuid import UUID

from processors.derivations.session_facts import SessionFact
from schemas.log.codec import encode
from schemas.log.records import AnyRecord

T0 = 1_768_903_200_000  # 2026-01-20T10:00:00Z
_NOTHING = SessionFact("acme", str(UUID(int=1)), 0, "events_recorded", T0, "", "", "", "", "", "", "", "", "", "")


def hook(event_type: str, text: str = "", **fields: Any) -> SessionFact:
    """Return a hook event; ``s`` is its time in seconds after `T0`."""
    at = T0 + round(fields.pop("s", 0) * 1000)
    return _NOTHING._replace(event_type=event_type, text=text, at=at, **fields)


def lifecycle(record: AnyRecord) -> SessionFact:
    """Return a create or a change."""
    return _NOTHING._replace(kind=str(record.__struct_config__.tag), text=encode(record).decode())


def used(tool: str, thing: str, how: str = "PostToolUse", id_: str = "", **fields: Any) -> list[SessionFact]:
    """Return the events of one use of a tool, from its call to its outcome."""
    id_ = id_ or f"{tool}-{thing}"
    names = {"tool_name": tool, "tool_use_id": id_}
    return [hook("PreToolUse", thing, **names), hook(how, thing, **names, **fields)]
