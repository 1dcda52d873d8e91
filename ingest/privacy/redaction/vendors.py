r"""THE table of vendors' tokens: the words that identify each, its characters and its length.

Detection (hyperscan, over bytes as they were sent) and the exact rule are both made from a row. The table has only
tokens with a distinctive shape: 32 hexadecimal digits alone could be anything. Open scanners of repositories agree on
the shapes (gitleaks, betterleaks, TruffleHog, Nosey Parker). Rows from elsewhere are marked *vendor* (its documentation
or source) or *seen* (its clients, or examples of its users).

If the words leave no doubt, the length is a minimum, since vendors lengthen their tokens: the whole run is cut. If the
words are everyday identifiers (``fw_``, ``key-``, ``cio``), the row is ``weak``: the length is exact, the token has no
neighbours, and it has digits, capitals and small letters, as far as its alphabet has them.
"""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ingest.privacy.redaction.rule_parts import Find, Span, is_marker, secrets_of

HEX, LOW, UP = b"a-f0-9", b"a-z0-9", b"A-Z0-9"
ANY_HEX, ALNUM = b"a-fA-F0-9", b"A-Za-z0-9"
WORD, DASHED, BASE64 = ALNUM + b"_", ALNUM + rb"_\-", ALNUM + b"+/"
_UUID = rb"[a-f0-9]{8}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{4}-[a-f0-9]{12}"
_TRIPLE_TAIL = rb"[AEIMQUYcgk][w-z0-5]"
_TRIPLE = rb"[MNO][DTjz]" + _TRIPLE_TAIL  # three decimal digits in base64
_KINDS = ((b"0-9", b"7"), (b"A-Z", b"A"), (b"a-z", b"a"))  # each with a sample: an alphabet with the kind has it
_EXAMPLE = re.compile(rb"x{10}|X{10}|[-_.](?:your|my)[-_]")
_BEFORE_MAX = 80  # bytes
_ALONE = DASHED + b"+/"  # after one of these, a weak word is part of something else


def begins(unwanted: bytes, known: bytes = b"") -> bytes:
    """Return the pattern: nothing unwanted before ``known``, except a terminal's colour, which ends with a letter."""
    return rb"(?:(?<![%s]%s)|(?<=[0-9;\[][mK]%s))" % (unwanted, known, known)


class Token(NamedTuple):
    """One shape: ``before``, a word, ``between``, a run of characters, ``then``. Only the run may be unbounded."""

    rule: str
    words: str  # any of them
    alphabet: bytes = b""  # of the run, as inside of []
    least: int = 0
    most: int | None = None  # then the run ends here: nothing of its alphabet follows
    before: bytes = b""
    between: bytes = b""
    then: bytes = b""
    weak: bool = False
    context: bool = False  # the word and ``then`` stay: they only mark what is between them
    not_after: bytes = ALNUM
    hint: bytes = b""  # a part that detection searches instead, if that is much cheaper

    @property
    def detect(self) -> bytes:
        """The pattern that hits wherever ``find`` could: no boundaries, and any slash may be written ``\\/``."""
        if self.hint:
            return self.hint
        words = b"|".join(map(_spelled, self._words()))
        before = b"" if b"/" in self.before else self.before
        spelled = self.alphabet + (rb"\\" if b"/" in self.alphabet else b"")
        run = b"[%s]{%d%s}" % (spelled, self.least, b"," if self.then else b"") if self.least else b""
        return before + b"(?:" + words + b")" + _spelled(self.between) + run + _spelled(self.then)

    @property
    def find(self) -> Find:
        """The rule for such tokens. Each word has a pattern that begins with it, which is fast to search."""
        most = b"" if self.most is None else b"%d" % self.most
        run = b"[%s]{%d,%s}+" % (self.alphabet, self.least, most) if self.least else b""
        body = self.between + self._mixed() + run
        secret = b"(?P<secret>%s)%s" % (body, self.then) if self.context else body + self.then
        unwanted = _ALONE if self.weak else self.not_after
        # The word comes first, where `re` searches for literals; the look-behind repeats it.
        is_alone = unwanted and not self.before
        starts = [word + begins(unwanted, word) if is_alone else word for word in self._words()]
        patterns = [start + secret + self._end() for start in starts]
        if self.before:
            return _from(begins(self.not_after) + self.before, patterns)
        return secrets_of(*patterns, stays=lambda found: is_marker(found) or _EXAMPLE.search(found) is not None)

    def _words(self) -> list[bytes]:
        return [re.escape(word.encode()) for word in self.words.split()]

    def _mixed(self) -> bytes:
        if not self.weak:
            return b""
        kinds = [kind for kind, one in _KINDS if re.match(b"[%s]" % self.alphabet, one)]
        return b"".join(b"(?=[%s]{0,%d}[%s])" % (self.alphabet, self.least - 1, kind) for kind in kinds)

    def _end(self) -> bytes:
        if self.then or (self.most is None and not self.weak):
            return b""
        return b"(?![%s%s])" % (self.alphabet, b"A-Za-z0-9_-" if self.weak else ALNUM)


def _from(before: bytes, patterns: Iterable[bytes]) -> Find:
    """Return a rule for secrets that begin with ``before`` and continue with a pattern; search the pattern first."""
    head, compiled = re.compile(before + rb"\Z"), [re.compile(pattern) for pattern in patterns]

    def find(text: bytes) -> Iterator[Span]:
        for match in (match for pattern in compiled for match in pattern.finditer(text)):
            if begin := head.search(text, max(0, match.start() - _BEFORE_MAX), match.start()):
                yield begin.start(), match.end()

    return find


def _spelled(pattern: bytes) -> bytes:
    return pattern.replace(b"/", rb"\\*/")


def _exactly(
    rule: str, words: str, alphabet: bytes, length: int, before: bytes = b"", between: bytes = b"", then: bytes = b""
) -> Token:
    return Token(rule, words, alphabet, length, length, before, between, then)


def _weak(rule: str, words: str, alphabet: bytes, least: int, most: int = 0, between: bytes = b"") -> Token:
    return Token(rule, words, alphabet, least, most or least, between=between, weak=True)


TOKENS: tuple[Token, ...] = (
    # Models and tools around them.
    Token("anthropic_key", "sk-ant-", DASHED, 20),
    Token("openrouter_key", "sk-or-", ALNUM, 32, between=rb"(?:v\d-)?"),
    Token("openai_key", "sk-proj- sk-svcacct- sk-admin- sk-None-", DASHED, 20),
    Token("huggingface_token", "hf_ api_org_", ALNUM, 30),
    Token("groq_key", "gsk_", ALNUM, 40),
    Token("xai_key", "xai-", ALNUM, 60),
    Token("aws_bedrock_key", "ABSK", BASE64 + b"=", 100),
    Token("aws_bedrock_key", "bedrock-api-key-", BASE64 + b"=", 40),
    _weak("cerebras_key", "csk-", LOW, 48),
    Token("cursor_key", "crsr_", DASHED, 40),  # seen
    Token("devin_key", "apk_user_", BASE64, 100),
    _weak("devin_key", "cog_", b"a-z2-7", 52),
    _weak("e2b_key", "e2b_", HEX, 40),  # seen
    _weak("elevenlabs_key", "sk_", HEX, 48),
    _weak("firecrawl_key", "fc-", HEX, 32),  # seen
    _weak("fireworks_key", "fw_", ALNUM, 22, 48),  # seen: of several lengths
    _weak("google_key", "AQ.", DASHED, 45, 60),  # keys of Gemini
    Token("jina_key", "jina_", ALNUM, 40),  # seen
    Token("langfuse_key", "sk-lf-", then=_UUID),  # seen
    _exactly("langsmith_key", "lsv2_pt_ lsv2_sk_", HEX, 32, then=rb"(?:_[a-f0-9]{1,16})?"),
    Token("helicone_key", "sk-helicone-", DASHED, 20),  # seen
    _weak("llamacloud_key", "llx-", ALNUM, 40, 60),  # seen
    Token("minimax_key", "sk-api-", DASHED, 100),
    Token("nvidia_key", "nvapi-", DASHED, 40),
    Token("perplexity_key", "pplx-", ALNUM, 40),
    Token("pinecone_key", "pcsk_", WORD, 40),
    _weak("replicate_token", "r8_", ALNUM, 36, 40),
    _exactly("runpod_key", "rpa_", UP, 32, then=rb"[A-Z0-9]{0,16}[A-Za-z0-9]{0,8}"),  # vendor
    Token("tavily_key", "tvly-", DASHED, 24),  # seen
    Token("together_key", "tgp_v1_", DASHED, 40),
    Token("wandb_key", "wandb_v1_", WORD, 70),
    # Code hosting, builds and package registries.
    Token("github_token", "ghp_ gho_ ghr_ ghs_ ghu_", WORD, 20),  # vendor
    Token("github_token", "github_pat_", WORD, 22),  # vendor
    Token(
        "gitlab_token",
        "glpat- gldt- glrt- glrtr- glcbt- glptt- glft- glimt- glagent- gloas- glsoat- glffct-",
        DASHED + b".",
        20,
    ),
    Token("gitlab_token", "GR1348941", DASHED, 20),
    Token("bitbucket_token", "BBDC-", BASE64 + rb"@_\-", 40),
    Token("atlassian_token", "ATATT3 ATCTT3", DASHED + b"=", 50),
    Token("atlassian_token", "ATBB", ALNUM, 32),
    Token("npm_token", "npm_", ALNUM, 36),
    Token("pypi_token", "pypi-", DASHED, 50),
    _exactly("rubygems_key", "rubygems_", HEX, 48),
    _weak("crates_token", "cio", ALNUM, 32, between=rb"_?"),  # vendor
    _weak("nuget_key", "oy2", LOW, 43),
    Token("clojars_token", "CLOJARS_", ALNUM, 60),
    Token("docker_token", "dckr_pat_ dckr_oat_", DASHED, 20),
    _weak("artifactory_key", "AKCp", ALNUM, 60, 73),
    _weak("artifactory_key", "cmVmd", ALNUM, 59),  # base64 of "reftkn" begins with it
    _weak("buildkite_token", "bkua_", LOW, 40),
    Token("circleci_token", "CCIPAT_ CCIPRJ_", WORD, 60),  # the second seen
    _weak("sonarqube_token", "squ_ sqp_ sqa_", HEX, 40),
    Token("sonarqube_token", "sqco_", ALNUM, 50),
    _exactly("sourcegraph_token", "sgp_", ANY_HEX, 40, between=rb"(?:[a-fA-F0-9]{16}_|local_)?"),
    _weak("sourcegraph_token", "slk_", HEX, 64),
    Token("socket_token", "sktsec_", DASHED, 30),  # seen
    Token("snyk_token", "snyk_uat. snyk_sat.", DASHED + b".", 20),  # seen
    Token("aikido_token", "AIK_SECRET_ AIK_CI_", ALNUM, 20),
    # Clouds.
    Token("google_key", "AIza", DASHED, 35),
    Token("google_key", "GOCSPX- ya29.", DASHED, 20),
    Token("google_key", "1//0", DASHED, 20, not_after=ALNUM + b"/:."),
    _weak("gcp_hmac_key", "GOOG", UP, 20, 60),
    Token("azure_client_secret", "Q~", DASHED + b"~.", 31, before=rb"[A-Za-z0-9_~.]{3}\d"),
    _exactly("azure_key", "JQQJ99", ALNUM, 26, before=rb"[A-Za-z0-9]{52}"),  # seen
    _exactly("azure_key", "AZDO", ALNUM, 4, before=rb"[A-Za-z0-9]{76}")._replace(hint=rb"AZDO[A-Za-z0-9]{4}"),
    _exactly("azure_key", "AzSe", ALNUM, 6, before=rb"[A-Za-z0-9]{42}")._replace(hint=rb"AzSe[A-Za-z0-9]{6}"),
    _exactly("azure_key", "AzFu", DASHED, 6, before=rb"[A-Za-z0-9_-]{44}", then=b"==")._replace(
        hint=rb"AzFu[A-Za-z0-9_-]{6}"
    ),
    _exactly("azure_key", "+ASt +ABa", BASE64, 6, before=rb"[A-Za-z0-9+/]{76}", then=b"=="),
    _exactly("azure_key", "+ASb +AEh", BASE64, 5, before=rb"[A-Za-z0-9+/]{33}", then=b"="),
    _exactly("azure_key", "+ACR", BASE64, 6, before=rb"[A-Za-z0-9+/]{42}"),  # passwords of registries
    _weak("alibaba_key", "LTAI", ALNUM, 16, 24),
    _weak("yandex_key", "AQVN", DASHED, 35, 38),
    _exactly("yandex_key", "t1.", DASHED, 86, between=rb"[A-Za-z0-9_-]{20,200}={0,2}\."),
    Token("digitalocean_token", "dop_v1_ doo_v1_ dor_v1_", HEX, 64),
    Token("cloudflare_token", "cfut_ cfat_ cfk_", ALNUM, 40),  # the first two seen
    _exactly("cloudflare_token", "v1.0-", HEX, 24, then=rb"-[a-f0-9]{100,200}"),  # keys of the origin CA
    Token("fly_token", "fm2_ fm1r_ fm1a_", BASE64 + b"=", 40),
    _weak("fly_token", "fo1_", DASHED, 43),
    Token("heroku_token", "HRKU-", DASHED, 36),
    _weak("netlify_token", "nfp_", WORD, 36, 48),
    _weak("render_key", "rnd_", ALNUM, 24, 40),  # seen
    Token("scalingo_token", "tk-us-", DASHED, 48),
    _weak("upcloud_token", "ucat_", ALNUM, 24, 32),
    _weak("vercel_token", "vcp_ vck_ vci_ vca_ vcr_", DASHED, 56),
    Token("vercel_token", "vercel_blob_rw_", WORD, 40),  # vendor
    _weak("vercel_token", "vercel_", ALNUM, 24, 64),
    _weak("deno_token", "ddp_ ddw_", ALNUM, 36),
    # Infrastructure and secrets.
    Token("vault_token", "hvs. hvb. hvr.", DASHED, 24),
    Token("terraform_token", ".atlasv1.", DASHED + b"=", 60, before=rb"[A-Za-z0-9]{14}"),
    _weak("pulumi_token", "pul-", LOW, 40),
    _weak("infracost_key", "ico-", ALNUM, 32),
    Token("doppler_token", "dp.pt. dp.ct. dp.sa. dp.said. dp.scim. dp.audit.", ALNUM, 40),  # vendor
    Token("doppler_token", "dp.st.", ALNUM, 40, between=rb"(?:[a-z0-9_-]{2,35}\.)?"),  # vendor
    Token("onepassword_token", "ops_eyJ", BASE64, 40),
    _exactly("onepassword_key", "A3-", UP, 6, then=rb"-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})(?:-[A-Z0-9]{5}){3}"),
    Token("bitwarden_token", "0.", ALNUM, 28, between=_UUID + rb"\.", then=rb"(?::[A-Za-z0-9+/]{22}==)?"),  # seen
    Token("infisical_token", "st.", HEX, 32, between=rb"[a-f0-9]{24}\.[a-f0-9]{32}\."),
    Token("bip32_key", "xprv9", ALNUM, 100),
    _weak("nebula_key", "dnkey-", LOW, 52, between=rb"[a-z0-9]{26}-"),
    Token("age_key", "AGE-SECRET-KEY-1", UP, 58),
    Token("harness_token", "pat. sat.", ALNUM, 20, between=rb"[A-Za-z0-9_-]{22}\.[a-f0-9]{24}\."),
    _exactly("openshift_token", "sha256~", DASHED, 43),
    Token("tailscale_key", "tskey-auth- tskey-api- tskey-client- tskey-scim- tskey-webhook-", DASHED, 20),  # vendor
    _weak("prefect_key", "pnu_", LOW, 36),
    _weak("octopus_key", "API-", UP, 26),
    # Databases and data.
    Token("databricks_token", "dapi", HEX, 32),
    _weak("databricks_token", "dose", HEX, 32),  # seen
    Token("supabase_token", "sbp_", LOW, 40, between=rb"(?:oauth_|v0_)?"),  # vendor
    Token("supabase_token", "sb_secret_", DASHED, 30),
    Token("planetscale_token", "pscale_tkn_ pscale_oauth_ pscale_pw_", DASHED + b"=.", 32),
    _weak("neon_key", "napi_", LOW, 48, 80),  # seen
    Token("aiven_password", "AVNS_", DASHED, 15),  # seen
    _weak("dbt_token", "dbtc_ dbtu_", DASHED, 40, 60),  # seen
    Token("materialize_password", "mzp_", HEX, 64),
    Token("tinybird_token", "p.eyJ", DASHED, 20, between=rb"[A-Za-z0-9_-]{20,240}\."),
    Token("mongodb_secret", "mdb_sa_sk_", DASHED, 40),
    _weak("clickhouse_key", "4b1d", ALNUM, 38),
    Token("cockroach_key", "CCDB1_", WORD, 60),
    Token("elastic_key", "essu_", DASHED + b"=", 60),
    _weak("segment_token", "sgp_", ALNUM, 64),
    Token("contentful_token", "CFPAT-", DASHED, 40),
    Token("apify_token", "apify_api_", ALNUM, 36),
    _exactly("airtable_token", "pat", ALNUM, 14, then=rb"\.[a-f0-9]{64}"),
    Token("maxmind_key", "_mmk", before=rb"[A-Za-z0-9]{6}_[A-Za-z0-9]{29}"),
    Token("mapbox_token", "sk.eyJ", DASHED, 20, between=rb"[A-Za-z0-9_-]{40,240}\."),
    # Monitoring.
    Token("sentry_token", "sntrys_", BASE64 + b"=_", 40),
    Token("sentry_token", "sntryu_", HEX, 40),
    Token("sentry_dsn", "//", HEX, 32, 32, then=rb"@[a-z0-9.-]{0,64}sentry\.", context=True, not_after=b""),
    Token("newrelic_key", "NRAK- NRRA- NRII- NRIQ- NRSP-", DASHED, 25),
    Token("newrelic_key", "FFFFNRAL", before=rb"[a-z0-9]{32}"),  # seen
    Token("dynatrace_token", "dt0", between=rb"[a-z]\d\d\.[A-Z0-9]{24}\.", alphabet=UP, least=60),
    Token("grafana_token", "glsa_ glc_", BASE64 + b"=_", 32),
    Token("grafana_token", "eyJrIjoi", BASE64, 40),  # keys from before service accounts
    _weak("checkly_key", "cu_", HEX, 32),
    Token("axiom_token", "xaat- xapt-", then=_UUID),  # vendor
    Token("honeycomb_key", "hcaik_ hcbik_ hcamk_ hcxik_", LOW, 50),  # seen
    Token("posthog_key", "phx_", WORD, 40),
    Token("rootly_key", "rootly_", HEX, 64),
    _weak("adafruit_key", "aio_", ALNUM, 28),
    Token("launchdarkly_key", "sdk- api-", then=_UUID, not_after=_ALONE),
    # Messages.
    Token("slack_token", "xoxa- xoxb- xoxc- xoxe- xoxo- xoxp- xoxr- xoxs-", ALNUM + rb"\-", 10),
    Token("slack_token", "xoxd-", BASE64 + rb"%=_\-", 10),  # a cookie
    Token("slack_token", "xapp-", ALNUM + rb"\-", 10, between=rb"\d-"),
    Token(
        "slack_webhook",
        "hooks.slack.com/ hooks.slack-gov.com/",
        BASE64 + rb"_\-",
        20,
        between=rb"(?:services|workflows|triggers)/",
        context=True,
        not_after=b"",
    ),
    Token(
        "discord_webhook",
        "discord.com/api/ discordapp.com/api/",
        DASHED,
        40,
        between=rb"(?:v\d{1,2}/)?webhooks/\d{15,20}/",
        context=True,
    ),
    Token("teams_webhook", "office.com/", BASE64 + rb"@\-", 40, between=rb"webhook(?:b2)?/", context=True),
    Token("zapier_webhook", "hooks.zapier.com/", LOW, 6, between=rb"hooks/catch/\d{1,12}/", context=True),  # seen
    # The first part is base64 of a number: the id of the bot.
    Token(
        "discord_token",
        "MT Mj Mz ND NT Nj Nz OD OT",
        DASHED,
        27,
        between=_TRIPLE_TAIL + b"(?:%s){4,5}" % _TRIPLE + rb"[A-Za-z0-9]{0,3}\.[A-Za-z0-9_-]{6}\.",
        hint=rb"(?:M[Tjz]|N[DTjz]|O[DT])" + _TRIPLE_TAIL + b"(?:%s){4}" % _TRIPLE,
    ),
    Token("telegram_token", ":AA", DASHED, 33, before=rb"\d{8,10}", not_after=b"0-9"),
    _weak("twilio_key", "SK", HEX, 32),
    Token("sendgrid_key", "SG.", DASHED, 32, between=rb"[A-Za-z0-9_-]{16,32}\."),
    _weak("mailgun_key", "key-", LOW, 32),
    Token("mailchimp_key", "-us", b"0-9", 1, 2, before=rb"[a-f0-9]{32}"),
    _exactly("brevo_key", "xkeysib- xsmtpsib-", HEX, 64, then=rb"-[A-Za-z0-9]{16}"),
    Token("firebase_key", "APA91b", DASHED, 100, before=rb"[A-Za-z0-9_-]{7,11}:", hint=b"APA91b"),
    Token("lark_webhook", "open-apis/bot/v2/hook/", between=_UUID, context=True),
    Token(
        "ifttt_webhook",
        "maker.ifttt.com/trigger/",
        DASHED,
        16,
        between=rb"[\w-]{1,64}/(?:json/)?with/key/",
        context=True,
    ),
    Token("onesignal_key", "os_v2_app_ os_v2_org_", LOW, 80),
    _weak("mandrill_key", "md-", DASHED, 22),
    Token("inngest_key", "signkey-prod- signkey-test-", HEX, 64),
    Token("trigger_key", "tr_prod_ tr_dev_ tr_stg_", ALNUM, 20),
    Token("mailersend_token", "mlsn.", HEX, 60),  # seen
    _weak("intercom_token", "dG9rO", ALNUM + b"=", 50, 60),  # seen: base64 of "tok:"
    _weak("klaviyo_key", "pk_", HEX, 34),
    _weak("resend_key", "re_", ALNUM, 16, 40, between=rb"(?:[A-Za-z0-9]{8}_)?"),  # seen
    # Payments, shops and parcels.
    Token("stripe_key", "sk_live_ sk_test_ sk_prod_ rk_live_ rk_test_ rk_prod_", ALNUM, 16),
    Token("stripe_key", "whsec_", BASE64 + b"=", 24),
    Token("square_token", "sq0atp- sq0csp-", DASHED, 22),
    _weak("square_token", "EAAA", DASHED, 60),
    _exactly("braintree_token", "access_token$production$ access_token$sandbox$", LOW, 16, then=rb"\$[a-f0-9]{32}"),
    Token("shopify_token", "shpat_ shpca_ shppa_ shpss_", ANY_HEX, 32),
    Token("flutterwave_key", "FLWSECK- FLWSECK_TEST-", ALNUM, 32),
    Token("plaid_token", "access-production- access-sandbox- access-development-", then=_UUID),
    Token("shippo_token", "shippo_live_ shippo_test_", ANY_HEX, 40),
    Token("duffel_token", "duffel_live_ duffel_test_", DASHED + b"=", 40),
    _weak("easypost_key", "EZAK EZTK", ALNUM, 54),
    _weak("gocardless_token", "live_", DASHED + b"=", 40),
    _weak("mollie_key", "live_", ALNUM, 30),  # vendor
    Token("paddle_key", "pdl_live_apikey_ pdl_sdbx_apikey_", WORD, 40),  # vendor
    Token("polar_token", "polar_oat_ polar_pat_", ALNUM, 40),  # seen
    _weak("lob_key", "live_", HEX, 35),  # "test_" is in every test
    Token("ramp_secret", "ramp_sec_", ALNUM, 40),
    # Offices and the rest.
    _weak("notion_token", "ntn_", ALNUM, 40, 50),
    _weak("notion_token", "secret_", ALNUM, 43),
    Token("figma_token", "figd_ figp_", DASHED, 36),
    Token("linear_key", "lin_api_ lin_oauth_", ALNUM, 32),
    _weak("cal_key", "cal_live_", HEX, 32),
    Token("linkedin_secret", "WPL_AP1.", BASE64, 6, between=rb"[A-Za-z0-9]{16}\.", then=rb"={0,2}"),  # seen
    _weak("stytch_secret", "secret-live- secret-test-", DASHED + b"=", 36),  # vendor
    _weak("frameio_token", "fio-u-", DASHED, 64),
    Token("typeform_token", "tfp_", DASHED + b".=", 40),
    Token("dropbox_token", "sl.", DASHED, 100, between=rb"(?:u\.)?"),  # the long form seen
    Token("hubspot_token", "pat-na1- pat-na2- pat-na3- pat-eu1- pat-ap1-", then=_UUID),
    Token("postman_key", "PMAK-", between=rb"[a-fA-F0-9]{24}-", alphabet=ANY_HEX, least=34),
    Token("readme_key", "rdme_", LOW, 60),
    Token("trello_token", "ATTA", ANY_HEX, 56),  # seen
    _weak("clickup_token", "pk_", UP, 32, between=rb"\d{7,9}_"),
    _weak("adobe_secret", "p8e-", ALNUM, 32),
    _exactly("intra42_secret", "s-s4t2ud- s-s4t2af-", HEX, 64),
    _exactly("settlemint_token", "sm_aat_ sm_pat_ sm_sat_", ALNUM, 16),
    Token("okta_token", "SSWS", DASHED, 40, between=b" 00"),
    Token("salesforce_token", "00D", ALNUM + b"_.", 80, between=rb"[A-Za-z0-9]{12,15}!"),
    Token("zoho_token", "1000.", between=rb"[a-f0-9]{32}\.", alphabet=HEX, least=32),
    _weak("facebook_token", "EAA", ALNUM, 90, 400),  # lines of base64 have up to 76
    _weak("twitter_token", "A" * 21, ALNUM + b"%", 70, 120),
)
