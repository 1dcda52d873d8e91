"""Commands that prepare an installation: topics, tables, tokens and secrets."""

import re
import time
from typing import Any, get_args

import click

from cli.exits import end
from cli.groups import CommandGroup
from cli.options import settings_of_a_process, settings_options
from edge.names import is_valid_name
from runtime.settings.log_url import KafkaAddress, parse_log_url
from runtime.settings.settings import load_settings
from schemas.permissions import OPERATOR_ORG, Role
from store.errors import Refused

_AGENT_TTL_S_MAX = 365 * 86_400  # hook clients and exporters run for months, but their tokens must expire
_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@click.command()
@settings_options("data", "log_url", "store_url", "secrets", "partitions")
@click.option("--replication", type=int, default=0, help="Copies of each record (default 3; 1: for development).")
@click.option("--topic-exists", is_flag=True, help="Create no topics; check existing ones.")
def provision(replication: int, topic_exists: bool, **options: Any) -> None:
    """Create the topics, the databases and their tables, and record their parameters. Safe to run again.

    With Kafka, the first run needs --partitions. The number can never change; 64 is a good choice. The command refuses
    differences from the recorded parameters, a topic that may lose records, and tables newer than this code.

    \b
    Example: crewkit-sessions provision --partitions 64
    """
    from ingest.log.kafka.provision import Wish
    from runtime.operations.provisioning import provision_all

    wish = Wish(replication, makes_topics=not topic_exists)
    try:
        for line in provision_all(settings_of_a_process(options), wish):
            click.echo(line)
    except Refused as error:
        end(str(error))


@click.command()
@settings_options("data", "secrets", "log_url", "jwks_file", "dev_tokens")
@click.option("--org", help="Org that the token gives access to.")
@click.option("--user", help="User of the token.")
@click.option("--role", type=click.Choice([r for r in get_args(Role) if r != "operator"]), help="Role of the user.")
@click.option("--operator", is_flag=True, help="Print an operator's token, without access to orgs.")
@click.option("--ttl", default="4h", show_default=True, help="Lifetime: 30m, 4h, 7d …; for agents at most a year.")
def token(org: str, user: str, role: Role, operator: bool, ttl: str, **options: Any) -> None:
    """Print a token, signed with token.key in the secrets folder; an operator's with operator.key if it exists.

    \b
    Example: crewkit-sessions token --org acme --user alice --role manager

    \b
    For the settings of alice's coding agent, a token that can write but not read:
      crewkit-sessions token --org acme --user alice --role agent --ttl 365d
    """
    if operator:
        org, user, role = OPERATOR_ORG, user or "operator", "operator"
    if not (org and user and role):
        raise click.UsageError("give --org, --user and --role, or --operator")
    if org == OPERATOR_ORG and not operator:
        raise click.UsageError(f"{OPERATOR_ORG} is a reserved name")
    if not (is_valid_name(org) and is_valid_name(user)):
        raise click.UsageError("names of orgs and users have 1 to 200 printable characters")
    settings, ttl_s = load_settings(options), _seconds(ttl)
    if settings.jwks_file and not operator:
        raise click.UsageError(
            "jwks_file is set, so your issuer makes the tokens; this command makes only --operator tokens"
        )
    if not (operator or settings.dev_tokens) and isinstance(parse_log_url(settings.log), KafkaAddress):
        raise click.UsageError(
            "log_url is Kafka: self-issued org tokens work only with --dev-tokens, here and in the services"
        )
    if role == "agent" and ttl_s > _AGENT_TTL_S_MAX:
        raise click.BadParameter("an agent's token is valid for at most a year: 365d", param_hint="--ttl")
    from edge.tokens import issue_token
    from runtime.settings.secrets import operator_signer, token_key

    key = operator_signer(settings.secrets_folder) if operator else token_key(settings.secrets_folder)
    click.echo(issue_token(key, user, org, role, ttl_s, time.time()))


@click.group(cls=CommandGroup)
def secrets() -> None:
    """Make the secrets with which an installation verifies ids and tokens."""


@secrets.command()
@settings_options("data", "secrets", "dev_tokens")
def make(**options: Any) -> None:
    """Make the secrets of a new installation. None is ever overwritten. `up` and `stack` do this automatically.

    \b
    Example: crewkit-sessions secrets make --secrets /etc/crewkit/secrets
    """
    from runtime.settings.secret_making import make_secrets

    settings = load_settings(options)
    for line in make_secrets(settings.secrets_folder, dev_tokens=settings.dev_tokens):
        click.echo(line)


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("options", nargs=-1)
def connect(options: tuple[str, ...]) -> None:  # noqa: ARG001 (all are accepted, to say what replaces them)
    """Name the command that replaced this one, for any OPTIONS: `crewkit-hook connect`."""
    text = "`crewkit-hook connect` connects agents; `crewkit-hook connect --print` only prints their settings"
    raise click.UsageError(text)


def _seconds(ttl: str) -> int:
    match = re.fullmatch(r"([1-9][0-9]{0,6})([smhd])", ttl)
    if match is None:
        raise click.BadParameter("use a number with s, m, h or d, such as 4h", param_hint="--ttl")
    return int(match[1]) * _UNITS_S[match[2]]


COMMANDS = (provision, token, secrets, connect)
