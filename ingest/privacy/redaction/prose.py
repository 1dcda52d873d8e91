"""Passwords in sentences and notes: ``the password for staging is …``, ``log in as bob / …``.

Any word may follow, so a word must be marked as a literal: by quotes, by a mix of letters and digits, or by a place
that only a password has.
"""

import re
from collections.abc import Callable

from ingest.privacy.redaction.placeholders import is_harmless, is_login_of_documentation, is_mixed, looks_random
from ingest.privacy.redaction.rule_parts import Find, any_of, matches_of

_SHOWN = rb"(?P<quote>[`\"']?)(?P<secret>[^\s,;|(){}&`\"'\\]{4,256}+)(?P=quote)(?![,(){}\\])"
_LAST = rb"(?P<quote>[`\"']?)(?P<secret>(?![\[<(=])[^\s,;|(){}&`\"'\\]{4,256}+)(?P=quote)"
_USER = rb"[`\"']?(?P<user>[a-z0-9][\w.@+-]{1,64})[`\"']?"
_OF_PASSWORD = rb"(?:pass(?:word|phrase|wort|code)|kennwort|secret)"
_OF_KEY = rb"(?:api[ _-]?key|(?:access |api |auth |bearer )?token|pw|pwd|pin|pass)"
_FOREIGN = (
    *("mot de passe", "contraseña", "senha", "wachtwoord", "hasło", "пароль"),
    *("密码", "密碼", "パスワード", "비밀번호"),
)
_ARROW = rb"(?:->|=>|\xe2\x86\x92)"
_ABOUT = rb"(?: (?:for|of|on|to|at|4|f\xc3\xbcr|pour|para) [^\n.,;:\"]{1,40}?)?"
_NOT_PASSWORDS = frozenset(
    b"""
    apple azure email e-mail facebook github gitlab google ldap linkedin microsoft oauth oidc okta otp passkey passkeys
    phone rate saml slack sso twitter username write read true false admin member guest owner editor viewer root
    """.split()
)
_USERS = frozenset((b"admin", b"root", b"guest"))
_AFTER_NAME = any_of(
    _ABOUT + rb"(?: (?:is|was|ist|lautet)[: \t]{1,4}|[ \t]?" + _ARROW + rb"[ \t]?)",
    rb" (?:for|of|on|to|at|4|f\xc3\xbcr) [^\n.,;:\"]{1,40}?:[ \t]{1,4}",
    rb" (?:has been|was|wurde) (?:changed|set|reset|ge\xc3\xa4ndert)? ?(?:to|auf) ",
    rb" (?:for|of) (?:[\w ]{1,16} )?[\"'`][^\"'`\n]{1,128}[\"'`]: ",
    rb" (?:for|of) [^\n.,;:\"(]{1,40}\([^\n()]{1,64}\): ",
    rb",? (?:is generated for \S{1,64}:|(?:please )?(?:type|use|enter|try)) ",
    rb" \((?:for|of|on) [^\n()\"]{1,32}\): ",
)
_IS = rb"(?: (?:is|was|to|ist|lautet)(?::[ \t]{1,4}|[ \t]{1,4})|[ \t]?" + _ARROW + rb"[ \t]?)"
_TAB = rb"(?:[ \t]|\\+t)"
_SIGN_IN = rb"(?:log(?:ged)?[ -]?in|sign(?:ed)?[ -]?in|ssh|connect)"
_SIGN_IN_AS = _SIGN_IN + rb"[ \t](?:with|as|using)[ \t]" + _USER
_SIGN_IN_DETECT = _SIGN_IN + _TAB + rb"(?:with|as|using)" + _TAB
_LOGIN = rb"(?:(?:credentials?|creds|login|zugangsdaten)(?: are| is| -|:)|basic auth)"
_BEGINS = rb"(?:^|[^a-z0-9_.-]|\\[nrtfb]|u00[0-9a-f]{2})"
_SAYS = any_of(
    rb"(?:[\\]*[\"'`]|\\+u0027)?[^\s\\]{0,40}[0-9]",
    rb"\(?(?:for|of|on|to|at|4|f\xc3\xbcr|f\\+u00fcr|pour|para) ",
    rb"(?:is|was|to|ist|lautet|has been|wurde|please|type|use|enter|try)[ :\\\t]",
)
_POINTS = rb"(?:->|=(?:>|\\+u003e)|-\\+u003e|\xe2\x86\x92|\\+u2192)"
_NAMED = (
    _BEGINS
    + any_of(_OF_KEY, _OF_PASSWORD)
    + rb"(?:'s|\\*u0027s)?,?"
    + any_of(_TAB + rb"+" + _SAYS, _TAB + rb"?" + _POINTS)
)


def _escaped(word: str) -> bytes:
    r"""Return the pattern of a word whose letters beyond ASCII may be written ``\uXXXX``."""
    return b"".join(
        letter.encode() if letter.isascii() else rb"(?:%s|\\+u%04x)" % (letter.encode(), ord(letter)) for letter in word
    )


def _is_marked(match: re.Match[bytes]) -> bool:
    secret = match["secret"].rstrip(b".")
    return not is_harmless(secret) and (match["quote"] != b"" or _is_random(match) or b"is:" in match[0])


def _is_random(match: re.Match[bytes]) -> bool:
    secret = match["secret"].rstrip(b".:!?")
    return not is_harmless(secret) and (looks_random(secret) or is_mixed(secret)) and b"://" not in secret


def _is_placed(match: re.Match[bytes]) -> bool:
    secret, user = match["secret"].rstrip(b".:!?"), match["user"]
    is_name = secret.lower() in _NOT_PASSWORDS or user.lower() in _NOT_PASSWORDS - _USERS
    is_example = is_login_of_documentation(user + b":" + secret)
    return not is_name and not is_example and not is_harmless(secret) and b"/" not in secret


def _row(detect: bytes, exact: bytes, takes: Callable[[re.Match[bytes]], bool]) -> tuple[bytes, Find]:
    """Return one way to say it: what reveals it, and its exact rule. A match that it ``takes`` is a secret."""
    return rb"(?i)" + detect, matches_of(rb"(?i)(?<![a-z0-9_.-])" + exact, takes=takes)


PROSE: tuple[tuple[bytes, Find], ...] = (
    _row(_NAMED, _OF_PASSWORD + _ABOUT + _IS + _SHOWN, _is_marked),
    _row(_NAMED, any_of(_OF_KEY, _OF_PASSWORD) + _AFTER_NAME + _LAST, _is_random),
    _row(_NAMED, rb"(?:api[ -]key|passphrase|password|pw|pwd|kennwort|token)(?:'s)?[ \t]{1,2}" + _LAST, _is_random),
    _row(
        rb"(?:api|auth|access|recovery|licen[cs]e|encryption) key ?[:=]",
        rb"(?:api|auth|access|recovery|licen[cs]e|encryption) key ?[:=] ?" + _LAST,
        _is_random,
    ),
    _row(
        rb"[^\s] as (?:the |a |your |my )[\w ]{0,24}(?:password|token|key)",
        rb"use [\"'`]?(?P<secret>[^\s\"'`\\]{6,128})[\"'`]? as (?:the |a |your |my )[\w ]{0,24}?(?:password|token|key)",
        _is_random,
    ),
    _row(
        rb"u(?:ser)?: ?[\w.@-]{1,64},? p(?:w|ass)?:",
        rb"u(?:ser)?: ?[\w.@-]{1,64},? p(?:w|ass)?: ?" + _LAST,
        _is_random,
    ),
    _row(
        rb"benutzer[: ]{1,2}[\w.@-]{1,64},? (?:kenn|pass)wort",
        rb"benutzer[: ]{1,2}[\w.@-]{1,64},? (?:kennwort|passwort)[: ]{1,2}" + _LAST,
        _is_random,
    ),
    _row(
        any_of(*map(_escaped, _FOREIGN)) + _TAB + rb"*"
        rb"(?::|\xef\xbc\x9a|\\+uff1a|=|is|est|es|\xc3\xa9|\\+u00e9|jest|\xe6\x98\xaf|\\+u662f)",
        any_of(*(word.encode() for word in _FOREIGN)) + rb"[ \t]{0,2}"
        rb"(?::|\xef\xbc\x9a|=|is|est|es|\xc3\xa9|jest|\xe6\x98\xaf)[ \t]{0,4}" + _SHOWN,
        _is_marked,
    ),
    _row(
        rb"(?:admin|root|administrator|postgres)" + _TAB + rb"\\*/" + _TAB,
        rb"(?:admin|root|administrator|postgres)[ \t]/[ \t]" + _LAST + rb"(?![ \t]*/)",
        _is_random,
    ),
    _row(_SIGN_IN_DETECT, _SIGN_IN_AS + rb"(?:,| and| with)[ \t]" + _LAST, _is_random),
    _row(_SIGN_IN_DETECT + rb"[^\s]{1,80}" + _TAB + rb"\\*/", _SIGN_IN_AS + rb"[ \t]/[ \t]" + _LAST, _is_placed),
    _row(
        rb"(?:credentials?|creds|login)(?: are| is|:)" + _TAB + rb"[^\s]{1,80}\\*/",
        rb"(?:credentials?|creds|login)(?: are| is|:)[ \t]" + _USER + rb"/" + _LAST,
        _is_random,
    ),
    _row(
        _LOGIN + _TAB + rb"[^\s]{1,80}(?::|" + _TAB + rb"\\*/)",
        _LOGIN + rb"[ \t]" + _USER + rb"(?::|[ \t]/[ \t])" + _LAST,
        _is_placed,
    ),
    _row(
        rb"(?:user(?:[ _-]?name)?|login)(?:[ :\t]|\\+t)+[^\s]{1,80}," + _TAB + rb"(?:and )?(?:pass|pw)",
        rb"(?:user(?:[ _-]?name)?|login)[: \t]{1,2}" + _USER + rb",[ \t](?:and )?"
        rb"(?:pass(?:word|wd)?|pwd?)[: \t]{1,2}" + _LAST,
        _is_placed,
    ),
)
