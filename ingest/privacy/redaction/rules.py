"""THE table: what counts as a secret. A rule's name is in the marker, ``[redacted:<name>]``, and in the counts.

``detect`` is for hyperscan, over bytes as they were sent: it must hit wherever ``find`` could find something at any
level of escapes. So it has no word boundaries and allows backslashes; extra hits only cost time. ``find`` is exact, and
sees text without escapes. Where rules overlap, the first gives the name.
"""

import re
from typing import NamedTuple

from ingest.privacy.redaction import commands as arguments
from ingest.privacy.redaction import logins
from ingest.privacy.redaction import named_values as named
from ingest.privacy.redaction.calls import CALLS, calls
from ingest.privacy.redaction.cards import CARDS
from ingest.privacy.redaction.connections import CONNECTION_STRING, URL_CREDENTIALS, connection_strings, url_credentials
from ingest.privacy.redaction.directives import DIRECTIVES
from ingest.privacy.redaction.headers import BASIC, COOKIE, COOKIE_JAR, authorizations, basic_credentials, cookies
from ingest.privacy.redaction.pairs import DEFINES, OF_ENVIRONMENT
from ingest.privacy.redaction.passwords import BARE, OF_SERVICE, PLAIN, VAGUE, WRAPPED, passwords
from ingest.privacy.redaction.private_keys import PRIVATE_KEY, SEED_PHRASE, private_keys, seed_phrases
from ingest.privacy.redaction.prose import PROSE
from ingest.privacy.redaction.rule_parts import AMPERSAND, CLOSES, OPENS, QUOTES, SPACE, Find, any_of, secrets_of
from ingest.privacy.redaction.standard_input import STANDARD_INPUT, standard_input
from ingest.privacy.redaction.vendors import ALNUM, DASHED, TOKENS, begins


class Rule(NamedTuple):
    """One kind of secret."""

    name: str
    detect: bytes
    find: Find
    whole: bool = False  # whether it searches the whole text, not windows


_AWS_ID = rb"A(?:3T[A-Z0-9]|KIA|SIA|BIA|CCA)[A-Z0-9]{16}"
_AWS_ID_ALONE = b"A" + begins(ALNUM, b"A") + rb"(?:3T[A-Z0-9]|KIA|SIA|BIA|CCA)[A-Z0-9]{16}(?![A-Za-z0-9])"
_AWS_SECRET = rb"(?P<secret>(?=[^\s]{0,39}[A-Z])(?=[^\s]{0,39}[a-z])[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])"
_JWT = b"eyJ" + begins(ALNUM, b"eyJ") + rb"[A-Za-z0-9_-]{5,}+"
_EITHER = any_of(PLAIN, VAGUE, BARE)
_BEHIND = QUOTES + rb"[\]*]*" + SPACE + rb"*[|?]*"  # after a name, before : or =
_SETS = rb"[:=](?:=|" + CLOSES + rb")?\*{0,2}" + SPACE + rb"*"
_IN_NAME = rb"[a-z0-9_.-]{0,32}"
# An option, a parameter or an element. Three patterns would take five times as long as one.
_MARKED = any_of(rb"-", AMPERSAND, OPENS) + _IN_NAME + _EITHER + any_of(SPACE, rb"=", CLOSES)
_DEFINES = any_of(*map(re.escape, (*DEFINES, *OF_ENVIRONMENT)))
_TYPE = rb"(?:" + SPACE + rb"?[a-z0-9_&.|\[\] ]+=" + SPACE + rb"*)?"  # token: str = "…"


def _mixed(stops: bytes) -> bytes:
    """Return the pattern of letters and digits in one run, as in a random value."""
    run = rb"(?:[^\s\\" + stops + rb"]|\\+[^\s\\nrtf])*"
    return run + rb"(?:[0-9]" + run + rb"[a-z]|[a-z]" + run + rb"[0-9])"


# Without quotes it ends at any quote; in quotes, at an unescaped quote of the same kind.
_RANDOM = any_of(
    rb"[\"'`\\bfru]*" + _mixed(rb"\"'`"),
    rb"[bfru]?\\*\"" + _mixed(rb"\""),
    rb"[bfru\\]*(?:'|u0027)" + _mixed(rb"'"),
    rb"[bfru\\]*`" + _mixed(rb"`"),
)

_RUN_OF_KEY = rb"[\"'`\\bfru]*[a-zA-Z0-9+/_\\-]{10}"

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
            _JWT + rb"\.eyJ[A-Za-z0-9_-]{5,}+\.[A-Za-z0-9_-]*+",
            _JWT + rb"(?:\.[A-Za-z0-9_-]{0,4096}+){4}",  # encrypted: five parts
        ),
    ),
    Rule("url_credentials", URL_CREDENTIALS, url_credentials),
    Rule(
        "url_signature",
        rb"(?i)(?:sig|signature)=[A-Za-z0-9%+/=_\\-]{16}",
        secrets_of(rb"(?i)[?&;](?:sig|x-(?:amz|goog)-signature|signature)=(?P<secret>[A-Za-z0-9%+/=_-]{16,})"),
    ),
    Rule(
        "oauth_code",
        AMPERSAND + rb"code=[A-Za-z0-9._~%+/\\-]{16}",
        secrets_of(rb"[?&;]code=(?P<secret>(?=[A-Z_%-]*[a-z0-9])(?=[^\s\d]{0,64}\d)[A-Za-z0-9._~%+/-]{16,1024}+)"),
    ),
    Rule(
        "authorization",
        rb"(?i)authorization" + QUOTES + rb"(?:" + SPACE + rb"|[:=,])"
        rb"|bearer" + SPACE + rb"+[A-Za-z0-9._~+/=:@!%^*\\-]{16}",
        authorizations,
    ),
    Rule("authorization", BASIC, basic_credentials),
    Rule("cookie", COOKIE, cookies),
    Rule("cookie", COOKIE_JAR, cookies),
    Rule("password", rb"(?i)" + PLAIN + _BEHIND + rb"(?:[:=]|" + CLOSES + rb")", passwords),
    Rule("password", rb"(?i)" + PLAIN + rb"(?:\[\d*\]| string| str)?" + SPACE + rb"*(?:=|(?:<|u003c)-)", passwords),
    Rule("password", rb"(?i)" + PLAIN + rb" +(?:[\\]*[\"'`]|\\+u0027)[^\s]{10}", passwords),
    Rule("password", rb"(?i)" + VAGUE + _BEHIND + _SETS + _TYPE + WRAPPED + _RANDOM, passwords),
    Rule("password", rb"(?i)(?:pwd|" + BARE + rb")" + _BEHIND + rb"[:=]", passwords),
    Rule("password", rb"(?:_KEY|(?i:" + OF_SERVICE + rb"))" + _BEHIND + _SETS + WRAPPED + _RUN_OF_KEY, passwords),
    Rule("password", rb"(?i)" + _MARKED, passwords),
    Rule("password", rb"(?:TOKEN(?:_[A-Z0-9]+)?|CREDENTIALS?|PWD|PASS|PW|PSK|APPKEY)=", passwords),
    Rule("password", rb"(?i)" + named.BEFORE_COMMA, passwords),
    Rule("password", named.DETECT, named.named_values),
    Rule("password", logins.DETECT, logins.logins),
    Rule("password", CONNECTION_STRING, connection_strings),
    Rule("password", _DEFINES + rb"(?i:" + _IN_NAME + PLAIN + rb") [^\s=:]", passwords),
    Rule("password", CALLS, calls),
    *(Rule("password", detect, named.defaults) for detect in named.DEFAULTS),
    *(Rule("password", detect, find) for detect, find in (*DIRECTIVES, *PROSE, *arguments.WINDOWS)),
    *(Rule("password", detect, standard_input) for detect in STANDARD_INPUT),
    *(Rule("password", detect, arguments.commands) for detect in arguments.DETECT),
    *(Rule("card_number", detect, find) for detect, find in CARDS),
)
