"""Passwords that their surroundings identify: of databases, in SQL, and in the configuration of servers."""

import re
from collections.abc import Iterator

from ingest.privacy.redaction.as_sent import SPACE
from ingest.privacy.redaction.placeholders import is_placeholder, is_word
from ingest.privacy.redaction.spans import Span, is_marker

_WORD = rb"[^\s\"'`\\;,(){}<>]"
_WHERE = rb"(?:hostaddr|host|port|dbname|user|sslmode|connect_timeout|application_name)="
_QUOTED = rb"(?P<quote>['\"`])(?P<secret>(?:(?!(?P=quote))[^\\\s]|\\[^nrt]){3,256}+)(?P=quote)"

_ADO_NET = rb"(?i)(?<![a-z0-9_-])(?:password|pwd)\s?=\s?(?P<secret>[^\s\"'`\\;,(){}<>&]{1,256}+);\s?[a-z][a-z ]{1,30}="
_ODBC = rb"(?i);\s?(?:password|pwd)\s?=\s?(?P<secret>\{[^{}\"\\\n]{1,256}\})"
_LIBPQ = (
    rb"(?i)(?<![a-z0-9_])" + _WHERE + _WORD + rb"{1,128}\s{1,4}password='?(?P<secret>" + _WORD + rb"{1,256}+)",
    rb"(?i)(?<![a-z0-9_])password='?(?P<secret>" + _WORD + rb"{1,256}+)'?\s{1,4}" + _WHERE,
)
_ORACLE_JDBC = rb"(?i)jdbc:oracle:\w{3,4}:[\w.$#-]{1,64}/(?P<secret>[^\s\"'\\]{1,128}?)@(?=[\w/(\[])"
_ORACLE_TOOL = (
    rb"(?i)(?<![\w-])(?:sqlplus|sqlcl|sqlldr|expdp|impdp|rman|tnsping)(?:\s{1,4}-\w{1,10}){0,4}\s{1,4}"
    rb"(?:target[ =])?[\"']?(?:userid=)?[\w.$#-]{1,64}/\"?(?P<secret>(?![$<{])[^\s\"'\\@/]{1,128})"
)
_OF_USER = rb"(?i)\b(?:user|role|grant|to|database|link)\b[^;]{1,128}?\b"
_SQL = (
    _OF_USER + rb"identified\s{1,8}(?:with\s{1,8}\S{1,64}\s{1,8})?(?:by|as)\s{1,8}(?:password\s{1,8})?" + _QUOTED,
    _OF_USER + rb"identified\s{1,8}by\s{1,8}(?P<secret>(?=\w{0,64}\d)[A-Za-z]\w{3,64}+)",
    rb"(?i)\b(?:user|role|login|with|encrypted|alter|create|set)\b[^;\n]{0,128}?"
    rb"\bpassword(?:\s{0,8}[=(]\s{0,8}|\s{1,8})N?" + _QUOTED,
)
_REDIS = (
    rb"(?i)(?<![\w-])(?:--|set )?(?:requirepass|masterauth|sentinel auth-pass \S{1,64})[ \t]{1,8}[\"']?"
    rb"(?P<secret>[^\s\"'\\]{3,256}+)"
)
_PGPASS = (
    rb"(?<![\w.:*/-])(?:\*|[\w-]{1,63}(?:\.[\w-]{1,63}){0,6}):(?:\*|5432|5433|5434|6432|15432):(?:\*|[\w-]{1,63}):"
    rb"(?:\*|[\w.-]{1,63}):(?P<secret>(?:\\[:\\]|[^\s\"'\\,:]){3,256}+)(?=[\s\"']|$)"
)
_PATTERNS = tuple(map(re.compile, (_ADO_NET, _ODBC, *_LIBPQ, _ORACLE_JDBC, _ORACLE_TOOL, *_SQL, _REDIS, _PGPASS)))

DETECT = (
    rb"(?i)(?:password|pwd)" + SPACE + rb"?="
    rb"|jdbc:oracle:[^\s\"@]+(?:/|u002f)[^\s\"@]+@"
    rb"|(?:sqlplus|sqlcl|sqlldr|expdp|impdp|rman|tnsping)"
    + SPACE
    + rb"|identified"
    + SPACE
    + rb"+(?:by|as|with)"
    + SPACE
    + rb"|password(?:"
    + SPACE
    + rb"|[=(])+n?(?:[\\]*[\"'`]|\\+u0027)"
    rb"|(?:requirepass|masterauth|auth-pass)(?:[ \t]|\\+t)"
    rb"|:(?:\*|5432|5433|5434|6432|15432):[^\s\":]+:[^\s\":]+:[^\s\",:]"
)


def connection_strings(text: bytes) -> Iterator[Span]:
    """Find the passwords in them."""
    for pattern in _PATTERNS:
        for match in pattern.finditer(text):
            secret = match["secret"]
            if not (is_marker(secret) or is_placeholder(secret) or is_word(secret)):
                yield match.span("secret")
