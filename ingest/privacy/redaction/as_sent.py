r"""Marks as they may be spelled in the bytes of a request, for detection: behind backslashes, or as ``\u003c``.

Encoders that think of HTML write < > & ' in the second way.
"""

SPACE = rb"(?:\s|\\+[nrtf])"
QUOTES = rb"(?:[\"'`\\]|u0027)*"
AMPERSAND = rb"(?:[?&;]|u0026)"
OPENS, CLOSES = rb"(?:<|u003c)", rb"(?:>|\\+u003e)"
