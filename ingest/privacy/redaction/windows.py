r"""Passwords among the arguments of Windows' commands, and of PowerShell's.

They are separate from other commands because ``\`` is part of names here, and options begin with ``/``. Each row has
its own detection, so a hit runs one expression.
"""

from ingest.privacy.redaction.placeholders import is_harmless
from ingest.privacy.redaction.rule_parts import QUOTES, SPACE, Find, secrets_of

_GAP = rb"[ \t]{1,4}"
_VALUE = rb"(?P<quote>[\"'])(?P<secret>(?![$%])[^\"'\r\n]{3,128}+)(?P=quote)"
_BARE = rb"(?P<secret>(?![\"'$%/*<-])[^\s\"'|&;<>()\\]{3,128}+)"
_EITHER = rb"[\"']?" + _BARE
_SWITCHES = rb"(?:-(?:String|AsPlainText|Force|S|F|A)(?::\$true)?" + _GAP + rb"){0,3}"
_SECURE, _RUN = rb"ConvertTo-SecureString", rb"[^\r\n\"|&]"
_SHARE = rb"(?:\*" + _GAP + rb"|[a-z]:" + _GAP + rb")?\\\\[^\s\"]{3,128}" + _GAP
_NET = rb"net(?:\.exe)?"

_ROWS = (  # what reveals a command, and its exact expression
    (_SECURE, _SECURE + _GAP + _SWITCHES + _VALUE),
    (_SECURE, _SECURE + _GAP + _SWITCHES + _BARE),
    (_SECURE, _VALUE + rb"\s{0,4}\|\s{0,4}" + _SECURE),
    (
        rb"(?:PSCredential|NetworkCredential)",
        rb"(?:PSCredential|NetworkCredential)(?:\]::new)?\(\s{0,4}(?:[\"'][^\"'\r\n]{0,128}[\"']|\$\w{1,64}),\s{0,4}"
        + _VALUE,
    ),
    (
        _NET + SPACE + rb"+use" + SPACE,
        rb"\b" + _NET + _GAP + rb"use" + _GAP + _SHARE + rb"(?:/user:\S{1,128}" + _GAP + rb")?" + _EITHER,
    ),
    (
        _NET + SPACE + rb"+user" + SPACE,
        rb"\b" + _NET + _GAP + rb"user" + _GAP + rb"[\"']?[^\s\"'/]{1,64}[\"']?" + _GAP + _EITHER,
    ),
    (rb"psexec", rb"\bpsexec(?:64)?(?:\.exe)?\s" + _RUN + rb"{0,128}?\s-p" + _GAP + _EITHER),
    (
        rb"/(?:pass|password[do]?|pwd|rp|rdppassword|p):" + QUOTES,
        rb"(?<!\S)/(?:pass|password[do]?|pwd|rp|rdppassword|p):" + _EITHER,
    ),
    (rb"winrs", rb"\bwinrs\s" + _RUN + rb"{0,128}?[/-]p(?:assword)?:" + _EITHER),
    (
        rb"reg(?:\.exe)?" + SPACE + rb"+add",
        rb"\breg(?:\.exe)?" + _GAP + rb"add\s[^\r\n]{0,192}?/v" + _GAP + rb"[\"']?\w{0,24}(?:password|secret|token|key)"
        rb"[\"']?\s(?:/t\s\w{1,16}\s)?/d" + _GAP + _EITHER,
    ),
    (rb"(?:signtool|sqlcmd)", rb"\b(?:signtool|sqlcmd)(?:\.exe)?\s" + _RUN + rb"{0,128}?\s/p" + _GAP + _EITHER),
    (rb"keyMaterial|key content", rb"\b(?:keyMaterial" + _GAP + rb"|key content[ \t]{0,16}:[ \t]{1,4})" + _EITHER),
    (rb"schtasks", rb"\bschtasks(?:\.exe)?\s" + _RUN + rb"{0,256}?\s/rp" + _GAP + _EITHER),
    (rb"password=" + SPACE, rb"\bsc(?:\.exe)?\s(?:config|create)\s" + _RUN + rb"{0,128}?\bpassword=" + _GAP + _EITHER),
    (rb"password" + SPACE + rb"+REG_SZ", rb"\b\w{0,24}password[ \t]{1,16}REG_SZ[ \t]{1,16}" + _EITHER),
    (rb"netsh", rb"\bnetsh\s" + _RUN + rb"{0,192}?\bkey=" + _EITHER),
)

WINDOWS: tuple[tuple[bytes, Find], ...] = tuple(
    (rb"(?i)" + detect, secrets_of(rb"(?i)" + exact, stays=is_harmless)) for detect, exact in _ROWS
)
