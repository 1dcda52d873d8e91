"""Recognizes values in the place of a secret that aren't one: variables, types, templates, references, sentences."""

import re

from ingest.privacy.redaction.rule_parts import is_marker

_BYTES_MAX = 200  # of a placeholder

_PLACEHOLDER = re.compile(
    rb"""(?ix)
      \$\{ [^{}]* \} | \$ [a-z_]\w* | \$\( .* | \$?\{\{ .* \}\} | \{ [\w.]* \} | < [^<>]* > | % \w+ % | %\(?\w*\)?[sd]
    | \*+ | x{3,} | \.{2,} | -+ | :\w+                                                        # of a template
    | string | str | text | number | int(?:eger)? | bool(?:ean)? | null | nil | none | undefined | true | false | any
    | object | bytes | required | optional | unknown | never | void | uint8array | u?int\d+ | float\d* | varchar
    | change[_-]?me | foobared | pw | \[ [A-Z_ -]{3,24} \] | [\w-]{0,24} \.{3} | required\b [\w|:,.]*
    | [\w-]{0,16} x{8,}
    | (?:op|file|env|secret|ssm|vault|ref\+\w+|aws-?\w+|gcp\w+|az\w+)://? .* | vault:.* | \$ | [^\s:]{1,64}:\$\{?\w+\}?
    | sha\d+ | bcrypt | argon2\w* | base64 | utf-?8 | md5 | oauth2?                           # a type or a method
    | (?:process\.env|os\.environ|import\.meta\.env|secrets|env|vars|settings|config|self|this)\b[.\[(:].*
    | (?:your|enter|choose|change|confirm|forgot|invalid|wrong|incorrect|missing|current|new)[\s_-][\s\w.?!'-]*
    | [a-z\s._-]*(?:\b|_)(?:password|passphrase|passwort|token|secret|api\ key|key)[a-z\s.?!\x80-\xff-]*  # a label
    | \#[0-9a-f]{3,8}                                                                       # a color
    | (?:~|\.{1,2})?/[\w.-]+/[\w./-]* | /?[\w-]+\.(?:pem|key|txt|json|ya?ml|env|toml)         # a path
    """,
    re.DOTALL,
)
# Words after a key or an option in texts about it.
_WORDS = frozenset(
    b"""
    a accepted an and are argument as ask asked asks at auto be
    by can changed correct default disabled does empty enabled
    encrypted env environment every expired failed false field file flag for from generated has hashed here hidden
    if in incorrect input instead invalid is it its line masked matches may mismatch missing must new no
    none not of off ok old on only option optional or otherwise parameter pass passwd
    plain plaintext prompt prompts redacted
    rejected removed required reset rotated same saved see set should so stdin still stored string strong such than
    that the then there this to true twice type unset updated use used user valid value vault verified via was weak
    when where which will with without wrong yes you your
    """.split()
)
_VARIABLE = re.compile(
    rb"(?i)(?:pass|pwd|secret|token|key|arg|param|val|str|var|field|group)[a-z_]*\d?|[a-z_]\w*(?:\.[a-z_]\w*)+"
)
_SNAKE = re.compile(rb"[a-z]+\d{0,2}(?:_[a-z]+\d{0,2})+")
_NAME = re.compile(rb"[a-z]+\d*(?:-[a-z0-9]{1,12})+")
_NAME_BYTES_MAX = 32
_LOGIN_OF_DOCUMENTATION = re.compile(
    rb"(?i)(?:my_?|your_?|the_?)?(?:user(?:_?name)?|usr|name|login|you|me):"
    rb"(?:my_?|your_?|the_?)?(?:pass(?:_?word|wd|phrase)?|pwd?|secret|token|api_?(?:key|token))|foo:bar"
)
_DIGIT, _LETTER = re.compile(rb"\d"), re.compile(rb"[A-Za-z]")
_MIXED = re.compile(rb"(?=[^A-Z]*+[A-Z])(?=[^a-z]*+[a-z])(?=\D*+\d\D*+\d)[^\s\"'`\\]+\Z")
_SPACE = re.compile(rb"\s|\\(?:[nrtf]|u0(?:00[9a-dA-D]|020))")
_LATIN, _DIGIT_IN_WORD = re.compile(rb"[\x21-\x7e]"), re.compile(rb"[A-Za-z]\d|\d[A-Za-z]")
_ESCAPE = re.compile(rb"\\+(?:u[0-9a-fA-F]{4}|[^\\])")


def is_placeholder(value: bytes) -> bool:
    """Return whether a value is a placeholder for a secret, or the marker of an earlier cut."""
    return is_marker(value) or (len(value) <= _BYTES_MAX and _PLACEHOLDER.fullmatch(value) is not None)


def is_reference(value: bytes, in_names: bool) -> bool:
    """Return whether it is a variable of a program or, with ``in_names``, a name, as in ``secret: api-tls-2``."""
    if in_names and len(value) < _NAME_BYTES_MAX and _NAME.fullmatch(value):
        return True
    return _VARIABLE.fullmatch(value) is not None or _SNAKE.fullmatch(value) is not None


def is_word(value: bytes) -> bool:
    """Return whether it is a word of a sentence about secrets."""
    return value.strip(b".,;:!?)*_`").lower() in _WORDS


def is_harmless(value: bytes) -> bool:
    """Return whether it is a placeholder, or a word of a sentence about secrets."""
    return is_placeholder(value) or is_word(value)


def is_login_of_documentation(value: bytes) -> bool:
    """Return whether it only shows the form of a login: ``user:password``."""
    return _LOGIN_OF_DOCUMENTATION.fullmatch(value) is not None


def is_mixed(value: bytes) -> bool:
    """Return whether it has ten bytes with upper and lower case and two digits but no slash, as passwords have."""
    return len(value) >= 10 and _MIXED.match(value) is not None and b"/" not in value


def is_sentence(value: bytes) -> bool:
    """Return whether it is a label: three words or more, the first with a capital, or only non-Latin letters."""
    if _DIGIT_IN_WORD.search(value):
        return False
    words = value.split()
    return (len(words) >= 3 and value[:1].isupper()) or not _LATIN.search(value)


def looks_random(value: bytes) -> bool:
    """Return whether it has letters and digits but no spaces, escaped ones included. Other escapes are ignored."""
    if _SPACE.search(value):
        return False
    plain = _ESCAPE.sub(b"", value) if b"\\" in value else value
    return len(plain) >= 6 and bool(_DIGIT.search(plain) and _LETTER.search(plain))
