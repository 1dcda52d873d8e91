r"""Lone surrogates in JSON: ``"\ud83d"`` without its other half, from clients that cut text inside an emoji.

The grammar of JSON allows them, but they are not valid text. msgspec refuses them even in values that it skips.
"""

import re

SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")
LONE = re.compile(
    rb"""(?P<before> (?:
          [^\\]++                                         # no escape
        | \\[^u]                                          # an escape of one character
        | \\u(?![dD][89a-fA-F])                           # of another code point
        | \\u[dD][89abAB]..\\u[dD][c-fC-F]..              # of a whole pair
    )*+ ) (?: \\u (?P<letter>[dD]) (?P<rest>[89a-fA-F]..) )?""",
    re.VERBOSE | re.DOTALL,
)  # it always matches, from one escape to the next: if it failed, `re` would try again in the middle of a pair


def replace_lone(data: bytes) -> bytes:
    """Return the same JSON with each lone surrogate replaced by U+FFFD, so that msgspec can read it."""
    if not SURROGATE_ESCAPE.search(data):
        return data
    return LONE.sub(lambda lone: lone["before"] + (b"\\ufffd" if lone["letter"] else b""), data)
