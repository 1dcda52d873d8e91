"""Passwords and tokens that are the only argument of a call: ``.withPassword("…")``, ``ssh.Password("…")``.

The function must set something: ``get_secret("…")`` takes a name, and ``input_password("…")`` a question.
"""

import re

from ingest.privacy.redaction.placeholders import is_harmless, is_mixed, is_reference, is_sentence, looks_random
from ingest.privacy.redaction.rule_parts import SPACE, matches_of

_WORD = (
    rb"(?:passw(?:or)?d|passphrase|pwd|secret|(?:api|secret|access|auth)_?key|token|bearer_?auth|credentials?"
    rb"|password\.equals|fernet|\.auth|hashsync|zeroizing::new|secret(?:string|box)?::(?:from|new)|passw(?:or)?d_hash|strcmp)"
)
_CALL = (
    rb"(?i)(?P<word>" + _WORD + rb")[({]\s{0,8}(?:[a-z][\w.]{0,32},\s?)?(?:Some\(|String::from\(|new String\()?[bfru@]?"
    rb"(?P<quote>[\"'])(?P<secret>(?:(?!(?P=quote))[^\\\r\n]|\\[^\r\n]){3,256}+)(?P=quote)"
    rb"(?:\.to_?(?:string|owned|char_?array)\(\)|\.into\(\))?\)?(?:,\s?\d{1,2})?\s{0,8}[)}]"
)
_IDENTIFIER = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"
_NAME_BYTES_MAX = 48
_SETS = re.compile(rb"(?:[\w]*_)?(?i:set|with|use|and|override|basic|default)(?:_?[A-Za-z]{0,16}_?)")

_BEFORE_IT = rb"(?:[a-z][\w.]{0,32}," + SPACE + rb"?)?(?:[a-z: ]{1,16}\()?"  # another argument, or a wrapper
CALLS = rb"(?i)" + _WORD + rb"[({]" + SPACE + rb"*" + _BEFORE_IT + rb"[bfru@]?(?:[\\]*[\"']|\\*u0027)"


def _is_given(match: re.Match[bytes]) -> bool:
    word, value = match["word"].lower(), match["secret"]
    if not is_mixed(value) and not _sets(match.string, match.start()):
        return False
    if is_harmless(value) or is_sentence(value) or value.endswith((b":", b"?")):
        return False
    if word.startswith((b"pass", b"pwd")):
        return b" " not in value and not is_reference(value, in_names=False)
    return (looks_random(value) or word == b"secret") and not is_reference(value, in_names=True)


def _sets(text: bytes, word_begin: int) -> bool:
    """Return whether the function sets something, is a method of that name, or makes a value of that type."""
    head = text[max(0, word_begin - _NAME_BYTES_MAX) : word_begin]
    bare = head.rstrip(_IDENTIFIER)
    name = head[len(bare) :]
    if name:
        return _SETS.fullmatch(name) is not None
    return bare.endswith((b".", b"::", b"->", b"string ")) or text[word_begin : word_begin + 1].isupper()


calls = matches_of(_CALL, takes=_is_given)
