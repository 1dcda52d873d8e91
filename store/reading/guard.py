"""Hides what is erased: the engine adds these conditions to every read of a table, whatever the question is.

A row of `sessions` and `amounts` that is erased is replaced by an empty one. Rows of other tables stay until they are
swept, and a worker that was suspended in between may even write some again.
"""

from collections.abc import Mapping

GUARD = "additional_table_filters"  # the setting
_OF_SESSIONS = "(org_id, session_id) NOT IN (SELECT org_id, session_id FROM erased)"
REPLACED = ("sessions", "amounts")
HIDDEN: Mapping[str, str] = {
    **dict.fromkeys(REPLACED, "NOT is_erased"),
    **dict.fromkeys(("facts", "tasks", "compactions", "analyses", "session_states"), _OF_SESSIONS),
}
CONDITIONS = "{" + ",".join(f"'{table}':'{condition}'" for table, condition in HIDDEN.items()) + "}"
