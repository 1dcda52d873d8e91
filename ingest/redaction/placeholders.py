"""What stands where a secret would stand, and is none: variables, types, templates, references, sentences."""

import re

_BYTES_MAX = 200  # of a placeholder

_PLACEHOLDER = re.compile(
    rb"""(?ix)
      \$\{ [^{}]* \} | \$ [a-z_]\w* | \$\( .* | \$?\{\{ .* \}\} | \{ [\w.]* \} | < [^<>]* > | % \w+ % | %\(?\w*\)?[sd]
    | \*+ | x{3,} | \.{2,} | -+ | :\w+                                                        # of a template
    | string | str | text | number | int(?:eger)? | bool(?:ean)? | null | nil | none | undefined | true | false | any
    | object | bytes | required | optional | unknown | never | void | uint8array | u?int\d+ | float\d* | varchar
    | sha\d+ | bcrypt | argon2\w* | base64 | utf-?8 | md5 | oauth2?                           # a type or a method
    | (?:process\.env|os\.environ|import\.meta\.env|secrets|env|vars|settings|config|self|this)\b[.\[(:].*
    | (?:your|enter|choose|change|confirm|forgot|invalid|wrong|incorrect|missing|current|new)[\s_-][\s\w.?!'-]*
    | [a-z\s-]*\b(?:password|passphrase|passwort|token|secret|api\ key|key)[a-z\s.?!-]*       # what people are told
    | (?:~|\.{1,2})?/[\w.-]+/[\w./-]* | /?[\w-]+\.(?:pem|key|txt|json|ya?ml|env|toml)         # a path
    """,
    re.DOTALL,
)
_VARIABLE = re.compile(
    rb"(?i)(?:pass|pwd|secret|token|key|arg|param|val|str|var|field|group)[a-z_]*\d?|[a-z_]\w*(?:\.[a-z_]\w*)+"
)
_NAME = re.compile(rb"[a-z]+\d*(?:-[a-z0-9]{1,12})+")
_NAME_BYTES_MAX = 32
_DIGIT, _LETTER, _SPACE = re.compile(rb"\d"), re.compile(rb"[A-Za-z]"), re.compile(rb"\s|\\[nrtf]")
_ESCAPE = re.compile(rb"\\+(?:u[0-9a-fA-F]{4}|[^\\])")


def is_placeholder(value: bytes) -> bool:
    """Whether a value only says that there is a secret."""
    return len(value) <= _BYTES_MAX and _PLACEHOLDER.fullmatch(value) is not None


def is_reference(value: bytes, in_names: bool) -> bool:
    """Whether it is a variable of a program or, ``in_names``, the name of something, as in ``secret: api-tls-2``."""
    if in_names and len(value) < _NAME_BYTES_MAX and _NAME.fullmatch(value):
        return True
    return _VARIABLE.fullmatch(value) is not None


def looks_random(value: bytes) -> bool:
    """Letters and digits, without spaces; what is spelled as an escape is a space, or is none of these."""
    if _SPACE.search(value):
        return False
    plain = _ESCAPE.sub(b"", value) if b"\\" in value else value
    return len(plain) >= 6 and bool(_DIGIT.search(plain) and _LETTER.search(plain))
