"""The client's settings: where it sends to, and what it leaves out. The token has its own file."""

from __future__ import annotations

import base64
import binascii
import json
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from crewkit_hook import spool
from crewkit_hook.files import replace

TOKEN = "token"
SPOOL_MB = 500


class NotConnected(Exception):
    """The client has no settings, or they can't be read. The message says what to do."""


class Settings(NamedTuple):
    """``sensitive_folders`` are patterns such as ``~/clients/*``: sessions in them send only metadata."""

    url: str
    org: str
    token: str
    metadata_only: bool = False
    sensitive_folders: tuple[str, ...] = ()
    spool_mb: int = SPOOL_MB

    @property
    def base(self) -> str:
        """The address of the org's API."""
        return f"{self.url.rstrip('/')}/api/v1/{quote(self.org, safe='')}"


def load(home: str) -> Settings:
    """Read the settings. Raises `NotConnected` if there are none, or they are not valid."""
    file = Path(home, spool.SETTINGS)
    try:
        found = json.loads(file.read_text("utf-8"))
        return _checked(found, Path(home, TOKEN).read_text("utf-8").strip())
    except FileNotFoundError as error:
        raise NotConnected("this machine is not connected: run `crewkit-hook connect`") from error
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise NotConnected(f"{file} can't be read ({error}): fix it, or run `crewkit-hook connect` again") from error


def save(home: str, settings: Settings) -> None:
    """Write the settings and the token, readable only by their owner. Unknown fields of the file stay."""
    file = Path(home, spool.SETTINGS)
    try:
        before = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        before = {}
    before = before if isinstance(before, dict) else {}
    chosen = settings._asdict()
    chosen.pop("token")
    replace(Path(home, TOKEN), f"{settings.token}\n".encode())
    replace(file, (json.dumps({**before, **chosen}, indent=2) + "\n").encode())


def check_pattern(pattern: str) -> None:
    """Check a folder pattern. Raises `ValueError` if it could never match, or names an unknown user."""
    try:
        expanded = str(Path(pattern).expanduser())
    except RuntimeError as error:
        raise ValueError(f"the pattern {pattern!r} names a user that does not exist here") from error
    if not expanded.startswith(("/", "*")):
        raise ValueError(f"the pattern {pattern!r} must begin with /, ~ or *: it is compared with whole paths")


def org_of(token: str) -> str:
    """Return the org that a token names. The installation verifies the token; this function does not.

    Raises `ValueError` if the text is not a token, or names no org.
    """
    if token.split() != [token]:
        raise ValueError("this is not an installation's token: it is empty, or has spaces or line breaks in it")
    try:
        claims = token.split(".")[1]
        org = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["org_id"]
    except (IndexError, KeyError, TypeError, ValueError, binascii.Error) as error:
        raise ValueError("this is not an installation's token: it names no org") from error
    if not (isinstance(org, str) and org):
        raise ValueError("the token names no org")
    return org


def _checked(found: dict[str, Any], token: str) -> Settings:
    if not str(found["url"]).startswith(("http://", "https://")):
        raise ValueError("url must begin with http:// or https://")
    if not isinstance(found["org"], str):
        raise ValueError("org must be the name of an org")
    if token.split() != [token]:
        raise ValueError("the token is empty, or has spaces or line breaks in it")
    folders = found.get("sensitive_folders", [])
    if not isinstance(folders, list) or not all(isinstance(folder, str) for folder in folders):
        raise ValueError("sensitive_folders must be a list of patterns")
    for pattern in folders:
        check_pattern(pattern)
    mb = found.get("spool_mb", SPOOL_MB)
    if not isinstance(mb, int) or mb < 1:
        raise ValueError("spool_mb must be a number of megabytes")
    metadata_only = bool(found.get("metadata_only", False))
    return Settings(found["url"].rstrip("/"), found["org"], token, metadata_only, tuple(folders), mb)
