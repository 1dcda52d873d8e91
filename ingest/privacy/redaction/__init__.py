"""Cuts secrets out of clients' data before the log. Pure: bytes in, bytes and counts out.

Detection is one pass of hyperscan over the raw bytes of a request. The exact rules search only what it hits, at each
level of escapes. The rules are one table, `rules.RULES`. Three properties hold for any input: JSON stays JSON,
redacting again changes nothing, and the work is limited (`effort`).
"""

from ingest.privacy.redaction.detection import may_hold_secrets
from ingest.privacy.redaction.effort import Effort, TooDense
from ingest.privacy.redaction.rewriting import compile_rules, redact, redact_text, redact_text_or_all

__all__ = ["Effort", "TooDense", "compile_rules", "may_hold_secrets", "redact", "redact_text", "redact_text_or_all"]
