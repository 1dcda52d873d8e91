"""The HTTP client of the commands that call a running installation."""

import ssl
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import click
import httpx

from cli.exits import AWAY, end

RETRY_S = 0.5
BUSY_S = 10.0  # how long a request is sent again, from the first time that the installation could not answer it
ANSWER_WITHIN_S = 30.0


def trusted(url: str) -> ssl.SSLContext | bool:
    """Return the CAs to trust: those of the system or, if set, of the file ``SSL_CERT_FILE``."""
    return ssl.create_default_context() if url.startswith("https:") else False  # loading them takes 20 ms


class Away(Exception):
    """The installation, or a service that it needs, is unavailable."""


class Busy(Away):
    """The installation answers: send the same request again (API, 503)."""


class NotThere(click.ClickException):
    """There is nothing at the address (API, 404)."""


class Installation:
    """An HTTP client of one installation. If it is unavailable, the command ends with exit code 69."""

    def __init__(self, url: str, token: Callable[[], str]) -> None:
        """Create a client. ``token`` returns a valid token for each request, since a command may outlive a token."""
        self.url = url
        self._token = token
        try:
            self._client = httpx.Client(base_url=url, timeout=ANSWER_WITHIN_S, trust_env=False, verify=trusted(url))
        except httpx.InvalidURL as error:
            raise click.UsageError(f"--url can't be used: {error}") from error

    def get(self, path: str, *, patience_s: float = 0.0, within_s: float | None = None, **params: Any) -> Any:
        """GET ``path`` below ``/api/v1`` and return the decoded body; retry while a service is unavailable.

        The response may take `ANSWER_WITHIN_S`, or ``within_s``.
        """
        timeout = httpx.Timeout(ANSWER_WITHIN_S, read=within_s or ANSWER_WITHIN_S)
        return self._patiently(patience_s, "GET", path, params=params, timeout=timeout)

    def post(self, path: str, body: bytes) -> Any:
        """POST JSON to ``path`` below ``/api/v1``; return the decoded body."""
        return self._patiently(0, "POST", path, content=body, headers={"Content-Type": "application/json"})

    def _patiently(self, patience_s: float, method: str, path: str, **request: Any) -> Any:
        away_since: float | None = None  # a report may take longer than the patience before it is refused
        while True:
            try:
                return self._ask(method, path, **request)
            except Away as reason:
                patience_s = max(patience_s, BUSY_S if isinstance(reason, Busy) else 0)
                away_since = away_since or time.monotonic()
                if time.monotonic() - away_since >= patience_s:
                    end(str(reason), AWAY)
            time.sleep(RETRY_S)

    def _ask(self, method: str, path: str, headers: Mapping[str, str] = MappingProxyType({}), **request: Any) -> Any:
        authorized = {**headers, "Authorization": f"Bearer {self._token()}"}
        try:
            response = self._client.request(method, f"/api/v1{path}", headers=authorized, **request)
        except UnicodeEncodeError as error:
            raise click.UsageError(f"--token can't be used: {error}") from error
        except httpx.HTTPError as error:
            raise Away(f"{self.url} does not answer ({error}). Is it running?") from error
        try:
            body = response.json()
        except ValueError as error:  # the response comes from a proxy or another service
            kind = Away if response.is_server_error else click.ClickException
            sentence = f"{self.url} returned {response.status_code}, but not in the form of crewkit-sessions"
            raise kind(sentence) from error
        if response.status_code == httpx.codes.SERVICE_UNAVAILABLE:
            raise Busy(body["error"])
        if response.is_error:
            faults = {} if body["code"] == "refused" else body["details"]
            details = [f"{field} {', '.join(map(str, found))}" for field, found in faults.items()]
            kind = NotThere if response.status_code == httpx.codes.NOT_FOUND else click.ClickException
            raise kind(" ".join([body["error"].removeprefix("Refused: "), *details]))
        return body
