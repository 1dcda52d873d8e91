r"""Detection: which rules could find something in these bytes.

It scans bytes as they were sent. Most escapes leave a secret recognisable, but ``\u0041`` for a plain letter does not.
Only a careless or malicious encoder writes that, so such bytes always count as a possible secret.
"""

from ingest.privacy.redaction.rules import RULES
from ingest.privacy.redaction.scanner import FIRST_ALONE, Scanner

# Letters, digits and signs as \u00XX; not < > & ' which encoders escape because of HTML, and which no secret needs.
_SPELLED_OUT = rb"\\u00(?:0[9a-dA-D]|2[0-58-9a-fA-F]|3[0-9abdfABDF]|[4-7][0-9a-fA-F])"
_ANY_RULE = frozenset(range(len(RULES)))
_scanner = Scanner([*(rule.detect for rule in RULES), _SPELLED_OUT], FIRST_ALONE)


def may_hold_secrets(data: bytes) -> bool:
    """Return whether the exact rules must search these bytes."""
    return bool(_scanner.scan(data))


def candidate_rules(data: bytes) -> frozenset[int]:
    """Return the places in the table of the rules that could find something in exactly these bytes."""
    return _ANY_RULE.intersection(hit.pattern for hit in _scanner.scan(data))
