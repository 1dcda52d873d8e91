"""Finds a running installation by its data folder, or by ``--url`` and ``--token``."""

import functools
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.exits import AWAY, end
from runtime.services.run_folder import read_address
from runtime.settings.settings import Settings, load_settings
from schemas.permissions import OPERATOR_ORG

if TYPE_CHECKING:
    from cli.client import Installation

COMMAND_TTL_S = 600
Find = Callable[[], "Installation"]
json_option = click.option("--json", "as_json", is_flag=True, help="Print only JSON.")
token_option = click.option("--token", help="With --url: a token with role operator.")
url_option = click.option("--url", help="Base URL of the installation, instead of --data.")


def installation_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--json`` and the options that select an installation; the command calls ``find`` to open that one."""

    @functools.wraps(command)
    def run(data: Path | None, url: str | None, token: str | None, **options: Any) -> Any:
        return command(find=lambda: open_installation(data, url, token), **options)

    data_option = click.option("--data", type=click.Path(path_type=Path), help="Data folder of the installation.")
    for option in (json_option, token_option, url_option, data_option):
        run = option(run)
    return run


def open_installation(data: Path | None, url: str | None = None, token: str | None = None) -> "Installation":
    """Return the installation that these options select, with an operator token."""
    from cli.client import Installation

    if url:
        if not token:
            raise click.UsageError("--url needs --token (create one with `crewkit-sessions token --operator`)")
        return Installation(url, lambda: token)
    settings = load_settings({"data": data and str(data)})
    return Installation(address_of(settings), lambda: token or _operator_token(settings.secrets_folder))


def address_of(settings: Settings) -> str:
    """Return the URL of the installation; end the command if none is set and none was ever started in the folder."""
    found = settings.api_url or read_address(settings.folder)
    if found is None:
        end(f"nothing was ever started in {settings.folder}: give --data the folder of a running installation", AWAY)
    return found


def _operator_token(secrets_folder: Path) -> str:
    """Return a short-lived operator token, signed with the installation's secrets."""
    from edge.tokens import issue_token
    from runtime.settings.secrets import operator_signer

    return issue_token(operator_signer(secrets_folder), "cli", OPERATOR_ORG, "operator", COMMAND_TTL_S, time.time())
