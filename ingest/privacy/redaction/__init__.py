"""Cutting secrets out of what clients send, before the log. Pure: bytes in, bytes and counts out.

Detection is one pass of hyperscan over the raw bytes of a request; only what it hits is looked at by exact rules, in
each of its spellings, and cut. The rules stand in one table, `rules.RULES`. Three properties hold whatever is sent: the
result is JSON where the input was, redacting it again changes nothing, and the work is bounded (`effort`).
"""

from ingest.privacy.redaction.detection import may_hold_secrets
from ingest.privacy.redaction.effort import Effort, TooDense
from ingest.privacy.redaction.rewriting import Redacted, compile_rules, redact, redact_text, redact_text_or_all

__all__ = [
    "Effort",
    "Redacted",
    "TooDense",
    "compile_rules",
    "may_hold_secrets",
    "redact",
    "redact_text",
    "redact_text_or_all",
]
