"""Made-up secrets, at least one for each redaction rule, each in a text as users and tools write it.

They are assembled here, so that no file of the repository contains anything that looks like a secret.
"""

from base64 import b64encode
from typing import NamedTuple

_BASE = "C4naryQz7Xw9Lk2Pv5Bt8Rd3Hm6Jf1Ng0Ys"


class Canary(NamedTuple):
    """A secret, the rule that finds it, and a text around it; ``%s`` marks its place."""

    rule: str
    secret: str
    text: str = "see %s there"

    @property
    def written(self) -> str:
        """Return the text with the secret in it."""
        return self.text % self.secret


def fill(count: int, salt: str = "") -> str:
    """Return letters and digits, always the same ones."""
    return ((salt + _BASE) * (count // len(_BASE) + 1))[:count]


def card(prefix: str, length: int) -> str:
    """Return the number of a payment card, with its check digit (Luhn)."""
    digits = (prefix + "9263518407" * 2)[: length - 1]
    total = sum(sum(divmod(int(digit) * (2 - place % 2), 10)) for place, digit in enumerate(reversed(digits)))
    return digits + str(-total % 10)


def in_groups(digits: str, sign: str = " ", lengths: tuple[int, ...] = (4, 4, 4, 4)) -> str:
    """Return digits as they are printed on a card."""
    begins = [sum(lengths[:place]) for place in range(len(lengths))]
    return sign.join(digits[begin : begin + length] for begin, length in zip(begins, lengths, strict=True))


def upper(count: int) -> str:
    """Return capitals and digits."""
    return fill(count).upper()


def hexadecimal(count: int) -> str:
    """Return hexadecimal digits, as of a digest."""
    return ("c4a9e7" * count)[:count]


def _pem(kind: str, newline: str = "\n") -> str:
    lines = [f"-----BEGIN {kind}-----", *(fill(64, str(n)) for n in range(3)), f"-----END {kind}-----"]
    return newline.join(lines)


_JWT = f"eyJ{fill(17)}.eyJ{fill(40)}.{fill(43)}"
_AWS_SECRET = "wJ+a/" + fill(35)

_BASIC = b64encode(b"canary:swordfish").decode()
_WORD = "canaryfish"  # a password without digits: only its context reveals it
# Texts in which any secret may appear: keys, commands and files.
_SHAPES = (
    Canary("url_credentials", "canary:p@ss/w'or#d?x:y", "DATABASE_URL=postgres://%s@db.internal:5432/app"),
    Canary("url_credentials", f"canary:{_WORD}", "git clone 'https://%s@$HOST/app.git'"),
    Canary("url_credentials", fill(32), "git clone https://%s@git.example.com/acme/app.git"),
    Canary("oauth_code", fill(24), "GET /auth/callback?code=%s&state=x HTTP/1.1"),
    Canary("authorization", _BASIC, "sent Basic %s to it"),
    Canary("authorization", _BASIC, '{"auths": {"registry.example.com": {"auth": "%s"}}}'),
    Canary("cookie", fill(24), "Cookie: theme=dark; sessionid=%s; lang=en"),
    Canary("cookie", fill(40), "Set-Cookie: app=%s; Path=/; HttpOnly"),
    Canary("cookie", fill(24), "GET /;JSESSIONID=%s"),
    Canary("password", _WORD, "SECRET_KEY_BASE=%s"),
    Canary("password", _WORD, '{"secret_string": "%s"}'),
    Canary("password", _WORD, "the login, password: `%s`"),
    Canary("password", _WORD, "- **Password:** %s"),
    Canary("password", _WORD, "DB_PASS=%s"),
    Canary("password", _WORD, 'auth: { user: "bob", pass: "%s" }'),
    Canary("password", _WORD, "pass_phrase='%s'"),
    Canary("password", fill(43) + "=", "APP_KEY=base64:%s"),
    Canary("password", _WORD, 'password: str = "%s"'),
    Canary("password", _WORD, "ENV['DB_PASSWORD'] ||= '%s'"),
    Canary("password", _WORD, "define('DB_PASSWORD', '%s');"),
    Canary("password", _WORD, '["redis-server", "--requirepass", "--password", "%s"]'),
    Canary("password", _WORD, "tool --password %s --user bob"),
    Canary("password", _WORD, "kubectl create secret generic db --from-literal=password=%s"),
    Canary("password", _WORD, '{"name": "DB_PASSWORD", "value": "%s"}'),
    Canary("password", _WORD, '{"value": "%s", "name": "DB_PASSWORD"}'),
    Canary("password", _WORD, '<add key="Password" value="%s" />'),
    Canary("password", _WORD, '<property name="connection.password">%s</property>'),
    Canary("password", _WORD, "username: bob password: %s"),
    Canary("password", _WORD, 'requests.get(url, auth=("bob", "%s"))'),
    Canary("password", _WORD, 'page.fill("#password", "%s")'),
    Canary("password", _WORD, "docker login -u bob -p %s registry.example.com"),
    Canary("password", _WORD, "mysql -u root -p%s shop"),
    Canary("password", "canary fish", "sshpass -p '%s' ssh bob@db"),
    Canary("password", _WORD, "redis-cli -h cache -a %s ping"),
    Canary("password", _WORD, "mongosh -u admin -p %s"),
    Canary("password", _WORD, "sqlcmd -S db -U sa -P %s"),
    Canary("password", _WORD, "htpasswd -bc .htpasswd bob %s"),
    Canary("password", _WORD, "openssl rsa -in key.pem -passin pass:%s"),
    Canary("password", f"bob:{_WORD}", "http -a %s https://example.com"),
    Canary("password", _WORD, "ngrok config add-authtoken %s"),
    Canary("password", _WORD, "set -gx FOO_TOKEN %s"),
    Canary("password", _WORD, "echo %s | docker login -u bob --password-stdin"),
    Canary("password", _WORD, "sqlplus scott/%s@//db:1521/ORCL"),
    Canary("password", _WORD, "jdbc:oracle:thin:scott/%s@db:1521:ORCL"),
    Canary("password", _WORD, "Password=%s;Server=db;User Id=sa"),
    Canary("password", _WORD, "host=db user=app password=%s sslmode=require"),
    Canary("password", _WORD, "CREATE USER app IDENTIFIED BY '%s';"),
    Canary("password", _WORD, "ALTER USER app WITH PASSWORD '%s';"),
    Canary("password", _WORD, "requirepass %s"),
    Canary("password", fill(24), "SERVICE_KEY=%s"),
    Canary("password", _WORD, "the admin password is `%s` there"),
    Canary("password", _WORD, 'jwt.sign(payload, "%s")'),
    Canary("password", _WORD, "| Password | `%s` |"),
    Canary("password", _WORD, "LDAP_BIND_PW=%s"),
    Canary("password", _WORD, 'let pw = String::from("%s");'),
    Canary("password", fill(52), "AZURE_DEVOPS_EXT_PAT=%s"),
    Canary("password", fill(52), "const pat = '%s';"),
    Canary("password", f"{fill(40)}+/{fill(44)}==", "AZURE_STORAGE_KEY=%s"),
    Canary("password", f"{fill(40)}+/{fill(44)}==", '"primaryKey": "%s"'),
    Canary("password", _WORD, '#define WIFI_PASSWORD "%s"'),
    Canary("password", _WORD, "Connect-Thing -Password '%s' -Force"),
    Canary("password", _WORD, 'variable "db_password" {\n  type = string\n  default = "%s"\n}'),
    Canary("password", _WORD, "POSTGRES=${POSTGRES_PASSWORD:-%s}"),
    Canary("password", _WORD, "os.environ.get('DB_PASSWORD', '%s')"),
    Canary("password", _WORD, 'add_argument("--password", default="%s")'),
    Canary("password", _WORD, "process.env.DB_PASSWORD || '%s'"),
    Canary("password", _WORD, 'flag.String("password", "%s", "to log in")'),
    Canary("password", _WORD, 'opts.SetPassword("%s")'),
    Canary("password", fill(20), '.with_token("%s")'),
    Canary("password", _WORD, 'new PDO("mysql:host=db", "bob", "%s")'),
    Canary("password", _WORD, "sudo -S <<< '%s'"),
    Canary("password", _WORD, "printf '%%s\\n' '%s' | sudo -S id"),
    Canary("password", f"bob:{_WORD}", "echo %s | chpasswd"),
    Canary("password", _WORD, "rsync --password-file=<(echo %s) a rsync://h/m"),
    Canary("password", _WORD, "restic --password-command 'echo %s' backup"),
    Canary("password", _WORD, 'expect "*assword*"; send "%s\\r"'),
    Canary("password", _WORD, "ConvertTo-SecureString '%s' -AsPlainText -Force"),
    Canary("password", _WORD, "New-Object NetworkCredential('bob', '%s', 'DOM')"),
    Canary("password", _WORD, "net use Z: \\\\nas\\share /user:bob %s"),
    Canary("password", _WORD, "schtasks /create /tn x /ru bob /rp %s"),
    Canary("password", _WORD, "psexec \\\\srv -u bob -p %s cmd"),
    Canary("password", _WORD, "appcmd set config /password:%s"),
    Canary("password", _WORD, "sc config svc obj= bob password= %s"),
    Canary("password", _WORD, "log in as bob / %s"),
    Canary("password", _WORD, "user bob, pass %s"),
    Canary("password", _WORD, "credentials are admin:%s"),
    Canary("password", fill(12), "the password for staging is %s"),
    Canary("password", fill(12), "PIN/pw \u2192 %s"),
    Canary("password", fill(12), "\u5bc6\u7801: %s"),
    Canary("card_number", in_groups(card("4", 16))),
    Canary("card_number", in_groups(card("34", 15), "-", (4, 6, 5))),
    Canary("card_number", card("53", 16), "Mastercard %s"),
    Canary("card_number", card("36", 14), '{"number": "%s", "cvc": "123"}'),
)

CANARIES: tuple[Canary, ...] = (
    *_SHAPES,
    Canary("private_key", _pem("RSA PRIVATE KEY")),
    Canary("private_key", _pem("OPENSSH PRIVATE KEY"), "cat id_ed25519\n%s\n$"),
    Canary("private_key", _pem("PRIVATE KEY", "\\n"), 'key = "%s"'),
    Canary("private_key", _pem("ENCRYPTED PRIVATE KEY").rpartition("\n")[0], "%s\n[3 lines left out]"),
    Canary("private_key", _pem("EC PRIVATE KEY").partition("\n")[2], "… %s"),
    Canary("private_key", _pem("PGP PRIVATE KEY BLOCK")),
    Canary("anthropic_key", f"sk-ant-api03-{fill(80)}-{fill(8)}", "export ANTHROPIC=%s"),
    Canary("openrouter_key", f"sk-or-v1-{hexadecimal(64)}"),
    Canary("openai_key", f"sk-proj-{fill(30)}_{fill(30)}"),
    Canary("openai_key", f"sk-{fill(48)}"),
    Canary("aws_access_key", f"AKIA{upper(16)}", "aws configure set x %s"),
    Canary("aws_access_key", f"ASIA{upper(16)}", "(%s)"),
    Canary("aws_secret_key", _AWS_SECRET, "AWS_SECRET_ACCESS_KEY=%s"),
    Canary("aws_secret_key", _AWS_SECRET, "aws_secret_access_key = %s"),
    Canary("aws_secret_key", _AWS_SECRET, '{"SecretAccessKey": "%s"}'),
    Canary("aws_secret_key", _AWS_SECRET, f"AKIA{upper(16)},%s"),
    Canary("github_token", f"ghp_{fill(36)}"),
    Canary("github_token", f"ghs_{fill(36)}", "https://api.example.com/?x=%s"),
    Canary("github_token", f"gho_{fill(36)}", "line\n%s"),
    Canary("github_token", f"github_pat_{fill(22)}_{fill(59)}"),
    Canary("gitlab_token", f"glpat-{fill(20)}"),
    Canary("gitlab_token", f"GR1348941{fill(20)}"),
    Canary("slack_token", f"xoxb-123456789012-{fill(24)}"),
    Canary("slack_token", f"xapp-1-{upper(11)}-{hexadecimal(64)}"),
    Canary("slack_webhook", f"services/T{upper(8)}/B{upper(8)}/{fill(24)}", "https://hooks.slack.com/%s"),
    Canary("google_key", f"AIza{fill(35)}", "https://maps.example.com/?k=%s"),
    Canary("google_key", f"GOCSPX-{fill(28)}"),
    Canary("google_key", f"ya29.{fill(60)}"),
    Canary("google_key", f"1//0{fill(60)}", "refresh %s"),
    Canary("npm_token", f"npm_{fill(36)}"),
    Canary("pypi_token", f"pypi-AgEI{fill(80)}"),
    Canary("stripe_key", f"sk_live_{fill(24)}"),
    Canary("stripe_key", f"rk_test_{fill(24)}"),
    Canary("sendgrid_key", f"SG.{fill(22)}.{fill(43)}"),
    Canary("huggingface_token", f"hf_{fill(34)}"),
    Canary("docker_token", f"dckr_pat_{fill(27)}"),
    Canary("digitalocean_token", f"dop_v1_{hexadecimal(64)}"),
    Canary("vault_token", f"hvs.{fill(30)}"),
    Canary("databricks_token", f"dapi{hexadecimal(32)}"),
    Canary("shopify_token", f"shpat_{hexadecimal(32)}"),
    Canary("atlassian_token", f"ATATT3{fill(60)}"),
    Canary("grafana_token", f"glsa_{fill(32)}_{hexadecimal(8)}"),
    Canary("linear_key", f"lin_api_{fill(40)}"),
    Canary("groq_key", f"gsk_{fill(52)}"),
    Canary("xai_key", f"xai-{fill(80)}"),
    Canary("age_key", f"AGE-SECRET-KEY-1{upper(58)}"),
    Canary("telegram_token", f"123456789:AA{fill(33)}", "bot%s"),
    Canary("jwt", _JWT),
    Canary("jwt", f"eyJ{fill(17)}..{fill(16)}.{fill(30)}.{fill(22)}"),
    Canary("url_credentials", "canary-user:canary-pass", "psql postgres://%s@db.internal:5432/app"),
    Canary("url_credentials", "canary:p%40ss", "git clone https://%s@example.com/acme/app.git"),
    Canary("url_credentials", ":canary-redis", "redis://%s@cache:6379/0"),
    Canary("url_signature", fill(40), "https://x.blob.example.com/f?sv=1&sig=%s"),
    Canary("authorization", fill(30), 'curl -H "Authorization: Bearer %s" https://example.com'),
    Canary("authorization", "Y2FuYXJ5OmNhbmFyeQ==", "authorization: Basic %s"),
    Canary("authorization", "canarytoken", '{"Authorization": "Bearer %s"}'),
    Canary("authorization", fill(24), "then it said bearer %s and went on"),
    Canary("password", "canary hunter two", '{"password": "%s"}'),
    Canary("password", 'canary"quoted', "password = '%s'"),
    Canary("password", "canaryswordfish", "export DB_PASSWORD=%s"),
    Canary("password", "canary1hunter", "password: %s"),
    Canary("password", "canary1hunter", "password=%s"),
    Canary("password", "canaryfish", "POST /login?password=%s&next=/"),
    Canary("password", "canaryfish", "mysql --password=%s -u root"),
    Canary("password", fill(20), "tool --token %s"),
    Canary("password", fill(20), "api_key=%s"),
    Canary("password", fill(20), 'apiKey: "%s",'),
    Canary("password", fill(20), '{"client_secret":"%s"}'),
    Canary("password", fill(20), '{"access_token" : "%s"}'),
    Canary("password", fill(20), "GITHUB_TOKEN=%s"),
    Canary("password", fill(20), "x-api-key: %s"),
    Canary("password", "canaryfish", "//registry.example.com/:_authToken=%s"),
    Canary("password", "canaryfish", "Server=db;User Id=sa;Password=%s;Encrypt=true"),
    Canary("password", "canaryfish", "<password>%s</password>"),
    Canary("password", "canaryfish", "machine example.com login bob password %s"),
    Canary("password", "canary:fish", "curl -u %s https://example.com"),
)


def lower(count: int) -> str:
    """Return small letters and digits."""
    return fill(count).lower()


def _uuid() -> str:
    digits = hexadecimal(32)
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


def _lines(count: int = 3) -> list[str]:
    return [fill(64, str(n)) for n in range(count)]


def _base64_of(text: str, before: int = 0) -> str:
    """Encode a PEM in base64 with this many bytes before it, and return it from where the PEM begins."""
    return b64encode(b"#" * before + text.encode()).decode()[4 if before else 0 :]


_PUTTY = "\n".join(["Private-Lines: 3", *_lines(), "Private-MAC: " + hexadecimal(64)])
_SEED = "canary river velvet orbit maple ocean quiz tiger umbrella lemon zebra humble"
# A bot's id in base64, a time and a signature.
_BOT = f"{b64encode(b'123456789012345678').decode()}.{fill(6)}.{fill(38)}"

# At least one for each row of the vendors' table, in its order, and for keys in other formats than PEM.
VENDORS: tuple[Canary, ...] = (
    Canary("cerebras_key", f"csk-{lower(48)}", "CEREBRAS=%s"),
    Canary("huggingface_token", f"api_org_{fill(34)}"),
    Canary("aws_bedrock_key", f"ABSK{fill(128)}=", "AWS_BEARER_BEDROCK=%s"),
    Canary("aws_bedrock_key", f"bedrock-api-key-{fill(80)}"),
    Canary("cursor_key", f"crsr_{hexadecimal(64)}"),
    Canary("devin_key", f"apk_user_{fill(140)}"),
    Canary("devin_key", "cog_" + "canary" * 8 + "xyz7"),
    Canary("e2b_key", f"e2b_{hexadecimal(40)}"),
    Canary("elevenlabs_key", f"sk_{hexadecimal(48)}", "xi: %s"),
    Canary("firecrawl_key", f"fc-{hexadecimal(32)}"),
    Canary("fireworks_key", f"fw_{fill(24)}"),
    Canary("google_key", f"AQ.Ab8RN6{fill(44)}", "GEMINI=%s"),
    Canary("jina_key", f"jina_{fill(60)}"),
    Canary("langfuse_key", f"sk-lf-{_uuid()}"),
    Canary("langsmith_key", f"lsv2_pt_{hexadecimal(32)}_{hexadecimal(10)}"),
    Canary("helicone_key", f"sk-helicone-{lower(7)}-{lower(7)}-{lower(7)}-{lower(7)}"),
    Canary("llamacloud_key", f"llx-{fill(48)}"),
    Canary("minimax_key", f"sk-api-{fill(119)}"),
    Canary("nvidia_key", f"nvapi-{fill(64)}"),
    Canary("perplexity_key", f"pplx-{fill(48)}"),
    Canary("pinecone_key", f"pcsk_{fill(6)}_{fill(63)}"),
    Canary("replicate_token", f"r8_{fill(37)}", "REPLICATE=%s"),
    Canary("runpod_key", f"rpa_{upper(40)}{fill(6)}"),
    Canary("tavily_key", f"tvly-dev-{fill(32)}"),
    Canary("together_key", f"tgp_v1_{fill(43)}"),
    Canary("wandb_key", f"wandb_v1_{fill(27)}_{fill(49)}"),
    Canary("bitbucket_token", f"BBDC-{fill(44)}"),
    Canary("atlassian_token", f"ATBB{fill(32)}"),
    Canary("atlassian_token", f"ATCTT3{fill(60)}={upper(8)}"),
    Canary("rubygems_key", f"rubygems_{hexadecimal(48)}", ":rubygems: %s"),
    Canary("crates_token", f"cio{fill(32)}", "cargo login %s"),
    Canary("crates_token", f"cio_{fill(32)}", "see %s"),
    Canary("nuget_key", f"oy2{lower(43)}", "nuget push x.nupkg -k %s"),
    Canary("clojars_token", f"CLOJARS_{hexadecimal(60)}"),
    Canary("artifactory_key", f"AKCp{fill(69)}"),
    Canary("artifactory_key", f"cmVmdGtu{fill(56)}"),
    Canary("buildkite_token", f"bkua_{hexadecimal(40)}"),
    Canary("circleci_token", f"CCIPAT_{fill(22)}_{hexadecimal(40)}"),
    Canary("sonarqube_token", f"sqp_{hexadecimal(40)}", "-Dsonar.login=%s"),
    Canary("sonarqube_token", f"sqco_{fill(59)}"),
    Canary("sourcegraph_token", f"sgp_{hexadecimal(16)}_{hexadecimal(40)}"),
    Canary("sourcegraph_token", f"slk_{hexadecimal(64)}"),
    Canary("socket_token", f"sktsec_{fill(40)}_api"),
    Canary("snyk_token", f"snyk_uat.{hexadecimal(8)}.{fill(30)}.{fill(20)}"),
    Canary("aikido_token", f"AIK_SECRET_{fill(64)}"),
    Canary("gcp_hmac_key", f"GOOG1E{upper(55)}"),
    Canary("gcp_hmac_key", f"GOOG{upper(20)}"),
    Canary("azure_client_secret", f"{fill(3)}8Q~{fill(34)}", "ARM_CLIENT=%s"),
    Canary("azure_key", f"{fill(52)}JQQJ99{fill(26)}", "api-key %s"),
    Canary("azure_key", f"{fill(76)}+ASt{fill(6)}==", "see %s"),
    Canary("azure_key", f"{fill(33)}+ASb{fill(5)}=", "see %s"),
    Canary("azure_key", f"{fill(42)}+ACR{fill(6)}", "docker login -p %s x.azurecr.io"),
    Canary("azure_key", f"{fill(76)}AZDO{fill(4)}"),
    Canary("azure_key", f"{fill(42)}AzSe{fill(6)}"),
    Canary("azure_key", f"{fill(44)}AzFu{fill(6)}=="),
    Canary("alibaba_key", f"LTAI{fill(20)}"),
    Canary("yandex_key", f"AQVN{fill(36)}"),
    Canary("yandex_key", f"t1.{fill(60)}.{fill(86)}"),
    Canary("cloudflare_token", f"cfut_{fill(40)}{hexadecimal(8)}"),
    Canary("cloudflare_token", f"v1.0-{hexadecimal(24)}-{hexadecimal(146)}"),
    Canary("fly_token", f"fm2_{fill(160)}", "FlyV1 %s"),
    Canary("fly_token", f"fo1_{fill(43)}"),
    Canary("heroku_token", f"HRKU-AA{fill(58)}"),
    Canary("netlify_token", f"nfp_{fill(36)}"),
    Canary("render_key", f"rnd_{fill(28)}"),
    Canary("scalingo_token", f"tk-us-{fill(48)}"),
    Canary("upcloud_token", f"ucat_{fill(26)}"),
    Canary("vercel_token", f"vcp_{fill(56)}", "vercel deploy -t %s"),
    Canary("vercel_token", f"vercel_blob_rw_{fill(16)}_{fill(30)}", "BLOB_RW=%s"),
    Canary("vercel_token", f"vercel_{fill(24)}"),
    Canary("deno_token", f"ddp_{fill(36)}"),
    Canary("terraform_token", f"{fill(14)}.atlasv1.{fill(67)}", '{"app.terraform.io": "%s"}'),
    Canary("pulumi_token", f"pul-{hexadecimal(40)}"),
    Canary("infracost_key", f"ico-{fill(32)}"),
    Canary("doppler_token", f"dp.pt.{fill(43)}"),
    Canary("doppler_token", f"dp.st.dev_backend.{fill(43)}"),
    Canary("onepassword_token", f"ops_eyJ{fill(260)}"),
    Canary("onepassword_key", f"A3-{upper(6)}-{upper(6)}-{upper(5)}-{upper(5)}-{upper(5)}-{upper(5)}"),
    Canary("bitwarden_token", f"0.{_uuid()}.{fill(30)}:{fill(22)}=="),
    Canary("infisical_token", f"st.{hexadecimal(24)}.{hexadecimal(32)}.{hexadecimal(32)}"),
    Canary("bip32_key", f"xprv9{fill(106)}"),
    Canary("nebula_key", f"dnkey-{lower(26)}-{lower(52)}"),
    Canary("harness_token", f"pat.{fill(22)}.{hexadecimal(24)}.{fill(20)}"),
    Canary("openshift_token", f"sha256~{fill(43)}", "oc login -t %s"),
    Canary("tailscale_key", f"tskey-auth-{fill(12)}CNTRL-{fill(32)}"),
    Canary("prefect_key", f"pnu_{lower(36)}"),
    Canary("octopus_key", f"API-{upper(26)}"),
    Canary("databricks_token", f"dose{hexadecimal(32)}"),
    Canary("supabase_token", f"sbp_{hexadecimal(40)}"),
    Canary("supabase_token", f"sb_secret_{fill(31)}"),
    Canary("planetscale_token", f"pscale_pw_{fill(43)}"),
    Canary("neon_key", f"napi_{lower(64)}"),
    Canary("aiven_password", f"AVNS_{fill(19)}"),
    Canary("dbt_token", f"dbtc_{fill(44)}"),
    Canary("materialize_password", f"mzp_{hexadecimal(64)}"),
    Canary("tinybird_token", f"p.eyJ1Ijog{fill(60)}.{fill(43)}"),
    Canary("mongodb_secret", f"mdb_sa_sk_{fill(40)}"),
    Canary("clickhouse_key", f"4b1d{fill(38)}"),
    Canary("cockroach_key", f"CCDB1_{fill(22)}_{fill(40)}"),
    Canary("elastic_key", f"essu_{fill(80)}=="),
    Canary("segment_token", f"sgp_{fill(64)}"),
    Canary("contentful_token", f"CFPAT-{fill(43)}"),
    Canary("apify_token", f"apify_api_{fill(36)}"),
    Canary("airtable_token", f"pat{fill(14)}.{hexadecimal(64)}"),
    Canary("maxmind_key", f"{fill(6)}_{fill(29)}_mmk"),
    Canary("mapbox_token", f"sk.eyJ1Ijoi{fill(60)}.{fill(22)}"),
    Canary("sentry_token", f"sntrys_eyJpYXQiO{fill(120)}=_{fill(43)}"),
    Canary("sentry_token", f"sntryu_{hexadecimal(64)}"),
    Canary("sentry_dsn", hexadecimal(32), "https://%s@o123.ingest.us.sentry.io/456"),
    Canary("newrelic_key", f"NRAK-{upper(27)}"),
    Canary("newrelic_key", f"{hexadecimal(32)}FFFFNRAL"),
    Canary("dynatrace_token", f"dt0c01.{upper(24)}.{upper(64)}"),
    Canary("grafana_token", f"eyJrIjoi{fill(80)}"),
    Canary("checkly_key", f"cu_{hexadecimal(32)}"),
    Canary("axiom_token", f"xaat-{_uuid()}"),
    Canary("honeycomb_key", f"hcaik_{lower(58)}"),
    Canary("posthog_key", f"phx_{fill(43)}"),
    Canary("rootly_key", f"rootly_{hexadecimal(64)}"),
    Canary("adafruit_key", f"aio_{fill(28)}"),
    Canary("launchdarkly_key", f"sdk-{_uuid()}"),
    Canary("slack_token", f"xoxd-{fill(40)}%2F{fill(40)}%3D"),
    Canary("discord_webhook", f"webhooks/123456789012345678/{fill(68)}", "https://discord.com/api/%s"),
    Canary("discord_webhook", f"v10/webhooks/123456789012345678/{fill(68)}", "https://ptb.discord.com/api/%s"),
    Canary(
        "teams_webhook",
        f"webhookb2/{_uuid()}@{_uuid()}/IncomingWebhook/{hexadecimal(32)}/{_uuid()}",
        "https://acme.webhook.office.com/%s",
    ),
    Canary("zapier_webhook", f"hooks/catch/1234567/{lower(7)}", "https://hooks.zapier.com/%s/"),
    Canary("discord_token", _BOT),
    Canary("twilio_key", f"SK{hexadecimal(32)}"),
    Canary("mailgun_key", f"key-{hexadecimal(32)}", "curl --user 'api:%s'"),
    Canary("mailchimp_key", f"{hexadecimal(32)}-us12"),
    Canary("brevo_key", f"xkeysib-{hexadecimal(64)}-{fill(16)}"),
    Canary("firebase_key", f"{fill(11)}:APA91b{fill(134)}"),
    Canary("lark_webhook", _uuid(), "https://open.larksuite.com/open-apis/bot/v2/hook/%s"),
    Canary("ifttt_webhook", f"build/with/key/{fill(22)}", "https://maker.ifttt.com/trigger/%s"),
    Canary("onesignal_key", f"os_v2_app_{lower(103)}"),
    Canary("mandrill_key", f"md-{fill(22)}"),
    Canary("inngest_key", f"signkey-prod-{hexadecimal(64)}"),
    Canary("trigger_key", f"tr_prod_{fill(20)}"),
    Canary("mailersend_token", f"mlsn.{hexadecimal(64)}"),
    Canary("intercom_token", f"dG9rO{fill(54)}="),
    Canary("klaviyo_key", f"pk_{hexadecimal(34)}"),
    Canary("resend_key", f"re_{fill(24)}"),
    Canary("resend_key", f"re_{fill(8)}_{fill(24)}"),
    Canary("square_token", f"sq0csp-{fill(43)}"),
    Canary("square_token", f"EAAA{fill(60)}"),
    Canary("braintree_token", f"access_token$production${lower(16)}${hexadecimal(32)}"),
    Canary("flutterwave_key", f"FLWSECK-{lower(32)}"),
    Canary("plaid_token", f"access-sandbox-{_uuid()}"),
    Canary("shippo_token", f"shippo_live_{hexadecimal(40)}"),
    Canary("duffel_token", f"duffel_test_{fill(43)}"),
    Canary("easypost_key", f"EZAK{fill(54)}"),
    Canary("gocardless_token", f"live_{fill(40)}"),
    Canary("mollie_key", f"live_{fill(30)}"),
    Canary("paddle_key", f"pdl_live_apikey_{lower(26)}_{fill(22)}_AbC"),
    Canary("polar_token", f"polar_oat_{fill(43)}"),
    Canary("lob_key", f"live_{hexadecimal(35)}"),
    Canary("ramp_secret", f"ramp_sec_{fill(48)}"),
    Canary("notion_token", f"ntn_12345678901{fill(35)}"),
    Canary("notion_token", f"secret_{fill(43)}"),
    Canary("figma_token", f"figd_{fill(40)}"),
    Canary("cal_key", f"cal_live_{hexadecimal(32)}"),
    Canary("linkedin_secret", f"WPL_AP1.{fill(16)}.{fill(6)}=="),
    Canary("stytch_secret", f"secret-live-{fill(35)}="),
    Canary("frameio_token", f"fio-u-{fill(64)}"),
    Canary("typeform_token", f"tfp_{fill(44)}_{fill(14)}"),
    Canary("dropbox_token", f"sl.{fill(135)}"),
    Canary("dropbox_token", f"sl.u.{fill(180)}"),
    Canary("hubspot_token", f"pat-na1-{_uuid()}"),
    Canary("postman_key", f"PMAK-{hexadecimal(24)}-{hexadecimal(34)}"),
    Canary("readme_key", f"rdme_{lower(70)}"),
    Canary("trello_token", f"ATTA{hexadecimal(64)}{hexadecimal(8).upper()}"),
    Canary("clickup_token", f"pk_12345678_{upper(32)}"),
    Canary("adobe_secret", f"p8e-{fill(32)}"),
    Canary("intra42_secret", f"s-s4t2ud-{hexadecimal(64)}"),
    Canary("settlemint_token", f"sm_pat_{fill(16)}"),
    Canary("okta_token", f"SSWS 00{fill(40)}", "Authorisation %s"),
    Canary("stripe_key", f"whsec_{fill(32)}"),
    Canary("salesforce_token", f"00D{fill(15)}!{fill(96)}"),
    Canary("zoho_token", f"1000.{hexadecimal(32)}.{hexadecimal(32)}"),
    Canary("facebook_token", f"EAA{fill(180)}"),
    Canary("twitter_token", "A" * 22 + f"{fill(20)}%2B{fill(40)}%3D{fill(30)}", "bearer=%s"),
    Canary("private_key", _pem("PRIVATE KEY", "\\\\n"), "KEY='%s'"),
    Canary("private_key", _pem("RSA PRIVATE KEY", " "), "KEY=%s"),
    Canary("private_key", _pem("EC PRIVATE KEY", "\n    "), "tls.key: |\n    %s\nnext: 1"),
    Canary("private_key", _pem("PRIVATE KEY", "\\n\\\n  "), "key=%s"),
    Canary("private_key", _pem("PRIVATE KEY", '\\n" +\n    "'), 'String key = "%s";'),
    Canary("private_key", _pem("SSH2 ENCRYPTED PRIVATE KEY").replace("-----", " ---- ").strip()),
    Canary("private_key", _PUTTY, "PuTTY-User-Key-File-3: ssh-ed25519\nEncryption: none\n%s\n"),
    Canary("private_key", _base64_of(_pem("RSA PRIVATE KEY")), "client-key-data: %s"),
    Canary("private_key", _base64_of(_pem("OPENSSH PRIVATE KEY"), 1), "data %s"),
    Canary("private_key", _base64_of(_pem("EC PRIVATE KEY"), 2), "data %s"),
    Canary("seed_phrase", _SEED, 'MNEMONIC="%s"'),
    Canary("seed_phrase", f"{_SEED} {_SEED}", "seed phrase: %s\n"),
)
CANARIES += VENDORS
