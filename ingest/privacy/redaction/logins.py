"""A user and a password side by side: in .netrc, in calls, and in users' notes."""

import re
from collections.abc import Iterator

from ingest.privacy.redaction.placeholders import is_harmless, is_reference, looks_random
from ingest.privacy.redaction.rule_parts import SPACE, Span, any_of, secrets_of

_NETRC = (
    rb"(?i)(?<![A-Za-z])(?:login\s{1,8}\S{1,128}|machine\s{1,8}\S{1,128}|account\s{1,8}\S{1,128})\s{1,8}"
    rb"password\s{1,8}(?P<secret>(?![=:])[^\s\"'\\]{1,256})"
)
_ARGUMENT = rb"""(?:(?:["'][^"'\\\n]{0,128}["'](?:\.\w{1,16}\(\))?|[a-z][\w.]{0,64}),\s{0,8})"""
_CALL = (
    rb"""(?i)(?:(?<![a-z])login|auth=|auth\w{0,24}(?:\.basic)?|credentials?(?:::new|Provider)?|set_password|superuser|userpassword)"""
    rb"""\(\s{0,8}""" + _ARGUMENT + rb"""{1,3}(?:Some\()?"""
    rb"""(?P<quote>["'])(?P<secret>[^"'\\\n]{3,256})(?P=quote)\)?(?:\.\w{1,16}\(\))?\s{0,8}[),]"""
)
_CONNECT = (
    rb"""(?i)(?:getConnection\(|mysqli(?:_connect)?\(|PDO\(|PlainAuth\(|(?:mysql|postgresql)\("""
    rb"""\s{0,8}""" + _ARGUMENT + rb"""{2})\s{0,8}""" + _ARGUMENT + rb"""{2}"""
    rb"""(?P<quote>["'])(?P<secret>[^"'\\\n]{3,256})(?P=quote)\s{0,8}[),]"""
)
_COLON = rb"(?:=|[ \t]{0,4}:[ \t]{0,4})"  # with spaces around it = is an assignment
_SHOWN = rb"(?P<quote>[`\"']?)(?P<secret>[^\s,;|(){}&`\"'\\]{4,256}+)(?P=quote)(?![,(){}\\])"
_SAID = (
    rb"(?i)(?<![a-z0-9_.-])(?:user(?:[ _-]?name)?|login|e-?mail|account)" + _COLON + rb"[`\"']?"
    rb"[^\s,;|(){}=&`\"']{1,128}[`\"']?(?:[ \t]{0,4}(?:[,;/|]|\band\b|[\r\n]{1,2})[ \t]{0,4}|[ \t]{1,4})(?:[-*] )?"
    rb"(?:pass(?:word|wd|code)?|pwd?)" + _COLON + _SHOWN
)
_TYPED = (
    rb"""(?i)(?:fill|type|send_?keys|set_?value|enter_?text)\([^\n()]{0,64}pass[^\n()]{0,24}?["'`]\s?,\s{0,8}"""
    rb"""(?P<quote>["'`])(?P<secret>[^"'`\\\n]{3,256})(?P=quote)"""
)
_FILLED = tuple(
    rb"""(?i)pass(?:word|wd|phrase)""" + between + rb"""\s{0,8}(?P<quote>["'])(?P<secret>[^"'\\\n]{3,256})(?P=quote)"""
    for between in (
        rb"""[^\n()]{0,16}\){0,2}\.(?:fill|type|send_?keys|set_?value|press_?sequentially)\(""",
        rb"""[^\n()"',]{0,8}["']?\),""",
        rb"""["'],\s?with:""",
    )
)
_SIGNED = (
    rb"""(?i)jwt\.(?:sign|verify|encode|decode)\([^'"\n()]{1,128},\s{0,8}(?P<quote>["'])"""
    rb"""(?P<secret>(?![HREP]S\d{3})[^"'\\\n]{3,256})(?P=quote)"""
)
_CELL = re.compile(
    rb"(?i)\|[ \t]{0,64}\*{0,2}pass(?:word)?\*{0,2}[ \t]{0,64}\|[ \t]{0,64}"
    rb"(?P<quote>`?)(?P<secret>[^\s|`\\]{4,128})(?P=quote)[ \t]{0,64}\|"
)

_after_login = secrets_of(_NETRC)
_in_pairs = secrets_of(
    *(_CALL, _CONNECT, _SAID, _TYPED, *_FILLED, _SIGNED),
    stays=lambda secret: is_harmless(secret) or is_reference(secret, in_names=False),
)

DETECT = rb"(?i)" + any_of(
    rb"(?:login|machine|account)" + SPACE + rb"+\S+" + SPACE + rb"+password" + SPACE,
    rb"(?:login|auth=|auth[a-z0-9_]{0,24}|credentials?)\(" + SPACE + rb"*(?:[\"'\\]|\\+u0027|[a-z][\w.]*,)",
    rb"(?:getConnection|mysqli|mysqli_connect|mysql|postgresql|PDO|PlainAuth)\(",
    rb"(?:auth[a-z0-9_]{0,24}\.basic|credentials?(?:::new|provider)|set_password|superuser|userpassword)\(",
    rb"pass[^\n]{0,32}\)*\.(?:fill|type|send_?keys|set_?value|press_?sequentially)\(",
    rb"pass(?:word|wd|phrase)(?:[^\n\"']|u0027){0,12}\)," + SPACE + rb"*(?:[\"'\\]|\\+u0027)",
    rb"pass(?:word|wd|phrase)(?:[\"'\\]|u0027)+," + SPACE + rb"*with:",
    rb"(?:pass(?:word|wd|code)?|pwd?)(?:[ \t]|\\+t)*[:=]",
    rb"jwt\.(?:sign|verify|encode|decode)\(",
    rb"\|(?:[ \t]|\\+t)*\**pass(?:word)?\**(?:[ \t]|\\+t)*\|",
    rb"pass[a-z0-9_-]*(?:[\"'`\\\]]|u0027)+" + SPACE + rb"*,",
)


def logins(text: bytes) -> Iterator[Span]:
    yield from _after_login(text)
    yield from _in_pairs(text)
    yield from (match.span("secret") for match in _CELL.finditer(text) if _is_shown(match))


def _is_shown(match: re.Match[bytes]) -> bool:
    """Return whether a word is marked as a literal: by quotes, or by a mix of letters and digits."""
    secret = match["secret"].rstrip(b".")
    return not is_harmless(secret) and (match["quote"] != b"" or looks_random(secret))
