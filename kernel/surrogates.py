r"""Lone surrogates in JSON: ``"\ud83d"`` without its other half, as clients cut text in the middle of an emoji.

It is JSON by the grammar, but no text, and msgspec refuses it even where it only skips.
"""

import re

SUSPECT = re.compile(rb"\\u[dD][89a-fA-F]")
LONE = re.compile(
    rb"""(?P<before> (?:
          [^\\]++                                         # no escape
        | \\[^u]                                          # an escape of one character
        | \\u(?![dD][89a-fA-F])                           # of another code point
        | \\u[dD][89abAB]..\\u[dD][c-fC-F]..              # of a whole pair
    )*+ ) (?: \\u (?P<letter>[dD]) (?P<rest>[89a-fA-F]..) )?""",
    re.VERBOSE | re.DOTALL,
)  # it matches from escape to escape up to the end; one that could fail would be tried again in the middle of a pair


def replace_lone(data: bytes) -> bytes:
    """The same JSON with each lone surrogate replaced by U+FFFD, so that it can be read."""
    return LONE.sub(_with_stand_in, data) if SUSPECT.search(data) else data


def _with_stand_in(lone: re.Match[bytes]) -> bytes:
    return lone["before"] + (b"\\ufffd" if lone["letter"] else b"")
