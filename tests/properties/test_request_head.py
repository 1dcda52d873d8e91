"""Values read from the head of a request: its headers, and the session in its path."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar.datastructures import Headers

from edge.errors import ApiError
from edge.headers import find_header
from edge.path_params import parse_id
from ingest.dependencies import remember_sessions
from schemas.ids import UnknownId, mint, new_thread, verify
from tests.support.rigs.write_api import SECRETS

NAMES = (b"content-type", b"content-encoding", b"idempotency-key", b"x-other")
headers = st.lists(st.tuples(st.sampled_from(NAMES), st.binary(max_size=4)), max_size=6)

ORGS = ("acme", "Acme", "other")
MINTED = [str(mint(SECRETS, "session", org, new_thread(None), False, None)) for org in ORGS[:2]]
A_RUN = str(mint(SECRETS, "run", "acme", 1, False, None))
TEXTS = [*MINTED, *(text.upper() for text in MINTED), A_RUN, MINTED[0][:-1] + "x", MINTED[0][:-1], ""]
CHANGED = [str(UUID(int=UUID(MINTED[0]).int ^ 1 << bit)) for bit in (0, 40, 62, 77, 127)]
questions = st.lists(st.tuples(st.sampled_from([*TEXTS, *CHANGED]), st.sampled_from(ORGS)), max_size=30)


@given(headers, st.sampled_from(NAMES), st.sampled_from([None, "", "identity"]))
def test_a_header_is_found_as_litestar_finds_it(
    sent: list[tuple[bytes, bytes]], name: bytes, default: str | None
) -> None:
    """If there are several, the first counts; an empty one is not missing; any byte is a character."""
    scope: Any = {"headers": sent}

    assert find_header(scope, name, default) == Headers(sent).get(name.decode(), default)


def verified(text: str, org_id: str) -> UUID:
    """Read and verify an id without the cache."""
    session_id = parse_id(text)
    try:
        verify(SECRETS, "session", org_id, session_id)
    except UnknownId as unknown:
        raise ApiError(404, "not_found", "") from unknown
    return session_id


def answer(ask: Callable[[str, str], UUID], text: str, org_id: str) -> UUID | int:
    """Return the id, or the status of the error."""
    try:
        return ask(text, org_id)
    except ApiError as error:
        return error.status


@given(questions)
def test_what_is_remembered_of_ids_changes_no_answer(asked: list[tuple[str, str]]) -> None:
    """Whatever was asked before, an id is known only in its org, in upper or lower case."""
    remembered = remember_sessions(SECRETS)

    assert [answer(remembered, *question) for question in asked] == [answer(verified, *question) for question in asked]


@pytest.mark.parametrize("org", ORGS)
def test_an_id_is_remembered_for_its_org_alone(org: str) -> None:
    """After one org has used it, it is still a 404 for another."""
    remembered = remember_sessions(SECRETS)
    own = [answer(remembered, MINTED[0], "acme") for _ in range(2)]

    assert own == [UUID(MINTED[0])] * 2
    assert (answer(remembered, MINTED[0], org) == 404) is (org != "acme")
