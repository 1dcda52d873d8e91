"""Passwords in special notations: configuration of servers and devices, protocols, build logs, and forms.

Each row has its own detection, so a hit runs one expression. Most values must look random: these notations are rare,
but their words are common.
"""

from collections.abc import Callable

from ingest.privacy.redaction.placeholders import is_harmless, is_mixed, is_reference, looks_random
from ingest.privacy.redaction.rule_parts import SPACE, Find, any_of, secrets_of

_WORD = rb"(?:passw(?:or)?d|passphrase|secret|token|pwd|api_?key)"
_VALUE = rb"[\"']?(?P<secret>(?![<$\[({])[^\s\"'`\\,;<>]{4,128}+)"
_QUOTED = rb"(?P<quote>[\"'])(?P<secret>[^\"'\\\r\n]{4,256}+)(?P=quote)"
_LINE = rb"(?:(?<![^\n\"])|(?<=\n[ +-]))[ \t]{0,16}"
_QUOTES = rb"(?:[\"'\\]|u0027)*"


def _is_no_literal(value: bytes) -> bool:
    return is_harmless(value) or not looks_random(value) or is_reference(value, in_names=True)


def _is_not_mixed(value: bytes) -> bool:
    return not is_mixed(value) or is_harmless(value)


def _row(detect: bytes, exact: bytes, stays: Callable[[bytes], bool] = _is_no_literal) -> tuple[bytes, Find]:
    """Return a row: what reveals a notation, and its exact rule. A value that ``stays`` isn't a secret."""
    return detect, secrets_of(exact, stays=stays)


DIRECTIVES: tuple[tuple[bytes, Find], ...] = (
    # Servers and devices.
    _row(
        rb"(?:bindpw|auth_pass|enable (?:secret|password)|insecure-password|plain-text-password-value|snmp-server"
        rb"|stats auth|privilege \d|radius-server|wifi-sec|(?:PSK|EAP) )",
        rb"(?<![\w.-])(?:bindpw|auth_pass|enable (?:secret|password)(?: \d)?|insecure-password"
        rb"|plain-text-password-value|snmp-server community|stats auth \w{1,32}:|privilege \d{1,2} (?:password|secret)"
        rb"(?: \d)?|radius-server host \S{1,64} key|wifi-sec\.psk|PSK|EAP)[ \t]{0,8}(?<=[ \t:])" + _VALUE,
    ),
    _row(rb"\]:\d{2,5}(?:[ \t]|\\+t)", rb"\]:\d{2,5}[ \t]{1,8}[\w.@+-]{1,96}:" + _VALUE),
    _row(rb"@(?:tcp|unix)\(", rb"(?<![\w.:/@-])[\w.-]{1,64}:(?P<secret>[^\s\"'`@/:\\]{4,128})@(?:tcp|unix)\("),
    _row(
        rb"/[\w.-]{1,64}:[^\s\"'`@/:]{6}[^\s\"'`@/:]*@",
        rb"(?<![\w.-])[\w.-]{1,64}/[\w.-]{1,64}:(?P<secret>[^\s\"'`@/:\\]{6,128})@[\w.-]{1,128}",
    ),
    _row(rb"mysql\w*[\\\"]+,", rb"\"mysql\w{0,8}\"[^\]\n]{0,128}?\"-p(?P<secret>[^\s\"\\]{4,128})\""),
    # Protocols.
    _row(rb"PASS ", _LINE + rb"(?:-{1,5}> ?)?PASS " + _VALUE),
    _row(rb"AUTH ", rb"(?<![\w-])AUTH (?:[\w-]{1,32} )?" + _VALUE),
    _row(rb"LOGIN ", rb"(?<![\w-])[a-z]\d{1,6} LOGIN \S{1,96} " + _VALUE),
    _row(
        rb"(?i)(?:setuser|user) [\w-]{1,64} (?:on|off|reset) ",
        rb"(?i:setuser|user) [\w-]{1,64} (?:on|off|reset) [^\n\"']{0,64}?>(?P<secret>[^\s\"'\\]{4,128}+)",
    ),
    # SQL.
    _row(
        rb"(?i)(?:secret|secret_key|token)" + SPACE + rb"+(?:[\\]*[\"']|\\*u0027)",
        rb"(?i)\b(?:secret|secret_key|token)\s{1,4}" + _QUOTED,
    ),
    _row(rb"(?i)pgp_sym_", rb"(?i)pgp_sym_(?:en|de)crypt\([^'\n()]{1,128},\s{0,4}" + _QUOTED),
    _row(
        rb"(?i)" + _WORD + rb"(?:[\"`\\]|u0022)*\)" + SPACE + rb"*values",
        rb"(?i)" + _WORD + rb"[\"`]?\)\s{0,8}values\s{0,4}\((?:[^()'\n]{0,32}'[^'\n]{0,64}',\s?){0,6}" + _QUOTED,
    ),
    # Build logs.
    _row(
        rb"##vso\[",
        rb"(?i)##vso\[task\.setvariable [^\]\n]{0,128}issecret=true[^\]\n]{0,64}\](?P<secret>[^\s\"\\]{4,256}+)",
    ),
    _row(
        rb"::(?:add-mask|set-output)",
        rb"::(?:add-mask|set-output name=[\w-]{0,32}(?i:" + _WORD + rb")[\w-]{0,16})::(?P<secret>[^\s\"\\]{4,256}+)",
    ),
    _row(
        rb"(?i)(?:printenv|echo \$)[ ]?\w{0,48}" + _WORD,
        rb"(?i)(?:printenv|echo \$)[ ]?\w{0,48}" + _WORD + rb"\w{0,8}\r?\n(?P<secret>[^\s\"\\]{4,256}+)",
    ),
    # Forms.
    _row(
        rb"(?i)" + _WORD + rb"[\\\"]+(?:\\+[rn]|[\r\n]){2}",
        rb"(?i)name=\"[\w-]{0,32}" + _WORD + rb"\"\r?\n\r?\n(?P<secret>[^\s\"\\]{4,256}+)",
    ),
    _row(
        rb"(?i)passw(?:or)?d(?:\\+[rn]|[\r\n])[^\n,]*,",
        rb"(?i)\b\w{0,24}passw(?:or)?d\r?\n(?:[^\n,]{0,64},){1,6}(?P<secret>[^\s,\"\\]{4,256}+)",
    ),
    _row(rb"WIFI:", rb"WIFI:[^\n\"]{0,128}?;P:(?P<secret>[^;\n\"\\]{4,63});"),
    _row(
        rb"(?i)(?:[?&;]|u0026)(?:key|auth|jwt)=[A-Za-z0-9_-]{20}",
        rb"(?i)[?&;](?:key|auth|jwt)=(?P<secret>[A-Za-z0-9_-]{20,256}+)",
    ),
    # Other notations.
    _row(
        rb"(?i)" + _WORD + _QUOTES + rb": (?:[|>]|\\+u003e)",
        rb"(?i)" + _WORD + rb"[\"']?:[ \t][|>][+-]?[ \t]{0,4}\r?\n[ \t]{1,32}(?P<secret>[^\s\"\\:]{4,256}+)"
        rb"(?=[\s\"]|$)",
    ),
    _row(rb"forKey:", rb"(?i)" + _QUOTED + rb",\s{0,4}forKey:\s{0,4}[\"'][\w.-]{0,32}" + _WORD),
    _row(
        rb"(?i)" + any_of(_WORD, rb"pass", rb"pw") + rb"[?:]?(?:[ \t]|\\+t)*=?(?:[ \t]|\\+t)*"
        rb"(?:%?q[qw]?[{(\[|\\/]|%[qQ][{(\[]|\[\[|\{)",
        rb"(?i)" + any_of(_WORD, rb"(?<![a-z])(?:pass|pw)") + rb"(?:\?|:)?[ \t]{0,4}=?[ \t]{0,4}"
        rb"(?:%?q[qw]?[{(\[|/]|%[qQ][{(\[]|\[\[|\{)(?P<secret>[^\s{}()\[\]|/\"'\\]{6,256}+)[})\]|/]",
    ),
    _row(
        rb"(?i)(?:password|passphrase|keymaterial)(?:" + SPACE + rb"\w+=[^<>]*)?(?:>|\\*u003e)",
        rb"(?i)<(?:\w{1,16}:)?\w{0,24}(?:password|passphrase|keymaterial)(?:\s\w{1,16}=[^<>]{0,128})?>\s{0,32}"
        rb"(?:<value>)?(?P<secret>[^<>{}$\s]{3,256}+)</",
        is_harmless,
    ),
    _row(
        rb"(?i)(?:password|passphrase|secret|api_?key)(?:<|\\*u003c)\\*/key",
        rb"(?i)<key>[\w. -]{0,32}(?:password|passphrase|secret|api_?key)</key>\s{0,32}<string>"
        rb"(?P<secret>[^<>{}$\s]{3,256}+)</",
        is_harmless,
    ),
    _row(
        rb"(?i)" + _WORD + _QUOTES + SPACE + rb"*:" + SPACE + rb"*\{",
        rb"(?i)" + _WORD + rb"[\"']?\s{0,4}:\s{0,4}\{\s{0,4}[\"'](?:S|value|stringValue|plain_?text|secureString)[\"']"
        rb"\s{0,4}:\s{0,4}" + _QUOTED,
        is_harmless,
    ),
    _row(
        rb"(?i)\"jwt\\*\"" + SPACE + rb"*:" + SPACE + rb"*\{",
        rb"(?i)\"jwt\"\s{0,4}:\s{0,4}\{[^{}]{0,128}?\"(?:key|secret)\"\s{0,4}:\s{0,4}" + _QUOTED,
        is_harmless,
    ),
    # A comment says what the value before it on the line is. One slash stands for two, which may be escaped: with both
    # as alternatives, hyperscan 0.9 misses some texts.
    _row(
        rb"(?i)(?:#|/|--|\() ?[^\n]{0,48}(?:password|passphrase|passwd|secret)",
        rb"(?<![^\s\"'(=:,\[{])(?P<secret>[^\s\"'`\\,;()\[\]{}<>=$#]{10,64}+)(?=[\"'\s)])[^\n#]{0,40}?(?:#|//|--|\() ?"
        rb"[^\n]{0,48}?(?i:password|passphrase|passwd|secret)",
        _is_not_mixed,
    ),
    # A user of that name, then a value.
    _row(
        rb"(?i)(?:[\"']|u0027)(?:root|admin|administrator|postgres|sa)(?:[\"'\\]|u0027)+,",
        rb"(?i)[\"'](?:root|admin|administrator|postgres|sa)[\"'],\s{0,8}[\"'](?P<secret>[^\s\"'\\]{8,128}+)[\"']",
        _is_not_mixed,
    ),
)
