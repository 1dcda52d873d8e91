"""Who may use the store, and how a request says who it is."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence

import msgspec

from deploy.store_server.errors import AUTHENTICATION_FAILED, StoreError


class StoreUser(msgspec.Struct, frozen=True):
    """One who may use the store. A `readonly` user may change settings, and nothing else (ClickHouse's readonly=2)."""

    name: str
    password: str
    readonly: bool

    def __repr__(self) -> str:
        """Without the password, which must not reach a log."""
        return f"StoreUser(name={self.name!r}, readonly={self.readonly})"


class Users:
    """The known users, and the check of a name and a password that takes as long for a wrong one as for a right one."""

    def __init__(self, users: Sequence[StoreUser]) -> None:
        self._users = {user.name: user for user in users}
        self._nobody = StoreUser("", "", readonly=True)

    def authenticate(self, headers: Mapping[str, str], params: Mapping[str, str]) -> StoreUser:
        """The user a request speaks for. Raises StoreError with status 401 (says nobody) or 403 (says it wrongly)."""
        claim = _claim(headers, params)
        if claim is None:
            raise StoreError(AUTHENTICATION_FAILED, "Authentication is required: send a user and a password.", 401)
        name, password = claim
        user = self._users.get(name, self._nobody)
        if not hmac.compare_digest(_digest(password), _digest(user.password)) or user is self._nobody:
            message = "Authentication failed: password is incorrect, or there is no user with such name."
            raise StoreError(AUTHENTICATION_FAILED, message, 403)
        return user


def _digest(password: str) -> bytes:
    return hashlib.sha256(password.encode("utf-8", "surrogateescape")).digest()


def _claim(headers: Mapping[str, str], params: Mapping[str, str]) -> tuple[str, str] | None:
    if "X-ClickHouse-User" in headers:
        return headers["X-ClickHouse-User"], headers.get("X-ClickHouse-Key", "")
    scheme, _, credential = headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "basic":
        return _basic(credential)
    if "user" in params:
        return params["user"], params.get("password", "")
    return None


def _basic(credential: str) -> tuple[str, str]:
    try:
        name, _, password = base64.b64decode(credential, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError, ValueError):
        raise StoreError(AUTHENTICATION_FAILED, "Authentication failed: the header cannot be read.", 403) from None
    return name, password
