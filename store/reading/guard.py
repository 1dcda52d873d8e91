"""Hides what is erased: the engine adds these conditions to every read of a table, whatever the question is.

A row of `sessions` and `amounts` that is erased is replaced by an empty one. Rows of other tables stay until they are
swept, and a worker that was suspended in between may even write some again. Of a session that goes on without some of
its records, their facts are hidden, and empty rows replace what is derived from nothing else.
"""

from collections.abc import Mapping

GUARD = "additional_table_filters"  # the setting
_OF_SESSIONS = "(org_id, session_id) NOT IN (SELECT org_id, session_id FROM erased)"
_OF_POSITIONS = (
    "(org_id, session_id, bitShiftRight(place, 16)) NOT IN "
    "(SELECT org_id, session_id, erased_offset FROM erased_positions)"
)
REPLACED = ("sessions", "amounts")
HIDDEN: Mapping[str, str] = {
    **dict.fromkeys(REPLACED, "NOT is_erased"),
    "facts": f"{_OF_SESSIONS} AND {_OF_POSITIONS}",
    **dict.fromkeys(("tasks", "compactions", "analyses"), f"NOT is_erased AND {_OF_SESSIONS}"),
    "session_states": _OF_SESSIONS,
}
CONDITIONS = "{" + ",".join(f"'{table}':'{condition}'" for table, condition in HIDDEN.items()) + "}"
