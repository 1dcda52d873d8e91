"""Classify errors of the ClickHouse client: a verdict from the table in `store.codes`, and what to change.

An error's code and text come from ClickHouse, its client library, or a proxy between the two.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from clickhouse_connect.driver.exceptions import (
    ClickHouseError,
    DataError,
    InternalError,
    NotSupportedError,
    ProgrammingError,
)

from store.broken import Broken
from store.codes import CODES, Verdict, verdict_of
from store.errors import StoreRefuses, StoreUnavailable
from store.tls_errors import tls_refusal

STORE_ERRORS = (ClickHouseError, OSError)  # what a client call may raise
_BY_CLIENT = (ProgrammingError, DataError, InternalError, NotSupportedError)  # raised by the library, not the store
_CODE = re.compile(r"Code: (\d+)\. DB::Exception")
_HTTP_STATUS = re.compile(r"HTTP status (\d{3})")
_PASSING_STATUS = frozenset({408, 429})
_CLIENT_SAYS_READONLY = re.compile(r"^Setting (\w+) is readonly")
_USER = re.compile(r"DB::Exception: (?:User )?[`']?([^\s:`']+)[`']?: (?:Authentication|Not enough|Cannot execute)")
_GRANT = re.compile(r"have the grant (.+?)(?:\.? \((?:ACCESS_DENIED|version|for url)|$)", re.DOTALL)
_SETTING = re.compile(r"[Ss]etting [`']?(\w+)[`']?|'(\w+)' setting")
_TEXT_MAX = 300
_COLUMNS = re.compile(r"\([^)]{60,}\)")
_LOGIN = frozenset({180, 192, 193, 194, 195, 511, 512, 516, 720, 767})


def verdict_of_error(error: Exception) -> Verdict:
    """Return what to do about an error that a client raised."""
    if tls_refusal(error, "the store", "STORE"):
        return Verdict.REFUSED
    return judge(getattr(error, "code", None), str(error), by_client=isinstance(error, _BY_CLIENT))


def sentence_of_refusal(error: Exception) -> str:
    """Return what to change, for an error whose verdict is REFUSED."""
    return tls_refusal(error, "the store", "STORE") or refusal(getattr(error, "code", None), str(error))


def classify(error: Exception) -> Exception:
    """Return the error for a writer: `StoreUnavailable` (send again), or `StoreRefuses` or `Broken` (stop)."""
    verdict, text = verdict_of_error(error), str(error)
    if verdict is Verdict.PASSES:
        return StoreUnavailable(text)
    if verdict is Verdict.REFUSED:
        return StoreRefuses(sentence_of_refusal(error))
    if verdict is Verdict.TOO_LARGE:
        return StoreRefuses(f"a limit of the store's user is too low for a projector, raise it in the profile: {text}")
    if verdict is Verdict.NOT_PROVISIONED:
        return Broken(f"the store has no such table or database, run `crewkit-sessions provision` first: {text}")
    return Broken(f"the store rejects what the projector sends, so the code and the tables do not match: {text}")


@contextmanager
def classified() -> Iterator[None]:
    """Translate client errors raised inside the block with `classify`."""
    try:
        yield
    except STORE_ERRORS as error:
        raise classify(error) from error


def judge(code: int | None, text: str, *, by_client: bool = False) -> Verdict:
    """Return what to do about an error.

    ``code`` is ClickHouse's, if there is one. ``by_client``: the client library refused, before anything was sent.
    """
    if known := _code_of(code, text):
        return verdict_of(known)
    if by_client:
        return Verdict.REFUSED if _CLIENT_SAYS_READONLY.search(text) else Verdict.BROKEN
    status = _HTTP_STATUS.search(text)  # from a proxy: ClickHouse would add its error code
    if status and status[1].startswith("4") and int(status[1]) not in _PASSING_STATUS:
        return Verdict.REFUSED
    return Verdict.PASSES


def refusal(code: int | None, text: str, user: str = "") -> str:
    """Return one sentence about an error that is REFUSED: which user, right or setting, and what to do.

    ``user`` is used if the text does not name one.
    """
    known = _code_of(code, text)
    named = _USER.search(text)
    who = f"user {named[1] if named else user}" if named or user else "the user of STORE_URL"
    if known in _LOGIN:
        return f"the store rejects the login of {who} ({CODES[known].name}): check the user and password in STORE_URL"
    if known in (291, 497):
        return f"the store says that {who} lacks {_right(text)}: grant it, see deploy/clickhouse/users.sql"
    if known == 115:
        return (
            f"the store does not know the setting {_setting(text)}: use a newer ClickHouse, without a proxy in between"
        )
    if setting := _fixed_setting(known, text):
        return f"the profile of {who} does not allow changing {setting}{_bound(setting, text)}: relax the profile"
    if known == 164:
        return (
            f"the store gives {who} read-only access: put the user for this process in STORE_URL, or remove "
            "`readonly` from its profile and grant it the rights in deploy/clickhouse/users.sql"
        )
    if known is None:
        return f"the server at STORE_URL is not ClickHouse, or is a proxy that refuses: {_cut(text)}"
    return f"the store refuses this ({CODES[known].name}: {CODES[known].why}): {_cut(text)}"


def _code_of(code: int | None, text: str) -> int | None:
    found = _CODE.search(text) if code is None else None
    return int(found[1]) if found else code


def _right(text: str) -> str:
    found = _GRANT.search(text)
    return f"the right {_cut(_COLUMNS.sub('', found[1]))}" if found else f"a right ({_cut(text)})"


def _fixed_setting(code: int | None, text: str) -> str:
    """Return the setting that the user's profile fixes, or an empty text."""
    is_setting = code in (452, 472) or _CLIENT_SAYS_READONLY.search(text) or (code == 164 and "setting" in text)
    return _setting(text) if is_setting else ""


def _setting(text: str) -> str:
    found = _SETTING.search(text)
    return (found[1] or found[2]) if found else ""


def _bound(setting: str, text: str) -> str:
    found = re.search(rf"{setting} (should(?:n't| not) [^.(]+)", text)
    return f" (it {found[1].strip()})" if found else ""


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _TEXT_MAX else f"{line[:_TEXT_MAX]} …"
