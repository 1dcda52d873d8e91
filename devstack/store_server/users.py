"""Authenticate the users of the store, and say what each may do."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence

import msgspec

from devstack.store_server.errors import Code, StoreError

READS, READS_AS_IT_IS = 2, 1  # values of the engine's `readonly`: settings may be changed, or not


class StoreUser(msgspec.Struct, frozen=True):
    """A user of the store.

    A `readonly` user may change settings and nothing else (ClickHouse's readonly=2), without `may_set` no settings
    either (readonly=1). It may still insert into the tables `inserts` (database and name), as a user with that grant
    and without `readonly` may on a real server.
    """

    name: str
    password: str
    readonly: bool
    may_set: bool = True
    inserts: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        """Leave out the password, which must not reach a log."""
        return f"StoreUser(name={self.name!r}, readonly={self.readonly})"


class Users:
    """The known users. A check of a wrong password takes as long as that of a right one."""

    def __init__(self, users: Sequence[StoreUser]) -> None:
        self._users = {user.name: user for user in users}
        self._stranger = StoreUser("", "", readonly=True)

    def readonly(self, user: StoreUser, get: bool, into: tuple[str, ...] = ()) -> int:
        """Return the engine's `readonly` for a user's statement that inserts ``into`` a table (database and name).

        A GET request may not write, as on a real server.
        """
        if user.readonly and into not in user.inserts:
            return READS if user.may_set else READS_AS_IT_IS
        return READS if get else 0

    def authenticate(self, headers: Mapping[str, str], params: Mapping[str, str]) -> StoreUser:
        """Return the user of a request.

        Raises StoreError with status 401 (names no user) or 403 (wrong user or password).
        """
        claim = _claim(headers, params)
        if claim is None:
            raise StoreError(Code.AUTHENTICATION_FAILED, "Authentication is required: send a user and a password.", 401)
        name, password = claim
        user = self._users.get(name, self._stranger)
        if not hmac.compare_digest(_digest(password), _digest(user.password)) or user is self._stranger:
            message = "Authentication failed: password is incorrect, or there is no user with such name."
            raise StoreError(Code.AUTHENTICATION_FAILED, message, 403)
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
        raise StoreError(Code.AUTHENTICATION_FAILED, "Authentication failed: the header cannot be read.", 403) from None
    return name, password
