"""Model names: one canonical name for all spellings of a model, used in groupings."""

import re

_NAME_MAX = 512  # of every model name that the API accepts

# What clients append to a name: the size of the context window, as in `[1m]`, and the date of the snapshot, as in
# `-20251001`, `@20251001` or `-2025-11-13`. The canonical name is the shortest one after which only these follow, so a
# second call finds nothing to remove.
_CANONICAL = re.compile(
    r"""(?P<name> .+? )
        (?: \[ [^\[\]]* \]
          | [-@] 20[0-9]{2} (?:0[1-9]|1[0-2]) (?:0[1-9]|[12][0-9]|3[01])
          | - 20[0-9]{2} - (?:0[1-9]|1[0-2]) - (?:0[1-9]|[12][0-9]|3[01])
        )*""",
    re.VERBOSE | re.DOTALL,
)


def canonical_model(name: str) -> str:
    """Return the name without bracket suffixes and trailing dates; other names are unchanged.

    Groupings use it, so that one model is one row. Prices need the full name: a dated one may have its own price.
    """
    found = _CANONICAL.fullmatch(name) if len(name) <= _NAME_MAX else None  # the search takes quadratic time
    return found["name"] if found else name
