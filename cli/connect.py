"""`connect`: the settings that connect a coding agent."""

import json
import time
from pathlib import Path
from typing import get_args

import click

from cli.agent_settings import AGENTS, AgentFile, Doors, Way
from cli.find_installation import address_of
from edge.names import is_valid_name
from runtime.settings.settings import Settings, load_settings

TTL_S = 365 * 86_400


@click.command()
@click.option("--client", type=click.Choice(list(AGENTS)), default="claude-code", show_default=True, help="The agent.")
@click.option("--way", type=click.Choice(get_args(Way)), help="Only this way; by default all that the agent has.")
@click.option("--data", type=click.Path(path_type=Path), help="Data folder of the installation.")
@click.option("--org", help="Org that the agent writes to, with --data.")
@click.option("--user", help="User of the agent, with --data.")
@click.option("--url", help="Base URL of the installation, instead of --data.")
@click.option("--token", help="Token that the agent sends, with --url; its role is best `agent`.")
@click.option("--json", "as_json", is_flag=True, help="Print only JSON.")
def connect(
    client: str,
    way: Way | None,
    data: Path | None,
    org: str | None,
    user: str | None,
    url: str | None,
    token: str | None,
    as_json: bool,
) -> None:
    """Print the settings that connect a coding agent to an installation, with address and token filled in.

    Merge them into the files that are named. With --data, the token is a new one of role agent: it can write, not read,
    for 365 days. The settings hold it, so keep them out of repositories.

    \b
    Example:
      crewkit-sessions connect --data var/up --org acme --user alice
      crewkit-sessions connect --client codex --url https://sessions.example.com --token "$TOKEN"
    """
    settings, ways = AGENTS[client]
    if way is not None and way not in ways:
        raise click.UsageError(f"{client} has no hooks over HTTP: leave out --way, or give --way {ways[0]}")
    doors = _given(url, token) if url else _local(load_settings({"data": data and str(data)}), org, user)
    files = settings(doors, [way] if way else ways)
    if as_json:
        click.echo(json.dumps({"client": client, "org": doors.org, "files": [file._asdict() for file in files]}))
    else:
        click.echo("\n".join(_shown(file) for file in files), nl=False)


COMMANDS = (connect,)


def _shown(file: AgentFile) -> str:
    return f"For {file.path}:\n\n{file.text}"


def _given(url: str, token: str | None) -> Doors:
    if not token:
        raise click.UsageError("--url needs --token (make one with `crewkit-sessions token --role agent --ttl 365d`)")
    return Doors(url, _org_of(token), token)


def _org_of(token: str) -> str:
    """Return the org that the token names. The installation verifies the token, this does not."""
    import jwt

    try:
        org = jwt.decode(token, options={"verify_signature": False}).get("org_id")
    except jwt.InvalidTokenError as error:
        raise click.BadParameter(f"not a token: {error}", param_hint="--token") from error
    if not (isinstance(org, str) and is_valid_name(org)):
        raise click.BadParameter("the token names no org", param_hint="--token")
    return org


def _local(settings: Settings, org: str | None, user: str | None) -> Doors:
    if not (org and user):
        raise click.UsageError("give --org and --user, or --url and --token")
    if not (is_valid_name(org) and is_valid_name(user)):
        raise click.UsageError("names of orgs and users have 1 to 200 printable characters")
    if settings.jwks_file:
        raise click.UsageError("jwks_file is set: your issuer makes the tokens; give --url and --token")
    url = address_of(settings)
    from edge.tokens import issue_token
    from runtime.settings.secrets import token_key

    return Doors(url, org, issue_token(token_key(settings.secrets_folder), user, org, "agent", TTL_S, time.time()))
