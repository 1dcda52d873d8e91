"""A key and a value: the kind of text around them, and whether the pair is a secret there."""

import re
from typing import NamedTuple

from ingest.privacy.redaction.placeholders import is_mixed, is_reference, is_sentence, is_word, looks_random

_SIDE_BYTES_MAX = 128  # of the text around a pair
_IDENTIFIER = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_."
_SETS = re.compile(rb"(?i)define|[\w.]*(?:set|put|add|append|env|default|header|property|config)[a-z_]{0,16}")
_GIVEN = re.compile(
    rb"(?:--from-literal[= ]|(?:--set|--set-string|-D|-P|-e|-o|-var|--var|--extra-vars)[= ]?)[\"']?"
    rb"(?:[^\s\"'=]{1,64}=[^\s\"'=]{1,64}[, ])?"
)
_KEY_OF_SERVICE = re.compile(
    rb"(?=\w{0,250}\d)(?=\w{0,250}[A-Za-z])[\w-]{16,256}|(?=\D*\d)(?=[^A-Z]*[A-Z])(?=[^a-z]*[a-z])[A-Za-z0-9]{10,15}"
)
# Several digits, capitals and small letters: a path has mostly one kind.
_BASE64 = re.compile(rb"(?=(?:\D*+\d){3})(?=(?:[^A-Z]*+[A-Z]){5})(?=(?:[^a-z]*+[a-z]){5})[A-Za-z0-9+/_-]{40,256}={0,2}")
_NOTHING_MORE = re.compile(rb"[ \t]*(?:$|[\r\n\"'`|&;)\\]|-|[\w.+-]+://)")
_USER = re.compile(rb"(?i)\b(?:user(?:_?name)?|login|auth)[\"']?\s?[:=]")
_MARKS = {
    quote: re.compile(rb"(?<![A-Za-z])" + quote + rb"|" + quote + rb"(?![A-Za-z])") for quote in (b"'", b"`", b'"')
}
# Detection looks for them too.
DEFINES = (b"#define ", b"(def ", b"(define ", b"(setq ", b"set ", b"ENV ", b"@")
OF_ENVIRONMENT = (b"ENV ", b"SetEnv ", b"_param ", b"env_var ")
_CLOSING = re.compile(rb"[)\],;}\s]|\\+[nrt]|$")


class Pair(NamedTuple):
    """A key's name and a value, by their places in a text."""

    text: bytes
    name: bytes  # the whole of the key, such as DB_PASSWORD
    name_begin: int
    plain: bool  # its name leaves no doubt
    between: bytes
    closed: bool  # a quote closes the name
    value_begin: int
    value: bytes

    @property
    def before(self) -> bytes:
        return self.text[max(0, self.name_begin - _SIDE_BYTES_MAX) : self.name_begin]

    @property
    def is_of_pass(self) -> bool:
        """Whether the name is plain, at least in settings files: DB_PASS, pwd."""
        return self.plain or self.name.lower().endswith((b"pass", b"pwd", b"pw", b"psk"))


def in_quotes(pair: Pair, quote: bytes) -> bool:
    """Return whether it is a secret in quotes: ``password: "…"``, ``"password", "…"`` in a call, ``--password "…"``."""
    if pair.between.startswith(b","):
        if not pair.closed or not (pair.name.startswith(b"-") or _sets(pair.before)):
            return False
    elif pair.between == b" ":
        if not pair.name.startswith(b"-") and not pair.before.endswith(DEFINES):
            return pair.plain and is_mixed(pair.value)
    elif not pair.closed and _closes(pair, quote):
        return False
    if quote == b"`" and b"${" in pair.value:
        return False
    if pair.between.strip() in (b"==", b"===", b"!=", b"!=="):
        return looks_random(pair.value)
    if pair.plain:
        return not is_sentence(pair.value)
    return looks_random(pair.value) or _is_clearly_named(pair)


def in_environment(pair: Pair) -> bool:
    """Return whether it is a secret of a shell or an env file: ``DB_PASSWORD=…``."""
    if pair.between != b"=" or pair.closed or pair.name != pair.name.upper():
        return False
    if pair.name.endswith(b"PWD") and (pair.value[:1] in b"/~." or pair.value[1:2] == b":"):
        return False  # a folder
    if pair.plain or not pair.is_of_pass:
        return len(pair.value) >= (3 if pair.plain else 8)
    return len(pair.value) >= 4 and not pair.value.isdigit()


def is_key_of_service(pair: Pair) -> bool:
    """Return whether it is a key that a service made: ``AZURE_STORAGE_KEY=…``, ``pat: "…"``."""
    if (b"=" not in pair.between and b":" not in pair.between) or b"PUBLI" in pair.name:
        return False
    if pair.name.lower().endswith(b"key") and not pair.name.endswith(b"_KEY"):
        return _BASE64.fullmatch(pair.value) is not None
    is_key = _KEY_OF_SERVICE.fullmatch(pair.value) is not None and not is_reference(pair.value, in_names=True)
    return is_key or _BASE64.fullmatch(pair.value) is not None


def in_query(pair: Pair) -> bool:
    """Return whether it is a secret of a URL, a form, a connection string, a command's ``name=value``, or a .npmrc."""
    if pair.between.strip() != b"=" or pair.closed:
        return False
    if pair.before.endswith((b"?", b"&", b";")):
        return True
    if b"existing" in pair.name:
        return False
    return pair.plain and (pair.name.startswith((b"_auth", b"ansible_")) or _is_given(pair.before))


def in_option(pair: Pair) -> bool:
    """Return whether it is a secret of a command's option: ``--password …``."""
    if pair.before.endswith(OF_ENVIRONMENT) and pair.between == b" ":
        return pair.plain and pair.name.isupper()
    if b"--ask" in pair.name or b"--no-" in pair.name:
        return False
    if not pair.name.startswith(b"-") or pair.value.startswith(b"-") or pair.closed:
        return False
    if pair.between == b"=":
        return True
    if pair.between != b" ":
        return False
    if looks_random(pair.value):
        return True
    # A word is a password if another option or the end of the command follows.
    following = _NOTHING_MORE.match(pair.text, pair.value_begin + len(pair.value))
    return pair.plain and len(pair.value) >= 4 and following is not None and not is_word(pair.value)


def in_plain_text(pair: Pair) -> bool:
    """Return whether it is a secret in plain text: ``password: …`` could be a type, ``password=…`` a variable."""
    end = pair.value_begin + len(pair.value)
    if pair.between == b":" and pair.before.endswith(b":"):
        return False  # arn:aws:secretsmanager:…:secret:…
    if pair.between == b" " or b"*" in pair.between or pair.text[end : end + 1] in (b"(", b"["):
        return b"*" in pair.between and pair.plain and not is_word(pair.value)
    if pair.plain and pair.value.isdigit():
        return len(pair.value) >= 4
    return looks_random(pair.value) and not is_reference(pair.value, in_names=b"pass" not in pair.name.lower())


def _is_clearly_named(pair: Pair) -> bool:
    """Return whether even a word is a password: ``{user: "bob", pass: "hunter"}``, ``let pw = "hunter"``."""
    if len(pair.value) < 4 or b" " in pair.value or is_word(pair.value):
        return False
    if pair.is_of_pass and _USER.search(pair.before):
        return True
    # Unlike ``pass``, these names mean nothing else.
    named = pair.name.lower().endswith((b"pw", b"psk")) or (pair.name.isupper() and pair.name.endswith(b"PASS"))
    sets = pair.between.strip() in (b"=", b":", b":=", b"=>")
    return named and sets and not is_reference(pair.value, in_names=False)


def _closes(pair: Pair, quote: bytes) -> bool:
    """Return whether the quote ends a text that ends in a key, as in ``input('Password: ')``."""
    if _CLOSING.match(pair.text, pair.value_begin) is None:
        return False
    if pair.between[-1:].isspace() or pair.before.endswith(quote):
        return True
    line = pair.before[pair.before.rfind(b"\n") + 1 :]
    return len(_MARKS[quote].findall(line)) % 2 == 1


def _sets(before: bytes) -> bool:
    """Return whether a function is called that takes a name and a value, as in ``define("…"``."""
    call, bracket, quote = before.rpartition(b"(")
    function = call[len(call.rstrip(_IDENTIFIER)) :]
    return bool(bracket) and quote.strip(b" \n\r\tbfru\"'`") == b"" and _SETS.fullmatch(function) is not None


def _is_given(before: bytes) -> bool:
    """Return whether an option of a command that takes ``name=value`` precedes."""
    return b"-" in before and any(match.end() == len(before) for match in _GIVEN.finditer(before))
