"""Authenticate the users of the store, and give each its rights."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from devstack.store_server.errors import Code, StoreError

_READS, _READS_AS_IT_IS = 2, 1  # values of the engine's `readonly`: settings may be changed, or not


class Bound(msgspec.Struct, frozen=True):
    """A setting in a profile of ClickHouse: its value, and the bounds of a request's value; empty is none."""

    name: str
    value: str = ""
    min: str = ""
    max: str = ""
    const: bool = False


class StoreUser(msgspec.Struct, frozen=True):
    """A user of the store.

    A `readonly` user may change settings and nothing else (ClickHouse's readonly=2), without `may_set` no settings
    either (readonly=1). It may still insert into the tables `inserts` (database and name), as a user with that grant
    and without `readonly` may on a real server. `bounds` are the profile.
    """

    name: str
    password: str
    readonly: bool
    may_set: bool = True
    bounds: tuple[Bound, ...] = ()
    inserts: tuple[tuple[str, str], ...] = ()

    def __repr__(self) -> str:
        """Leave out the password, which must not reach a log."""
        return f"StoreUser(name={self.name!r}, readonly={self.readonly})"


class Rights(NamedTuple):
    """The set-up of a user's connection: the engine's `readonly`, the profile's name and its values."""

    readonly: int = 0
    profile: str = ""
    values: tuple[tuple[str, str], ...] = ()

    @property
    def may_set(self) -> bool:
        """Whether a request may change settings."""
        return self.readonly != _READS_AS_IT_IS


class Users:
    """The known users. A check of a wrong password takes as long as that of a right one."""

    def __init__(self, users: Sequence[StoreUser]) -> None:
        self._users = {user.name: user for user in users}
        self._stranger = StoreUser("", "", readonly=True)
        self._profiles = {user.name: f"user_{number}" for number, user in enumerate(users) if user.bounds}

    @property
    def profiles(self) -> dict[str, tuple[Bound, ...]]:
        """The profiles that the engine must know, by name."""
        return {profile: self._users[name].bounds for name, profile in self._profiles.items()}

    def rights(self, user: StoreUser, get: bool, into: tuple[str, ...] = ()) -> Rights:
        """Return the rights of a user for a statement that inserts ``into`` a table (database and name).

        By GET there is no right to write, as on a real server.
        """
        only_reads = user.readonly and into not in user.inserts
        readonly = (_READS if user.may_set else _READS_AS_IT_IS) if only_reads else _READS if get else 0
        values = tuple((bound.name, bound.value) for bound in user.bounds if bound.value)
        return Rights(readonly, self._profiles.get(user.name, ""), values)

    def authenticate(self, headers: Mapping[str, str], params: Mapping[str, str], certified: str = "") -> StoreUser:
        """Return the user of a request, by a password or by the name ``certified`` in the client's certificate.

        Raises StoreError with status 401 (names no user) or 403 (wrong user or password).
        """
        if headers.get("X-ClickHouse-SSL-Certificate-Auth") == "on":
            return self._certified(headers.get("X-ClickHouse-User", ""), certified)
        claim = _claim(headers, params)
        if claim is None:
            raise StoreError(Code.AUTHENTICATION_FAILED, "Authentication is required: send a user and a password.", 401)
        name, password = claim
        user = self._users.get(name, self._stranger)
        if not hmac.compare_digest(_digest(password), _digest(user.password)) or user is self._stranger:
            message = "Authentication failed: password is incorrect, or there is no user with such name."
            raise StoreError(Code.AUTHENTICATION_FAILED, message, 403)
        return user

    def _certified(self, name: str, certified: str) -> StoreUser:
        user = self._users.get(name)
        if user is None or name != certified:
            message = "Authentication failed: the certificate is for another user, or there is no user with such name."
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
