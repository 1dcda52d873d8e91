"""Each path has one accepted spelling, so that a proxy which compares paths byte by byte sees the path that is routed.

The router alone would route ``//metrics``, ``/x/../metrics``, ``/metrics/`` and ``/%6detrics`` to ``/metrics``.
"""

import re

# One or more segments. No segment is empty, "." or "..", so a path has no trailing slash. Org names may need escapes
# (spaces, colons, other alphabets). Letters, digits, "-", ".", "_", "~" and "/" may not be escaped: routes consist of
# them.
_CANONICAL = re.compile(
    rb"(?:/(?!\.\.?(?:/|\Z))"
    rb"(?:[^/%]++|%(?:[0189a-f][0-9a-f]|2[0-9a-c]|3[a-f]|40|5[b-e]|60|7[b-df]))+)+|/",
    re.IGNORECASE,
)
# An org name has up to 200 characters of up to 12 escaped bytes each. The limit bounds memory: the router caches the
# last 1,024 paths, including those of requests without a credential.
PATH_BYTES_MAX = 4_096
UNROUTABLE_PATH = "/…"  # path given to requests with another spelling; no route matches it


def is_canonical(raw_path: bytes) -> bool:
    """Return whether a path, as sent, has the accepted spelling. Takes about a microsecond."""
    return len(raw_path) <= PATH_BYTES_MAX and _CANONICAL.fullmatch(raw_path) is not None
