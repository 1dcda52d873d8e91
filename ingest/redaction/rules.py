"""THE table: what counts as a secret. A rule's name is what stands in its place, ``[redacted:<name>]``, and its count.

``detect`` is for hyperscan, over bytes as they were sent: it must hit wherever ``find`` could find something in one of
the spellings, so it knows no word boundaries and allows for backslashes; that it hits too often costs time alone.
``find`` is exact, and sees text with its escapes taken off. Of rules that overlap, the first gives the name.
"""

from typing import NamedTuple

from ingest.redaction.authorization import authorizations
from ingest.redaction.passwords import PLAIN, VAGUE, passwords
from ingest.redaction.private_keys import PRIVATE_KEY, private_keys
from ingest.redaction.seed_phrases import SEED_PHRASE, seed_phrases
from ingest.redaction.spans import Find, secrets_of
from ingest.redaction.vendors import ALNUM, DASHED, TOKENS, begins


class Rule(NamedTuple):
    """One kind of secret."""

    name: str
    detect: bytes
    find: Find
    whole: bool = False  # whether it looks at a text as a whole, however long that is


_AWS_ID = rb"A(?:3T[A-Z0-9]|KIA|SIA|BIA|CCA)[A-Z0-9]{16}"
_AWS_ID_ALONE = b"A" + begins(ALNUM, b"A") + rb"(?:3T[A-Z0-9]|KIA|SIA|BIA|CCA)[A-Z0-9]{16}(?![A-Za-z0-9])"
_AWS_SECRET = rb"(?P<secret>(?=[^\s]{0,39}[A-Z])(?=[^\s]{0,39}[a-z])[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])"
_SLASHES = rb"(?:\\*/){2}"  # some write them as \/\/
# As they may be spelled; encoders that think of HTML write < > & ' as \u003c and so on.
_SPACE = rb"(?:\s|\\+[nrtf])"
_QUOTES = rb"(?:[\"'\\]|u0027)*"
_AMPERSAND = rb"(?:[?&;]|u0026)"
_OPENS, _CLOSES = rb"(?:<|u003c)", rb"(?:>|\\+u003e)"
_EITHER = rb"(?:" + PLAIN + rb"|" + VAGUE + rb")"
_IN_NAME = rb"[a-z0-9_.-]{0,32}"


def _mixed(stops: bytes) -> bytes:
    """Letters and digits in one run, as a value has them that looks random."""
    run = rb"(?:[^\s\\" + stops + rb"]|\\+[^\s\\nrtf])*"
    return run + rb"(?:[0-9]" + run + rb"[a-z]|[a-z]" + run + rb"[0-9])"


# Without quotes it ends at any, and in quotes at those of its kind, where these are not escaped.
_RANDOM = (
    rb"[\"'\\bfru]*" + _mixed(rb"\"'") + rb"|[bfru]?\\*\"" + _mixed(rb"\"") + rb"|[bfru\\]*(?:'|u0027)" + _mixed(rb"'")
)

RULES: tuple[Rule, ...] = (
    Rule("private_key", PRIVATE_KEY, private_keys, whole=True),
    Rule("seed_phrase", SEED_PHRASE, seed_phrases),
    *(Rule(token.rule, token.detect, token.find) for token in TOKENS),
    Rule(
        "openai_key",
        rb"sk-[A-Za-z0-9]{20}",
        secrets_of(
            b"sk-" + begins(DASHED, b"sk-") + rb"[A-Za-z0-9]{32,}+(?![_-])",
            b"sk-" + begins(DASHED, b"sk-") + rb"(?=[a-z0-9]{0,64}[A-Z])(?=[A-Za-z]{0,64}\d)[A-Za-z0-9]{20,}+(?![_-])",
        ),
    ),
    Rule("aws_access_key", _AWS_ID, secrets_of(_AWS_ID_ALONE)),
    Rule(
        "aws_secret_key",
        _AWS_ID + rb"[\s\\,;:|\"'=][\s\\,;:|\"'=A-Za-z_]*[A-Za-z0-9/+\\]{40}"
        rb"|(?i)(?:aws|secret)[a-z_.-]*key(?:[\s\\\"':=,>nrtf]|u00(?:27|3e))+[a-z0-9/+\\]{40}",
        secrets_of(
            _AWS_ID_ALONE + rb"[\s,;:|\"'=]{1,16}(?:[A-Za-z_]{1,32}[\s:\"'=]{1,16})?" + _AWS_SECRET,
            rb"(?i:(?:aws|secret)[a-z_.-]{0,24}key)[\s\"':=,>]{1,16}" + _AWS_SECRET,
        ),
    ),
    Rule(
        "jwt",
        rb"eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*\.",
        secrets_of(
            b"eyJ" + begins(ALNUM, b"eyJ") + rb"[A-Za-z0-9_-]{5,}+\.eyJ[A-Za-z0-9_-]{5,}+\.[A-Za-z0-9_-]*+",
            b"eyJ"
            + begins(ALNUM, b"eyJ")
            + rb"[A-Za-z0-9_-]{5,}+(?:\.[A-Za-z0-9_-]{0,4096}+){4}",  # encrypted: five parts
        ),
    ),
    Rule(
        "url_credentials",
        rb":" + _SLASHES + rb"[^\s\"/@:]*:[^\s\"@]*@",
        secrets_of(
            rb"(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{1,30}://"
            rb"(?P<secret>(?!\$|\{|<|%s|\[redacted:)[^\s\"'`/@:<>{}\\]{0,512}:"
            rb"(?!\$[A-Za-z_({]|\{|<|%s|\*+@|\[redacted:)[^\s\"'`/@<>\\]{1,512})@(?=[A-Za-z0-9\[])",
            rb"(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{1,30}://"
            rb"(?P<secret>[^\s\"'`/@:<>{}\[\]\\$]{16,512}:)@(?=[A-Za-z0-9\[])",
        ),
    ),
    Rule(
        "url_signature",
        rb"(?i)(?:sig|signature)=[A-Za-z0-9%+/=_\\-]{16}",
        secrets_of(rb"(?i)[?&;](?:sig|x-(?:amz|goog)-signature|signature)=(?P<secret>[A-Za-z0-9%+/=_-]{16,})"),
    ),
    Rule(
        "authorization",
        rb"(?i)authorization" + _QUOTES + rb"(?:" + _SPACE + rb"|[:=,])"
        rb"|(?:bearer|basic)" + _SPACE + rb"+[A-Za-z0-9._~+/=:@!%^*\\-]{16}",
        authorizations,
    ),
    Rule("password", rb"(?i)" + PLAIN + _QUOTES + _SPACE + rb"*(?:[:=]|" + _CLOSES + rb")", passwords),
    Rule(
        "password",
        rb"(?i)" + VAGUE + _QUOTES + _SPACE + rb"*[:=](?:=|" + _CLOSES + rb")?" + _SPACE + rb"*(?:" + _RANDOM + rb")",
        passwords,
    ),
    Rule(
        "password",
        rb"(?i)--" + _IN_NAME + _EITHER + rb"[ =]"
        rb"|" + _AMPERSAND + _IN_NAME + _EITHER + _SPACE + rb"*="
        rb"|" + _OPENS + _IN_NAME + _EITHER + _CLOSES,
        passwords,
    ),
    Rule("password", rb"(?:TOKEN|CREDENTIALS?|PWD|_PASS)=", passwords),
    Rule(
        "password",
        rb"(?i)login" + _SPACE + rb"+\S+" + _SPACE + rb"+password" + _SPACE,
        secrets_of(rb"(?i)(?<![A-Za-z])login\s{1,8}\S{1,128}\s{1,8}password\s{1,8}(?P<secret>[^\s\"'\\]{1,256})"),
    ),
    Rule(
        "password",
        rb"curl(?s:.*)-(?:u|-user)",
        secrets_of(
            rb"(?<![A-Za-z])curl\b[^\n]{0,256}?\s(?:-u|--user)[ =]?[\"']?"
            rb"(?P<secret>(?![\"'$<{])[^\s:\"'$]{0,128}:(?![$<{])[^\s\"'\\]{1,256})"
        ),
    ),
)
