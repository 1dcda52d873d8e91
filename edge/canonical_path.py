"""An address has one spelling. A proxy that compares addresses byte by byte then sees the address that is answered.

Routing alone would take ``//metrics``, ``/x/../metrics``, ``/metrics/`` and ``/%6detrics`` for ``/metrics``.
"""

import re

# One or more segments. None is empty, "." or "..", so there is no slash at the end either. Escaped are bytes that
# need it (names of orgs have spaces, colons and other alphabets): no letter, digit, "-", ".", "_" or "~", of which the
# words of routes consist, and no slash.
_CANONICAL = re.compile(
    rb"(?:/(?!\.\.?(?:/|\Z))"
    rb"(?:[^/%]++|%(?:[0189a-f][0-9a-f]|2[0-9a-c]|3[a-f]|40|5[b-e]|60|7[b-df]))+)+|/",
    re.IGNORECASE,
)
# An org has 200 characters, of 12 bytes each where all are escaped. The router remembers the last 1,024 addresses,
# whether their requests had a credential or not.
PATH_BYTES_MAX = 4_096
UNROUTABLE_PATH = "/…"  # where a request goes that spells its address in another way; no route has it


def is_canonical(raw_path: bytes) -> bool:
    """Whether a path, as it was sent, is the one spelling of its address. Costs a microsecond."""
    return len(raw_path) <= PATH_BYTES_MAX and _CANONICAL.fullmatch(raw_path) is not None
