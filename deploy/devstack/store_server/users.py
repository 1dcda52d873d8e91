"""The users of the store, and the authentication of requests."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec

from deploy.devstack.store_server.errors import Code, StoreError

_READS, _READS_AS_IT_IS = 2, 1  # the engine's `readonly` that lets settings be changed, and that which does not


class Bound(msgspec.Struct, frozen=True):
    """A setting as a profile of ClickHouse has it: its value, and what a request may make of it; empty is none."""

    name: str
    value: str = ""
    min: str = ""
    max: str = ""
    const: bool = False


class StoreUser(msgspec.Struct, frozen=True):
    """One who may use the store.

    A `readonly` user may change settings and nothing else (ClickHouse's readonly=2); without `may_set` no settings
    either (readonly=1). `bounds` are the profile.
    """

    name: str
    password: str
    readonly: bool
    may_set: bool = True
    bounds: tuple[Bound, ...] = ()

    def __repr__(self) -> str:
        """Without the password, which must not reach a log."""
        return f"StoreUser(name={self.name!r}, readonly={self.readonly})"


class Rights(NamedTuple):
    """What a connection of a user is set up with: the engine's `readonly`, the name of its profile and its values."""

    readonly: int = 0
    profile: str = ""
    values: tuple[tuple[str, str], ...] = ()

    @property
    def may_set(self) -> bool:
        """Whether a request may change settings."""
        return self.readonly != _READS_AS_IT_IS


class Users:
    """The known users, and the check of a name and a password that takes as long for a wrong one as for a right one."""

    def __init__(self, users: Sequence[StoreUser]) -> None:
        self._users = {user.name: user for user in users}
        self._nobody = StoreUser("", "", readonly=True)
        self._profiles = {user.name: f"user_{number}" for number, user in enumerate(users) if user.bounds}

    @property
    def profiles(self) -> dict[str, tuple[Bound, ...]]:
        """The profiles that the engine must know, by name."""
        return {profile: self._users[name].bounds for name, profile in self._profiles.items()}

    def rights(self, user: StoreUser, get: bool) -> Rights:
        """What the user may do; by GET nothing that writes, as on a real server."""
        readonly = (_READS if user.may_set else _READS_AS_IT_IS) if user.readonly else _READS if get else 0
        values = tuple((bound.name, bound.value) for bound in user.bounds if bound.value)
        return Rights(readonly, self._profiles.get(user.name, ""), values)

    def authenticate(self, headers: Mapping[str, str], params: Mapping[str, str], certified: str = "") -> StoreUser:
        """The user a request speaks for: by a password, or as the name ``certified`` by the client's certificate.

        Raises StoreError with status 401 (names no user) or 403 (wrong user or password).
        """
        if headers.get("X-ClickHouse-SSL-Certificate-Auth") == "on":
            return self._certified(headers.get("X-ClickHouse-User", ""), certified)
        claim = _claim(headers, params)
        if claim is None:
            raise StoreError(Code.AUTHENTICATION_FAILED, "Authentication is required: send a user and a password.", 401)
        name, password = claim
        user = self._users.get(name, self._nobody)
        if not hmac.compare_digest(_digest(password), _digest(user.password)) or user is self._nobody:
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
