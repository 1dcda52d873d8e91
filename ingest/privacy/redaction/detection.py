r"""Which rules could find something in these bytes.

Detection sees bytes as they were sent. Most ways to spell a secret leave it recognisable; ``\u0041`` for a plain letter
does not, and nobody but a careless or a sly encoder writes that: such bytes are suspect whatever they spell.
"""

from ingest.privacy.redaction.rules import RULES
from ingest.privacy.redaction.scanner import FIRST_ALONE, Scanner

# Letters, digits and signs as \u00XX; not < > & ' which encoders escape for the sake of HTML, and no secret needs.
_SPELLED_OUT = rb"\\u00(?:0[9a-dA-D]|2[0-58-9a-fA-F]|3[0-9abdfABDF]|[4-7][0-9a-fA-F])"
_ANY_RULE = frozenset(range(len(RULES)))
_scanner = Scanner([*(rule.detect for rule in RULES), _SPELLED_OUT], FIRST_ALONE)


def may_hold_secrets(data: bytes) -> bool:
    """Whether any of these bytes must be looked at by the exact rules."""
    return bool(_scanner.scan(data))


def candidate_rules(data: bytes) -> frozenset[int]:
    """The rules, by their place in the table, that could find something in this very spelling."""
    return _ANY_RULE.intersection(hit.pattern for hit in _scanner.scan(data))
