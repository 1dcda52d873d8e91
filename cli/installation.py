"""Call a running installation, found by its data folder or by ``--url`` and ``--token``."""

import functools
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
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
RETRY_S = 0.5


class Away(Exception):
    """The installation, or a service that it needs, is unavailable."""


class Installation:
    """An HTTP client of one installation. If it is unavailable, the command ends with exit code 69."""

    def __init__(self, url: str, token: Callable[[], str]) -> None:
        """``token`` returns a valid token for each request, since a command may run longer than a token lives."""
        self.url = url
        self._token = token
        try:
            self._client = httpx.Client(base_url=url, timeout=30, trust_env=False)
        except httpx.InvalidURL as error:
            raise click.UsageError(f"--url can't be used: {error}") from error

    def get(self, path: str, **params: Any) -> Any:
        """GET ``path`` below ``/api/v1``; return the decoded body."""
        return self.get_patiently(path, 0.0, **params)

    def get_patiently(self, path: str, patience_s: float, **params: Any) -> Any:
        """Return the same; while a service is away, try again for ``patience_s`` seconds."""
        give_up_at = time.monotonic() + patience_s
        while True:
            try:
                return self._ask("GET", path, params=params)
            except Away as reason:
                if time.monotonic() >= give_up_at:
                    away(str(reason))
            time.sleep(RETRY_S)

    def post(self, path: str, body: bytes) -> Any:
        """POST JSON to ``path`` below ``/api/v1``; return the decoded body."""
        try:
            return self._ask("POST", path, content=body, headers={"Content-Type": "application/json"})
        except Away as reason:
            away(str(reason))

    def _ask(self, method: str, path: str, headers: Mapping[str, str] = MappingProxyType({}), **request: Any) -> Any:
        authorized = {**headers, "Authorization": f"Bearer {self._token()}"}
        try:
            response = self._client.request(method, f"/api/v1{path}", headers=authorized, **request)
        except UnicodeEncodeError as error:
            raise click.UsageError(f"--token can't be used: {error}") from error
        except httpx.HTTPError as error:
            raise Away(f"{self.url} does not answer ({error}). Is it running?") from error
        body = self._body(response)
        if response.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            raise Away(body["error"])
        if response.is_error:
            raise click.ClickException(body["error"] if body["code"] == "refused" else _sentence(body))
        return body

    def _body(self, response: httpx.Response) -> Any:
        """Decode the JSON body. Any other body is that of a proxy or another service, and ends the command."""
        try:
            return response.json()
        except ValueError:
            sentence = f"{self.url} returned {response.status_code}, but not as crewkit-sessions does"
        if response.is_server_error:
            raise Away(sentence)
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
        given = where.token
        return Installation(where.url, lambda: given)
    settings = where.settings
    return Installation(address_of(settings), partial(_token, where, settings.secrets_folder))


def _token(where: InstallationOptions, secrets_folder: Path) -> str:
    return where.token or _operator_token(secrets_folder)


def address_of(settings: Settings) -> str:
    """Return the URL of the installation with this data folder; end the command if none was ever started there."""
    found = read_address(settings.folder)
    if found is None:
        away(f"nothing was ever started in {settings.folder}: give --data the folder of a running installation")
    return found


def _operator_token(secrets_folder: Path) -> str:
    """Return a short-lived operator token, signed with the installation's secrets."""
    return issue_token(operator_signer(secrets_folder), "cli", OPERATOR_ORG, "operator", COMMAND_TTL_S, time.time())
