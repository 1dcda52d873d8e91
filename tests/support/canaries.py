"""Secrets that nobody owns, one or more for each rule of redaction, each in a text as people and tools write it.

They are put together here, so that no file of the repository holds anything that looks like a secret.
"""

from typing import NamedTuple

_BASE = "C4naryQz7Xw9Lk2Pv5Bt8Rd3Hm6Jf1Ng0Ys"


class Canary(NamedTuple):
    """A secret, by which rule it is found, and a text around it; ``%s`` is where it stands."""

    rule: str
    secret: str
    text: str = "see %s there"

    @property
    def written(self) -> str:
        """The text with the secret in it."""
        return self.text % self.secret


def fill(count: int, salt: str = "") -> str:
    """Letters and digits, always the same."""
    return ((salt + _BASE) * (count // len(_BASE) + 1))[:count]


def upper(count: int) -> str:
    """Capitals and digits."""
    return fill(count).upper()


def hexadecimal(count: int) -> str:
    """As of a digest."""
    return ("c4a9e7" * count)[:count]


def _pem(kind: str, newline: str = "\n") -> str:
    lines = [f"-----BEGIN {kind}-----", *(fill(64, str(n)) for n in range(3)), f"-----END {kind}-----"]
    return newline.join(lines)


_JWT = f"eyJ{fill(17)}.eyJ{fill(40)}.{fill(43)}"
_AWS_SECRET = "wJ+a/" + fill(35)

CANARIES: tuple[Canary, ...] = (
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
