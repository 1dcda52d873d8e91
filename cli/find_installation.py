"""Finds a running installation by its data folder, or by ``--url`` and ``--token``."""

import functools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.exits import AWAY, end
from runtime.services.run_folder import read_address
from runtime.settings.settings import Settings, load_settings
from schemas.permissions import OPERATOR_ORG, Role

if TYPE_CHECKING:
    from cli.client import Installation

COMMAND_TTL_S = 600
Find = Callable[..., "Installation"]  # takes another role for an org's token than that of the command
json_option = click.option("--json", "as_json", is_flag=True, help="Print only JSON.")
token_option = click.option("--token", help="With --url: a token with role operator.")
data_option = click.option("--data", type=click.Path(path_type=Path), help="Data folder of the installation.")
url_option = click.option("--url", help="Base URL of the installation, instead of --data.")


def installation_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--json`` and the options that select an installation; the command calls ``find`` to open that one."""

    @functools.wraps(command)
    def run(data: Path | None, url: str | None, token: str | None, **options: Any) -> Any:
        return command(find=lambda: open_installation(data, url, token), **options)

    for option in (json_option, token_option, url_option, data_option):
        run = option(run)
    return run


def org_options(role: Role) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add the same options and ``--org``; ``find`` opens the installation with this role in that org."""

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(command)
        def run(data: Path | None, url: str | None, token: str | None, org: str, **options: Any) -> Any:
            return command(find=lambda role=role: open_installation(data, url, token, org, role), org=org, **options)

        given = click.option("--token", help=f"With --url: a token of the org with role {role} or above.")
        of_org = click.option("--org", required=True, help="The org.")
        for option in (json_option, given, url_option, data_option, of_org):
            run = option(run)
        return run

    return decorate


def open_installation(
    data: Path | None,
    url: str | None = None,
    token: str | None = None,
    org: str = OPERATOR_ORG,
    role: Role = "operator",
) -> "Installation":
    """Return the installation that these options select, with a token of this role in ``org``."""
    from cli.client import Installation

    if url:
        if not token:
            how = "--operator" if org == OPERATOR_ORG else f"--org {org} --role {role}"
            raise click.UsageError(f"--url needs --token (create one with `crewkit-sessions token {how}`)")
        return Installation(url, lambda: token)
    settings = load_settings({"data": data and str(data)})
    return Installation(address_of(settings), lambda: token or _short_token(settings.secrets_folder, org, role))


@contextmanager
def explaining(message: str) -> Iterator[None]:
    """Replace the API's general sentence about an address where nothing is."""
    from cli.client import NotThere

    try:
        yield
    except NotThere as error:
        raise click.ClickException(message) from error


def address_of(settings: Settings) -> str:
    """Return the URL of the installation; end the command if none is set and none was ever started in the folder."""
    found = settings.api_url or read_address(settings.folder)
    if found is None:
        end(f"nothing was ever started in {settings.folder}: give --data the folder of a running installation", AWAY)
    return found


def _short_token(secrets_folder: Path, org: str, role: Role) -> str:
    """Return a short-lived token, signed with the installation's secrets."""
    from edge.tokens import issue_token
    from runtime.settings.secrets import operator_signer, token_key

    key = operator_signer(secrets_folder) if org == OPERATOR_ORG else token_key(secrets_folder)
    return issue_token(key, "cli", org, role, COMMAND_TTL_S, time.time())
