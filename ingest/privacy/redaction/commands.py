"""Passwords among the arguments of commands that are known to accept them.

A command extends to the end of its line, or to the next command; a quoted text is one argument.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from ingest.privacy.redaction.placeholders import is_harmless
from ingest.privacy.redaction.rule_parts import SPACE, Span, any_of
from ingest.privacy.redaction.scanner import Scanner

_LINE_BYTES_MAX = 1024  # of a command, from its name to the secret
_LINE_ENDS = re.compile(rb"\\(?!\r?\n)|(?<!\\)[\r\n]")  # a backslash is an escape, or continues the line
_ARGUMENT = (
    rb"(?:\"(?P<double>[^\"\n\\]{1,512})(?:\"|$)|'(?P<single>[^'\n]{1,512})(?:'|$)"
    rb"|(?P<bare>(?![\"'$<-])[^\s\"'`;|<>()\\]{1,512}+))"
)


class _Command(NamedTuple):
    """A command's names, the option before a secret among its arguments, and how that option begins."""

    name: bytes  # any white space may be in place of its spaces
    option: bytes
    begins: bytes


_OF_VARIABLES = rb"\w{0,64}(?:PASSW(?:OR)?D|PASS|PWD|SECRET|TOKEN|KEY|CREDENTIALS?)\w{0,8}\s"
_COMMANDS = (
    _Command(rb"mysql\w*|mariadb[\w-]*|mycli|percona-\w+|7z[ar]?|rar|unrar", rb"-p", rb"-p"),
    _Command(rb"sshpass", rb"-p\s?", rb"-p"),
    _Command(rb"(?:redis|valkey|keydb)-(?:cli|benchmark)", rb"(?:-a|--pass)[\s=]", rb"-"),
    _Command(rb"(?:docker|podman|buildah|skopeo|nerdctl|oras|crane auth|helm registry|oc|cf|argocd|az|az acr) login",
             rb"(?:(?:-p|-s|--password|--token)[\s=]|<<<\s?)", rb"[-<]"),
    _Command(rb"mongo(?:sh|dump|restore|export|import|stat|top|files)?|cqlsh|cypher-shell|rabbitmqadmin",
             rb"-p[\s=]?", rb"-p"),
    _Command(rb"sqlcmd|bcp|isql|osql|tsql|zip|unzip", rb"-P\s?", rb"-P"),
    _Command(rb"htpasswd", rb"-\w{0,4}b\w{0,4}(?:\s-\w){0,3}\s[^\s\"'-]\S{0,255}\s\S{1,128}\s", rb"-"),
    _Command(rb"htpasswd", rb"-(?:n\w{0,3}b|b\w{0,3}n)\w{0,4}\s\S{1,128}\s", rb"-"),
    _Command(rb"openssl", rb"(?:(?:-(?:passin|passout|pass|password)\s)?[\"']?pass:|-(?:k|K|password)\s)", rb"[-p]"),
    _Command(rb"http|https|xhs?", rb"(?:-a|--auth)[\s=]", rb"-"),
    _Command(rb"curl(?:\.exe)?", rb"(?:-u|-U|--user|--proxy-user)[\s=]?(?=[\"']?[^\s:\"'$]{0,128}:)", rb"-"),
    _Command(rb"curl(?:\.exe)?", rb"(?:-b|--cookie)[\s=]?(?=[\"']?[\w.-]{1,64}=)", rb"-"),
    _Command(rb"ldap\w{3,10}|xfreerdp|rdesktop|smbmap|crackmapexec|evil-winrm", rb"(?:-w|-p|/p:)\s?", rb"[/-]"),
    _Command(rb"smbclient", rb"-U\s?[\"']?[\w./-]{1,64}%", rb"-U"),
    _Command(rb"keytool|jarsigner", rb"-(?:(?:src|dest)?(?:store|key)pass)[\s=]", rb"-"),
    _Command(rb"gpg2?|cryptsetup|restic|borg|ssh-keygen", rb"(?:--passphrase|-N|-P)[\s=]", rb"-"),
    _Command(rb"snmp\w{3,9}", rb"-[AX]\s", rb"-[AX]"),
    _Command(rb"lftp", rb"-u\s[^\s,]{1,128},", rb"-u"),
    _Command(rb"vault login", rb"(?:token=)?(?=[\w.-]{8})", rb"[a-zA-Z0-9]"),
    _Command(rb"rabbitmqctl", rb"(?:add_user|change_password|authenticate_user)\s\S{1,128}\s", rb"[a-z]"),
    _Command(rb"mysqladmin|nmcli", rb"password\s", rb"p"),
    _Command(rb"wpa_passphrase", rb"\S{1,64}\s", rb"\S"),
    _Command(rb"influx\w*|grafana-cli|grafana cli", rb"(?:-password|(?:admin\s)?reset-admin-password)\s", rb"[-ar]"),
    _Command(rb"mc alias set", rb"\S{1,64}\s\S{1,128}\s\S{1,128}\s", rb"\S"),
    _Command(rb"ngrok", rb"(?:add-)?authtoken\s", rb"(?:add-)?auth"),
    _Command(rb"setx|setenv|set -\w{0,3}x\w{0,3}|set --export", rb"(?:-\w{1,2}\s)?" + _OF_VARIABLES, rb"[A-Z-]"),
    _Command(rb"(?:gh|glab|fly|flyctl|wrangler|supabase|az keyvault|doppler|firebase|eas) (?:secrets?|variable)"
             rb" (?:set|create|put|update)", rb"(?:-b|--body|--value|-v)[\s=]", rb"-"),
    _Command(rb"aws secretsmanager", rb"--secret-string[\s=]", rb"--secret"),
    _Command(rb"aws ssm put-parameter", rb"--value[\s=]", rb"--value"),
    _Command(rb"dotnet user-secrets set", rb"[\"']?[\w:.-]{1,128}[\"']?\s", rb"[\"'\\a-zA-Z]"),
    _Command(rb"composer config(?: --\w{1,16})?",
             rb"(?:http-basic\S{1,64}\s\S{1,64}|\S{0,16}(?:oauth|token|bearer)\.\S{1,64})\s",
             rb"[a-z]"),
    _Command(rb"(?:npm|yarn|pnpm|pip) config set",
             rb"[\w./:@-]{0,96}(?:_auth|token|password)\w{0,8}[\s=]", rb"[a-zA-Z/@]"),
    _Command(rb"git config", rb"\S{1,96}(?:token|password)\s", rb"[a-zA-Z]"),
)  # fmt: skip
_OPTIONS = tuple(re.compile(rb"(?<!\S)" + command.option + _ARGUMENT) for command in _COMMANDS)
_names = Scanner(
    [rb"(?:^|[^A-Za-z0-9_.:-]|[\"\n]-)(?:" + command.name.replace(b" ", rb"\s+") + rb")\s" for command in _COMMANDS]
)
_PIPED = re.compile(
    rb"(?<![\w.-])(?:echo|printf)\s{1,4}(?:-[neE]{1,2}\s{1,4})?(?:[\"'](?P<double>[^\"'\n\\|]{3,256})[\"']"
    rb"|(?P<bare>[^\s\"'|\\$<]{3,256}))\s{0,4}\|\s{0,4}"
    rb"(?:sudo\s{1,4}-\w{0,3}S|(?:sudo\s{1,4})?(?:passwd\s{1,4}--stdin|chpasswd)|[^\n|]{1,128}--(?:password-stdin|with-token))"
)

DETECT = (
    *(
        any_of(c.name.replace(b" ", SPACE + rb"+")) + SPACE + rb"(?:(?:[^\n]|\\\r?\n)*" + SPACE + rb")?" + c.begins
        for c in _COMMANDS
    ),
    rb"\|" + SPACE + rb"*(?:sudo" + SPACE + rb"+-\w{0,3}S|(?:sudo" + SPACE + rb"+)?(?:passwd|chpasswd)"
    rb"|[^\n|]{1,128}--(?:password-stdin|with-token))",
)


def commands(text: bytes) -> Iterator[Span]:
    """Find the secrets among the arguments of each command."""
    hits = sorted(_names.scan(text))
    for number, (end, command) in enumerate(hits):
        following = next((hit.end for hit in hits[number + 1 : number + 4] if hit.end > end), len(text))
        yield from _secrets(_OPTIONS[command].finditer(text, end, _line_end(text, end, following)))
    yield from _secrets(_PIPED.finditer(text))


def _line_end(text: bytes, begin: int, following: int) -> int:
    limit = min(begin + _LINE_BYTES_MAX, following)
    match = _LINE_ENDS.search(text, begin, limit)
    return match.start() if match else limit


def _secrets(matches: Iterator[re.Match[bytes]]) -> Iterator[Span]:
    for match in matches:
        group = match.lastgroup or "bare"
        secret = match[group]
        if len(secret) > 2 and not is_harmless(secret):
            yield match.span(group)
