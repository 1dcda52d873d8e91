"""Passwords that a program reads from its standard input: from a pipe, a here-string, a here-document, or expect."""

import re
from collections.abc import Iterator

from ingest.privacy.redaction.placeholders import is_harmless
from ingest.privacy.redaction.rule_parts import SPACE, Find, Span, any_of, secrets_of

_ARGUMENT = (
    rb"(?:\"(?P<double>(?:[^\"\\\n]|\\[^\r\n]){3,256}+)\"|'(?P<single>[^'\n]{3,256}+)'"
    rb"|(?P<bare>(?![\"'$<>(-])[^\s\"'`;|<>()\\$]{3,256}+))"
)
_WRITER = (
    rb"(?:echo|printf|print|yes|Write-Output)\s{1,4}(?:-[neEr]{1,3}\s{1,4}|--\s{1,4}){0,2}"
    rb"(?:[\"']?%s(?:\\{1,4}n)?[\"']?\s{1,4})?" + _ARGUMENT
)
_FILTERS = rb"(?:(?:base64|tr|head|tee)\b[^\n|]{0,48}\|\s{0,4}){0,2}"
# Programs that read only a password there, and options that make other programs read one.
_PROGRAMS = (
    rb"s?chpasswd|smbpasswd|passwd|kinit|kpasswd|mkpasswd|htpasswd|p4 login|read -r?s|su|sshpass|ssh-add|smbclient"
    rb"|cryptsetup|keepassxc-cli|vault login|npm login|npm adduser|docker secret create|podman secret create"
    rb"|(?:gh|glab|wrangler|fly|flyctl|vercel|az|doppler|supabase|eas|heroku) (?:secrets?|env|variable|auth)"
    rb" (?:put|set|add|create|import)"
)
_OPTIONS = (
    rb"--(?:password-stdin|with-token|token-stdin|stdin|passphrase-fd[= ]0|password-fd[= ]0|key-file[= ]-"
    rb"|data-file[= ]-|passphrase-file[= ]-|password-file[= ]-)(?![\w-])|(?:stdin|fd:0)(?![\w-])|/dev/stdin"
)
_SUDO = rb"sudo(?:\s{1,4}-{1,2}[\w-]{1,24}){0,4}?\s{1,4}(?:-\w{0,6}S|--stdin)(?!\w)"
_READER = any_of(
    _SUDO,
    rb"(?:sudo\s{1,4}(?:-\w{1,4}\s{1,4}){0,2})?" + any_of(_PROGRAMS.replace(b" ", rb"\s{1,4}")) + rb"(?![\w-])",
    rb"[a-z][^\n|<>;&]{1,160}?" + any_of(_OPTIONS),
)
_PIPED = re.compile(rb"(?<![\w.-])" + _WRITER + rb"\s{0,4}\|\s{0,4}" + _FILTERS + _READER)
_LINE_BYTES_MAX = 256
_HERE = re.compile(
    rb"(?<!<)<<(?:<\s{0,4}" + _ARGUMENT + rb"|[-~]?\s{0,4}[\"']?(?P<mark>\w{1,32})[\"']?[ \t]{0,4}"
    rb"(?:\r?\n|\",\s{0,8}\"[ +-])(?P<line>[^\s\"\\]{3,256}+)(?=[\r\n\"]))"
)
_reads = re.compile(rb"(?<![\w.-])" + _READER)
_IN_PROCESS = re.compile(
    rb"(?i)(?:(?:pass(?:word|phrase|wd)?|secret|token|key)[\w-]{0,16}(?: -f)?[= ]{1,2}(?:<\s|file:)?"
    rb"|sudo -S[^\n<]{0,48}<\s|-pass(?:in|out)\sfile:)<\(\s{0,4}" + _WRITER
)
_BY_COMMAND = (
    rb"(?i)(?:pass(?:word|phrase|wd)?|secret|token)[_-]?(?:command|cmd|program|eval)[\"']?[=:\s]{1,4}[\"']\s{0,4}"
    rb"(?:echo|printf)\s{1,4}(?P<secret>(?![$-])[^\s\"'$\\]{3,256}+)"
)
# After expect's question for a password, its answer.
_SENT = (
    rb"(?i)ass(?:word|phrase)[^\n]{0,48}?(?:\n[^\n]{0,48}?|\",\s{0,8}\"[^\n]{0,48}?)?(?<![a-z])(?:send(?:_?line)?|response=)"
    rb"(?:\s{1,4}(?:--?\s{0,2}|-s\s)?|\(\s{0,4}|)(?P<quote>[\"'{])(?P<secret>[^\s\"'{}\\$]{3,256}+)(?:\\{1,2}[rn]|[\r\n]){0,2}"
    rb"[\"'}]"
)
_written: Find = secrets_of(_BY_COMMAND, _SENT, stays=is_harmless)

STANDARD_INPUT = tuple(
    rb"(?i)" + pattern
    for pattern in (
        rb"\|" + SPACE + rb"*(?:sudo" + SPACE + rb"|" + _PROGRAMS.replace(b" ", SPACE + rb"+") + rb")",
        rb"(?:<|u003c)(?:<|\\+u003c){2}|(?:<|u003c)(?:<|\\+u003c)[~-]?[\w\\\" ']+(?:\n|\\+n|\",)",
        rb"stdin|fd:0|--(?:with-token|pass(?:phrase|word)-fd[= ]0|(?:key|data|passphrase|password)-file[= ]-)",
        rb"(?:<|u003c)\(" + SPACE + rb"*(?:echo|printf?|yes|write-output)" + SPACE,
        rb"(?:pass|passwd|password|passphrase|secret|token)[_-]?(?:command|cmd|program|eval)"
        rb"(?:[=:\"'\\]|u0027|" + SPACE + rb")+(?:echo|printf)",
        rb"(?:send(?:_?line)?|response=)(?:" + SPACE + rb"|[(-]|-s)*(?:[\\]*[\"'{]|\\*u0027)",
    )
)


def standard_input(text: bytes) -> Iterator[Span]:
    yield from _written(text)
    for pattern in (_PIPED, _IN_PROCESS):
        yield from (span for match in pattern.finditer(text) if (span := _argument(match)))
    place = 0
    for match in _HERE.finditer(text):
        least = max(place, match.start() - _LINE_BYTES_MAX)
        line = max(least, text.rfind(b"\n", least, match.start()) + 1)
        place = match.end()
        if _reads.search(text, line, match.start()) and (span := _argument(match)):
            yield span


def _argument(match: re.Match[bytes]) -> Span | None:
    group = next(name for name in ("double", "single", "bare", "line") if match.groupdict().get(name) is not None)
    return None if is_harmless(match[group]) else match.span(group)
