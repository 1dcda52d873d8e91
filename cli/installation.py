"""Call a running installation, found by its data folder or by ``--url`` and ``--token``."""

import functools
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import click
import httpx

from edge.tokens import issue_token
from runtime.run_folder import read_address
from runtime.secrets import operator_signer
from runtime.settings import Settings, load_settings
from schemas.permissions import OPERATOR_ORG

OK, DIFFERENT, AWAY = 0, 1, 69
COMMAND_TTL_S = 600


class Installation:
    """An HTTP client of one installation. If it is unavailable, the command ends with exit code 69."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        try:
            self._client = httpx.Client(
                base_url=url, headers={"Authorization": f"Bearer {token}"}, timeout=30, trust_env=False
            )
        except (httpx.InvalidURL, UnicodeEncodeError) as error:
            raise click.UsageError(f"--url or --token can't be used: {error}") from error

    def get(self, path: str, **params: Any) -> Any:
        """GET ``path`` below ``/api/v1``; return the decoded body."""
        return self._ask("GET", path, params=params)

    def post(self, path: str, body: bytes) -> Any:
        """POST JSON to ``path`` below ``/api/v1``; return the decoded body."""
        return self._ask("POST", path, content=body, headers={"Content-Type": "application/json"})

    def _ask(self, method: str, path: str, **request: Any) -> Any:
        try:
            response = self._client.request(method, f"/api/v1{path}", **request)
        except httpx.HTTPError as error:
            away(f"{self.url} does not answer ({error}). Is it running?")
        body = self._body(response)
        if response.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            away(body["error"])
        if response.is_error:
            raise click.ClickException(_sentence(body))
        return body

    def _body(self, response: httpx.Response) -> Any:
        """Decode the JSON body. Any other body is that of a proxy or another service, and ends the command."""
        try:
            return response.json()
        except ValueError:
            sentence = f"{self.url} returned {response.status_code}, but not as crewkit-sessions does"
        if response.is_server_error:
            away(sentence)
        raise click.ClickException(sentence)


def _sentence(problem: dict[str, Any]) -> str:
    """Return the error, with the fields that it concerns."""
    details = [f"{field} {', '.join(map(str, faults))}" for field, faults in problem["details"].items()]
    return " ".join([problem["error"], *details])


def away(message: str) -> NoReturn:
    """End the command, because a service that it needs is unavailable."""
    click.echo(message, err=True)
    sys.exit(AWAY)


class InstallationOptions(NamedTuple):
    """The options that name an installation."""

    data: Path | None
    url: str | None
    token: str | None

    @property
    def settings(self) -> Settings:
        """The settings in the data folder."""
        return load_settings({"data": None if self.data is None else str(self.data)})


def installation_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that name an installation, which the command receives as ``where``, and ``--json``."""

    @functools.wraps(command)
    def run(data: Path | None, url: str | None, token: str | None, **options: Any) -> Any:
        return command(where=InstallationOptions(data, url, token), **options)

    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print only JSON."),
        click.option("--token", help="Token of role operator, with --url."),
        click.option("--url", help="Base URL of the installation, instead of --data."),
        click.option("--data", type=click.Path(path_type=Path), help="Data folder of the installation."),
    ):
        run = option(run)
    return run


def open_installation(where: InstallationOptions) -> Installation:
    """Return the installation that these options name, with an operator token."""
    if where.url:
        if not where.token:
            raise click.UsageError("--url needs --token (make one with `crewkit-sessions token --operator`)")
        return Installation(where.url, where.token)
    settings = where.settings
    return Installation(address_of(settings), where.token or _operator_token(settings.secrets_folder))


def address_of(settings: Settings) -> str:
    """Return the URL of the installation with this data folder; end the command if none was ever started there."""
    found = read_address(settings.folder)
    if found is None:
        away(f"nothing was ever started in {settings.folder}: give --data the folder of a running installation")
    return found


def _operator_token(secrets_folder: Path) -> str:
    """Return a short-lived operator token, signed with the installation's secrets."""
    return issue_token(operator_signer(secrets_folder), "cli", OPERATOR_ORG, "operator", COMMAND_TTL_S, time.time())
