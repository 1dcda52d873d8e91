"""Passwords among the arguments of commands that are known to accept them.

A command extends to the end of its line, or to the next command; a quoted text is one argument.
"""

import re
from collections.abc import Iterator

from ingest.privacy.redaction.placeholders import is_harmless, is_login_of_documentation
from ingest.privacy.redaction.rule_parts import QUOTES, SPACE, Find, Span, any_of, secrets_of
from ingest.privacy.redaction.scanner import Scanner

_LINE_BYTES_MAX = 1024  # of a command, from its name to the secret
_LINE_ENDS = re.compile(rb"\\(?!\r?\n)|(?<!\\)[\r\n]")  # a backslash is an escape, or continues the line
_ARGUMENT = (
    rb"(?:\"(?P<double>[^\"\n\\]{1,512})(?:\"|$)|'(?P<single>[^'\n]{1,512})(?:'|$)"
    rb"|(?P<bare>(?![\"'$<-])[^\s\"'`;|<>()\\]{1,512}+))"
)
_OF_VARIABLES = rb"\w{0,64}(?:PASSW(?:OR)?D|PASS|PWD|PW|PAT|SECRET|TOKEN|KEY|CREDENTIALS?)\w{0,8}\s"
# A command's names (spaces stand for any white space), the option before a secret, and how that option begins.
_COMMANDS = (
    (rb"mysql\w*|mariadb[\w-]*|mycli|percona-\w+|7z[ar]?|rar|unrar", rb"-p", rb"-p"),
    (rb"sshpass", rb"-p\s?", rb"-p"),
    (rb"(?:redis|valkey|keydb)-(?:cli|benchmark)", rb"(?:-a|--pass)[\s=]", rb"-"),
    (rb"(?:docker|podman|buildah|skopeo|nerdctl|oras|crane auth|helm registry|oc|cf|argocd|az|az acr) login",
     rb"(?:(?:-p|-s|--password|--token)[\s=]|<<<\s?)", rb"[-<]"),
    (rb"mongo(?:sh|dump|restore|export|import|stat|top|files)?|cqlsh|cypher-shell|rabbitmqadmin", rb"-p[\s=]?", rb"-p"),
    (rb"pdftotext|qpdf|pdftk", rb"(?:-[uo]pw\s|(?:user|owner|input)_pw\s|--password=)", rb"\S"),
    (rb"skopeo \w{1,8}|etcdctl|tool", rb"--(?:user|auth|(?:src-|dest-)?creds)[\s=][\w.-]{1,64}:", rb"--"),
    (rb"sqlcmd|bcp|isql|osql|tsql|zip|unzip|ipmitool|mosquitto_(?:pub|sub)", rb"-P\s?", rb"-P"),
    (rb"twine\s\w{1,12}|ncftp\w{0,4}", rb"-p\s", rb"-p"),
    (rb"htpasswd", rb"-\w{0,4}b\w{0,4}(?:\s-\w){0,3}\s[^\s\"'-]\S{0,255}\s\S{1,128}\s", rb"-"),
    (rb"htpasswd", rb"-(?:n\w{0,3}b|b\w{0,3}n)\w{0,4}\s\S{1,128}\s", rb"-"),
    (rb"openssl passwd", rb"-(?:[156]|apr1)\s", rb"-"),
    (rb"openssl", rb"(?:(?:-(?:passin|passout|pass|password)\s)?[\"']?pass:|-(?:k|K|password)\s)", rb"[-p]"),
    (rb"http|https|xhs?", rb"(?:-a|--auth)[\s=]", rb"-"),
    (rb"curl(?:\.exe)?", rb"(?:-u|-U|--user|--proxy-user)[\s=]?(?=[\"']?[^\s:\"'$]{0,128}:)", rb"-"),
    (rb"curl(?:\.exe)?", rb"(?:-b|--cookie)[\s=]?(?=[\"']?[\w.-]{1,64}=)", rb"-"),
    (rb"ldap\w{3,10}|certutil(?:\.exe)?|xfreerdp|rdesktop|smbmap|crackmapexec|evil-winrm",
     rb"(?:-w|-p|/p:)\s?", rb"[/-]"),
    (rb"curl(?:\.exe)?", rb"(?:--cert|-E)\s[^\s:\"']{1,128}:", rb"-"),
    (rb"vault|cargo|drush", rb"(?:operator\sunseal|login|user:password\s\S{1,64})\s", rb"[olu]"),
    (rb"networksetup", rb"-setairportnetwork\s\S{1,32}\s\S{1,64}\s", rb"-set"),
    (rb"ansible-vault", rb"encrypt_string\s", rb"encrypt_string"),
    (rb"mosquitto_passwd", rb"-b\s\S{1,128}\s\S{1,128}\s", rb"-b"),
    (rb"rclone config (?:create|update)", rb"pass\s", rb"pass"),
    (rb"(?:poetry|bundle) config",
     rb"(?:http-basic\S{1,64}\s\S{1,64}\s|(?:--\w{1,16}\s)?\S{1,96}\s\S{1,64}:)", rb"\S"),
    (rb"occ config:(?:app|system):set", rb"\S{0,48}pass\w{0,16}\s--value=", rb"\S"),
    (rb"cypress run", rb"--key[\s=]", rb"--key"),
    (rb"pulumi config set", rb"--secret\s\S{1,64}\s", rb"--secret"),
    (rb"smbclient|rpcclient", rb"-U\s?[\"']?[\w./-]{1,64}%", rb"-U"),
    (rb"keytool|jarsigner", rb"-(?:(?:src|dest)?(?:store|key)pass)[\s=]", rb"-"),
    (rb"gpg2?|cryptsetup|restic|borg|ssh-keygen", rb"(?:--passphrase|-N|-P)[\s=]", rb"-"),
    (rb"snmp\w{3,9}", rb"-[AX]\s", rb"-[AX]"),
    (rb"lftp", rb"-u\s[^\s,]{1,128},", rb"-u"),
    (rb"vault login", rb"(?:token=)?(?=[\w.-]{8})", rb"[a-zA-Z0-9]"),
    (rb"rabbitmqctl", rb"(?:add_user|change_password|authenticate_user)\s\S{1,128}\s", rb"[a-z]"),
    (rb"mysqladmin|nmcli", rb"(?:password|\S{0,16}\.psk)\s", rb"\S"),
    (rb"wpa_passphrase", rb"\S{1,64}\s", rb"\S"),
    (rb"influx\w*|grafana-cli|grafana cli", rb"(?:-password|(?:admin\s)?reset-admin-password)\s", rb"[-ar]"),
    (rb"mc alias set", rb"\S{1,64}\s\S{1,128}\s\S{1,128}\s", rb"\S"),
    (rb"ngrok", rb"(?:add-)?authtoken\s", rb"(?:add-)?auth"),
    (rb"setx|setenv|set -\w{0,3}x\w{0,3}|set --export", rb"(?:-\w{1,2}\s)?" + _OF_VARIABLES, rb"[A-Z-]"),
    ((rb"(?:gh|glab|fly|flyctl|wrangler|supabase|az keyvault|doppler|firebase|eas) (?:secrets?|variable)"
      rb" (?:set|create|put|update)"), rb"(?:-b\s?|(?:--body|--value|-v)[\s=])", rb"-"),
    (rb"aws secretsmanager", rb"--secret-string[\s=]", rb"--secret"),
    (rb"aws ssm put-parameter", rb"--value[\s=]", rb"--value"),
    (rb"dotnet user-secrets set", rb"[\"']?[\w:.-]{1,128}[\"']?\s", rb"[\"'\\a-zA-Z]"),
    (rb"composer config(?: --\w{1,16})?",
     rb"(?:http-basic\S{1,64}\s\S{1,64}|\S{0,16}(?:oauth|token|bearer)\.\S{1,64})\s", rb"[a-z]"),
    (rb"(?:npm|yarn|pnpm|pip) config set",
     rb"[\w./:@-]{0,96}(?:_auth|(?i:token|password))\w{0,8}[\s=]", rb"[a-zA-Z/@]"),
    (rb"git config", rb"\S{1,96}(?:token|password)\s", rb"[a-zA-Z]"),
)  # fmt: skip
_OPTIONS = tuple(re.compile(rb"(?<!\S)" + option + _ARGUMENT) for _, option, _ in _COMMANDS)
NAMES = Scanner(
    [rb"(?:^|[^A-Za-z0-9_.:-]|[\"\n]-)(?:" + names.replace(b" ", rb"\s+") + rb")\s" for names, *_ in _COMMANDS]
)
DETECT = tuple(
    any_of(names.replace(b" ", SPACE + rb"+")) + SPACE + rb"(?:(?:[^\n]|\\\r?\n)*" + SPACE + rb")?" + begins
    for names, _, begins in _COMMANDS
)


def commands(text: bytes) -> Iterator[Span]:
    """Find the secrets among the arguments of each command."""
    hits = sorted(NAMES.scan(text))
    for number, (end, command) in enumerate(hits):
        following = next((hit.end for hit in hits[number + 1 : number + 4] if hit.end > end), len(text))
        limit = min(end + _LINE_BYTES_MAX, following)
        line_end = _LINE_ENDS.search(text, end, limit)
        for match in _OPTIONS[command].finditer(text, end, line_end.start() if line_end else limit):
            group = match.lastgroup or "bare"
            secret = match[group]
            if len(secret) > 2 and not is_harmless(secret) and not is_login_of_documentation(secret):
                yield match.span(group)


# Commands of Windows and of PowerShell are separate, since ``\`` is part of names there, and options begin with ``/``.
# Each row has its own detection, so a hit runs one expression.
_GAP = rb"[ \t]{1,4}"
_VALUE = rb"(?P<quote>[\"'])(?P<secret>(?![$%])[^\"'\r\n]{3,128}+)(?P=quote)"
_BARE = rb"(?P<secret>(?![\"'$%/*<-])[^\s\"'|&;<>()\\]{3,128}+)"
_EITHER = rb"[\"']?" + _BARE
_SWITCHES = rb"(?:-(?:String|AsPlainText|Force|S|F|A)(?::\$true)?" + _GAP + rb"){0,3}"
_SECURE, _RUN = rb"ConvertTo-SecureString", rb"[^\r\n\"|&]"
_SHARE = rb"(?:\*" + _GAP + rb"|[a-z]:" + _GAP + rb")?\\\\[^\s\"]{3,128}" + _GAP
_NET = rb"net(?:\.exe)?"

_ON_WINDOWS = (  # what reveals a command, and its exact expression
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
    (rb"(?i)" + detect, secrets_of(rb"(?i)" + exact, stays=is_harmless)) for detect, exact in _ON_WINDOWS
)
