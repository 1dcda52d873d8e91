"""THE table: what counts as a secret. A rule's name is what stands in its place, ``[redacted:<name>]``, and its count.

``detect`` is for hyperscan, over bytes as they were sent: it must hit wherever ``find`` could find something in one of
the spellings, so it knows no word boundaries and allows for backslashes; that it hits too often costs time alone.
``find`` is exact, and sees text with its escapes taken off. Of rules that overlap, the first gives the name.
"""

from typing import NamedTuple

from ingest.redaction.authorization import authorizations
from ingest.redaction.passwords import PLAIN, VAGUE, passwords
from ingest.redaction.private_keys import private_keys
from ingest.redaction.spans import Find, secrets_of


class Rule(NamedTuple):
    """One kind of secret."""

    name: str
    detect: bytes
    find: Find
    whole: bool = False  # whether it looks at a text as a whole, however long that is


def _token(name: str, pattern: bytes) -> Rule:
    """A secret that its own shape gives away; it stands alone."""
    return Rule(name, pattern, secrets_of(rb"(?<![A-Za-z0-9])(?:" + pattern + rb")"))


_AWS_ID = rb"A(?:3T[A-Z0-9]|KIA|SIA|BIA|CCA)[A-Z0-9]{16}"
_AWS_ID_ALONE = rb"A(?<![A-Za-z0-9]A)(?:3T[A-Z0-9]|KIA|SIA|BIA|CCA)[A-Z0-9]{16}(?![A-Za-z0-9])"
_AWS_SECRET = rb"(?P<secret>(?=[^\s]{0,39}[A-Z])(?=[^\s]{0,39}[a-z])[A-Za-z0-9/+]{40})(?![A-Za-z0-9/+=])"
_SLASHES = rb"(?:\\*/){2}"  # some write them as \/\/
# As they may be spelled; encoders that think of HTML write < > & ' as \u003c and so on.
_SPACE = rb"(?:\s|\\+[nrtf])"
_QUOTES = rb"(?:[\"'\\]|u0027)*"
_AMPERSAND = rb"(?:[?&;]|u0026)"
_OPENS, _CLOSES = rb"(?:<|u003c)", rb"(?:>|\\+u003e)"
_EITHER = rb"(?:" + PLAIN + rb"|" + VAGUE + rb")"
_IN_NAME = rb"[a-z0-9_.-]{0,32}"


def _mixed(stops: bytes) -> bytes:
    """Letters and digits in one run, as a value has them that looks random."""
    run = rb"(?:[^\s\\" + stops + rb"]|\\+[^\s\\nrtf])*"
    return run + rb"(?:[0-9]" + run + rb"[a-z]|[a-z]" + run + rb"[0-9])"


# Without quotes it ends at any, and in quotes at those of its kind, where these are not escaped.
_RANDOM = (
    rb"[\"'\\bfru]*" + _mixed(rb"\"'") + rb"|[bfru]?\\*\"" + _mixed(rb"\"") + rb"|[bfru\\]*(?:'|u0027)" + _mixed(rb"'")
)

RULES: tuple[Rule, ...] = (
    Rule("private_key", rb"-----(?:BEGIN|END) [A-Z0-9 ]*PRIVATE KEY", private_keys, whole=True),
    _token("anthropic_key", rb"sk-ant-[A-Za-z0-9_-]{20,}"),
    _token("openrouter_key", rb"sk-or-(?:v\d-)?[A-Za-z0-9]{32,}"),
    _token("openai_key", rb"sk-(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{20,}"),
    Rule(
        "openai_key",
        rb"sk-[A-Za-z0-9]{20}",
        secrets_of(
            rb"(?<![A-Za-z0-9_-])sk-[A-Za-z0-9]{32,}+(?![_-])",
            rb"(?<![A-Za-z0-9_-])sk-(?=[a-z0-9]{0,64}[A-Z])(?=[A-Za-z]{0,64}\d)[A-Za-z0-9]{20,}+(?![_-])",
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
    _token("github_token", rb"gh[oprsu]_[A-Za-z0-9_]{20,}|github_pat_[A-Za-z0-9_]{22,}"),
    _token("gitlab_token", rb"gl(?:pat|dt|rt|rtr|cbt|ptt|ft|imt|agent|oas|soat|ffct)-[A-Za-z0-9_.-]{20,}"),
    _token("gitlab_token", rb"GR1348941[A-Za-z0-9_-]{20,}"),
    _token("slack_token", rb"xox[abcdeoprs]-(?:\d-)?[A-Za-z0-9-]{10,}|xapp-\d-[A-Za-z0-9-]{10,}"),
    Rule(
        "slack_webhook",
        rb"hooks\.slack(?:-gov)?\.com\\*/",
        secrets_of(rb"hooks\.slack(?:-gov)?\.com/(?P<secret>(?:services|workflows|triggers)/[A-Za-z0-9/+_-]{20,})"),
    ),
    _token("google_key", rb"AIza[A-Za-z0-9_-]{35}|GOCSPX-[A-Za-z0-9_-]{20,}|ya29\.[A-Za-z0-9_-]{20,}"),
    Rule("google_key", rb"1\\*/\\*/0[A-Za-z0-9_-]{20}", secrets_of(rb"(?<![A-Za-z0-9/:.])1//0[A-Za-z0-9_-]{20,}")),
    _token("npm_token", rb"npm_[A-Za-z0-9]{36}"),
    _token("pypi_token", rb"pypi-[A-Za-z0-9_-]{50,}"),
    _token("stripe_key", rb"[rs]k_(?:live|test)_[A-Za-z0-9]{16,}|whsec_[A-Za-z0-9+=]{24,}"),
    _token("sendgrid_key", rb"SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{32,64}"),
    _token("huggingface_token", rb"hf_[A-Za-z0-9]{30,}"),
    _token("docker_token", rb"dckr_(?:pat|oat)_[A-Za-z0-9_-]{20,}"),
    _token("digitalocean_token", rb"do[opr]_v1_[a-f0-9]{64}"),
    _token("vault_token", rb"hv[bs]\.[A-Za-z0-9_-]{24,}"),
    _token("databricks_token", rb"dapi[a-f0-9]{32}"),
    _token("shopify_token", rb"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}"),
    _token("atlassian_token", rb"ATATT3[A-Za-z0-9_=-]{50,}|ATBB[A-Za-z0-9]{32}"),
    _token("grafana_token", rb"gl(?:sa|c)_[A-Za-z0-9+=_]{32,}"),
    _token("linear_key", rb"lin_(?:api|oauth)_[A-Za-z0-9]{32,}"),
    _token("groq_key", rb"gsk_[A-Za-z0-9]{40,}"),
    _token("xai_key", rb"xai-[A-Za-z0-9]{60,}"),
    _token("age_key", rb"AGE-SECRET-KEY-1[A-Z0-9]{58}"),
    Rule("telegram_token", rb"\d{8}:AA[A-Za-z0-9_-]{33}", secrets_of(rb"(?<!\d)\d{8,10}:AA[A-Za-z0-9_-]{33}")),
    Rule(
        "jwt",
        rb"eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*\.",
        secrets_of(
            rb"(?<![A-Za-z0-9])eyJ[A-Za-z0-9_-]{5,}+\.eyJ[A-Za-z0-9_-]{5,}+\.[A-Za-z0-9_-]*+",
            rb"(?<![A-Za-z0-9])eyJ[A-Za-z0-9_-]{5,}+(?:\.[A-Za-z0-9_-]{0,4096}+){4}",  # encrypted: five parts
        ),
    ),
    Rule(
        "url_credentials",
        rb":" + _SLASHES + rb"[^\s\"/@:]*:[^\s\"@]*@",
        secrets_of(
            rb"(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{1,30}://"
            rb"(?P<secret>(?!\$|\{|<|%s|\[redacted:)[^\s\"'`/@:<>{}\\]{0,512}:"
            rb"(?!\$[A-Za-z_({]|\{|<|%s|\*+@|\[redacted:)[^\s\"'`/@<>\\]{1,512})@(?=[A-Za-z0-9\[])",
            rb"(?<![A-Za-z0-9+.-])[A-Za-z][A-Za-z0-9+.-]{1,30}://"
            rb"(?P<secret>[^\s\"'`/@:<>{}\[\]\\$]{16,512}:)@(?=[A-Za-z0-9\[])",
        ),
    ),
    Rule(
        "url_signature",
        rb"(?i)(?:sig|signature)=[A-Za-z0-9%+/=_\\-]{16}",
        secrets_of(rb"(?i)[?&;](?:sig|x-(?:amz|goog)-signature|signature)=(?P<secret>[A-Za-z0-9%+/=_-]{16,})"),
    ),
    Rule(
        "authorization",
        rb"(?i)authorization" + _QUOTES + rb"(?:" + _SPACE + rb"|[:=,])"
        rb"|(?:bearer|basic)" + _SPACE + rb"+[A-Za-z0-9._~+/=:@!%^*\\-]{16}",
        authorizations,
    ),
    Rule("password", rb"(?i)" + PLAIN + _QUOTES + _SPACE + rb"*(?:[:=]|" + _CLOSES + rb")", passwords),
    Rule(
        "password",
        rb"(?i)" + VAGUE + _QUOTES + _SPACE + rb"*[:=](?:=|" + _CLOSES + rb")?" + _SPACE + rb"*(?:" + _RANDOM + rb")",
        passwords,
    ),
    Rule(
        "password",
        rb"(?i)--" + _IN_NAME + _EITHER + rb"[ =]"
        rb"|" + _AMPERSAND + _IN_NAME + _EITHER + _SPACE + rb"*="
        rb"|" + _OPENS + _IN_NAME + _EITHER + _CLOSES,
        passwords,
    ),
    Rule("password", rb"(?:TOKEN|CREDENTIALS?|PWD|_PASS)=", passwords),
    Rule(
        "password",
        rb"(?i)login" + _SPACE + rb"+\S+" + _SPACE + rb"+password" + _SPACE,
        secrets_of(rb"(?i)(?<![A-Za-z])login\s{1,8}\S{1,128}\s{1,8}password\s{1,8}(?P<secret>[^\s\"'\\]{1,256})"),
    ),
    Rule(
        "password",
        rb"curl(?s:.*)-(?:u|-user)",
        secrets_of(
            rb"(?<![A-Za-z])curl\b[^\n]{0,256}?\s(?:-u|--user)[ =]?[\"']?"
            rb"(?P<secret>(?![\"'$<{])[^\s:\"'$]{0,128}:(?![$<{])[^\s\"'\\]{1,256})"
        ),
    ),
)
