r"""Punctuation as a request may write it, for detection: after backslashes, or as ``\u003c``.

Encoders that care about HTML write < > & ' in the second form.
"""

SPACE = rb"(?:\s|\\+[nrtf])"
QUOTES = rb"(?:[\"'`\\]|u0027)*"
AMPERSAND = rb"(?:[?&;]|u0026)"
OPENS, CLOSES = rb"(?:<|u003c)", rb"(?:>|\\+u003e)"
