"""Passwords of connections: in URLs, in connection strings, in SQL, and in the configuration of servers.

Users forget to write ``@`` and ``/`` as ``%40`` and ``%2F``, so the end of a URL's password is a guess: the last ``@``
before the first ``/`` that follows one, or a later ``@`` if the text after it can't be a host. When in doubt, too much
is cut.
"""

import re
from collections.abc import Iterator

from ingest.privacy.redaction.placeholders import is_harmless, is_login_of_documentation, looks_random
from ingest.privacy.redaction.rule_parts import SPACE, Span, any_of, secrets_of

_SLASHES = rb"(?:\\*/){2}"  # some write them as \/\/
_SCHEME = rb"(?<![A-Za-z0-9])[A-Za-z][A-Za-z0-9+.-]{1,30}://"
_BYTES_MAX = 1024  # of a password
_USER = re.compile(
    _SCHEME + rb"(?P<user>(?!\$|\{|<|%s|\[redacted:)[^\s\"'`/@:<>{}\\\[]{0,512}):"
    rb"(?!\$[A-Za-z_({]|\{|<|%s|\*+@|\.{3}|[xX]{3,}@|\[redacted:|port\b|PORT\b)"
)
_KEY = re.compile(_SCHEME + rb"(?P<secret>[^\s\"'`/@:<>{}\[\]\\$]{16,512}:|[A-Za-z0-9_-]{20,512})@(?=[A-Za-z0-9\[])")
_RUN = re.compile(rb"[^\s\"<>\\]{1,1536}")
_RUN_IN = {quote: re.compile(rb"[^\s\"<>\\" + quote + rb"]{1,1536}") for quote in (b"'", b"`")}  # in such quotes
_REST_OF_AUTHORITY = re.compile(rb"[^/?#]*")
_PORT = re.compile(rb"\d{1,5}(?:[/?#,;:)\]}'&|]|$)")
_HOST = re.compile(rb"(?!sha\d{3}:)[A-Za-z0-9\[$%{_]")
_ONE_LABEL = re.compile(rb"(?!localhost)[A-Za-z0-9_-]+(?=[/?#])")
_MACHINE = re.compile(rb"localhost|\d{1,3}(?:\.\d{1,3}){3}|[\w.-]+\.(?:com|org|net|io|dev|local|internal|test)")

URL_CREDENTIALS = rb":" + _SLASHES + rb"(?:[^\s\"/@:]*:[^\s\"@]*@|[A-Za-z0-9_-]{20,512}@)"


def url_credentials(text: bytes) -> Iterator[Span]:
    """Find the user and password in each URL, or a key in their place."""
    place = 0
    for match in _USER.finditer(text):
        if match.start() >= place and (end := _end(text, match)):
            yield match.start("user"), end
            place = end
    for match in _KEY.finditer(text):
        if match["secret"].endswith(b":") or looks_random(match["secret"]):
            yield match.span("secret")


def _end(text: bytes, match: re.Match[bytes]) -> int | None:
    """Return the end of the password, which is at an ``@``."""
    begin = match.end()
    if text.find(b"@", begin, begin + _BYTES_MAX) < 0:
        return None
    run = _RUN_IN.get(text[match.start() - 1 : match.start()], _RUN).match(text, begin)
    at = _last_at(text, begin, run.end()) if run else -1
    if not begin < at <= begin + _BYTES_MAX or _HOST.match(text, at + 1) is None:
        return None
    password = text[begin:at]
    is_port = _PORT.match(password) and (not password.isdigit() or _MACHINE.fullmatch(match["user"]))
    is_example = is_login_of_documentation(text[match.start("user") : at])
    return None if is_port or is_example else at


def _last_at(text: bytes, begin: int, stop: int) -> int:
    """Return the place of the ``@`` before the host."""
    at = text.find(b"@", begin, stop)
    if at < 0:
        return at
    rest = _REST_OF_AUTHORITY.match(text, at, stop)
    at = text.rfind(b"@", at, rest.end() if rest else stop)
    label = _ONE_LABEL.match(text, at + 1, stop)
    further = text.rfind(b"@", label.end(), stop) if label else -1
    return at if further < 0 or text[further - 1 : further] in (b"/", b"'") else further


_WORD = rb"[^\s\"'`\\;,(){}<>]"
_WHERE = rb"(?:hostaddr|host|port|dbname|user|sslmode|connect_timeout|application_name)="
_QUOTED = rb"(?P<quote>['\"`])(?P<secret>(?:(?!(?P=quote))[^\\\s]|\\[^nrt]){3,256}+)(?P=quote)"

_ADO_NET = rb"(?i)(?<![a-z0-9_-])(?:password|pwd)\s?=\s?(?P<secret>[^\s\"'`\\;,(){}<>&]{1,256}+);\s?[a-z][a-z ]{1,30}="
_ODBC = rb"(?i);\s?(?:password|pwd)\s?=\s?\{(?P<secret>[^{}\"\\\n]{1,256})\}"
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
    rb"(?i)(?<![\w-])(?:--|set )?(?:requirepass|masterauth|sentinel auth-pass \S{1,64}|rootpw"
    rb"(?: --plaintext)?)[ \t]{1,8}[\"']?(?P<secret>[^\s\"'\\]{3,256}+)"
)
_PGPASS = (
    rb"(?<![\w.:*/-])(?:\*|[\w-]{1,63}(?:\.[\w-]{1,63}){0,6}):(?:\*|5432|5433|5434|6432|15432):(?:\*|[\w-]{1,63}):"
    rb"(?:\*|[\w.-]{1,63}):(?P<secret>(?:\\[:\\]|[^\s\"'\\,:]){3,256}+)(?=[\s\"']|$)"
)

CONNECTION_STRING = rb"(?i)" + any_of(
    rb"(?:password|pwd)" + SPACE + rb"?=",
    rb"jdbc:oracle:[^\s\"@]+(?:/|u002f)[^\s\"@]+@",
    rb"(?:sqlplus|sqlcl|sqlldr|expdp|impdp|rman|tnsping)" + SPACE,
    rb"identified" + SPACE + rb"+(?:by|as|with)" + SPACE,
    rb"password(?:" + SPACE + rb"|[=(])+n?(?:[\\]*[\"'`]|\\+u0027)",
    rb"(?:requirepass|masterauth|auth-pass|rootpw)(?:[ \t]|\\+t)",
    rb":(?:\*|5432|5433|5434|6432|15432):[^\s\":]+:[^\s\":]+:[^\s\",:]",
)
_in_braces = secrets_of(_ODBC, stays=lambda secret: not looks_random(secret))
_strings = secrets_of(*(_ADO_NET, *_LIBPQ, _ORACLE_JDBC, _ORACLE_TOOL, *_SQL, _REDIS, _PGPASS), stays=is_harmless)


def connection_strings(text: bytes) -> Iterator[Span]:
    yield from _strings(text)
    yield from _in_braces(text)
