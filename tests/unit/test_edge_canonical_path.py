"""Each path has one accepted spelling; the other spellings that the router would accept are 404."""

import re
from collections.abc import AsyncIterator
from functools import partial
from urllib.parse import quote, unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.outermost import PATH_BYTES_MAX, is_canonical
from tests.support.processor_time import in_counts
from tests.support.rigs.write_api import WriteApi, token, write_api

WORDS = re.compile(rb"/[a-z0-9./_~-]*")


@pytest.fixture
async def api() -> AsyncIterator[WriteApi]:
    async with write_api() as made:
        yield made


@pytest.mark.parametrize(
    "org", ["acme", "café", "a b", "a:b", "a@b+c", "100%", "日本", "%41", "it's", "a\\b", "...", "~x"]
)
async def test_any_org_name_can_be_in_a_path(api: WriteApi, org: str) -> None:
    """Clients may escape every character or only the necessary ones, in upper or lower case."""
    for safe in ("", ":@+!$&'()*,;=", "'()*!"):
        for name in (quote(org, safe=safe), re.sub("%..", lambda found: found[0].lower(), quote(org, safe=safe))):
            headers = {"authorization": f"Bearer {token(org=org)}", "content-type": "application/json"}
            reply = await api.client.post(f"http://test/api/v1/{name}/sessions", headers=headers, content=b"{}")
            assert reply.status_code == 201, name


@given(st.from_regex(r"(/(\.{0,3}|[a-c%2ef/]{0,5}|%[0-9a-f]{2}){0,3}){1,4}", fullmatch=True))
def test_no_two_canonical_paths_spell_the_same_words(path: str) -> None:
    """A canonical path that decodes to route words is unescaped, and has no empty, "." or ".." segments."""
    raw = path.encode()
    decoded = unquote_to_bytes(raw)
    if is_canonical(raw) and WORDS.fullmatch(decoded):
        assert decoded == raw
        assert not {b"", b".", b".."} & set(raw.split(b"/")[1:]) or raw == b"/"


@pytest.mark.slow
def test_checking_a_path_takes_bounded_time() -> None:
    """The longest accepted path takes less than a count in its worst form; only time would show backtracking."""
    for part in (b"%C3%A9", b"a%20", b"a/", b"..a/", b"abc", b"%41"):
        path = (b"/" + part * PATH_BYTES_MAX)[: PATH_BYTES_MAX - 1] + b"%"
        assert in_counts(partial(is_canonical, path), limit=1) < 1, part


def test_paths_have_a_maximum_length() -> None:
    """One byte more is refused."""
    assert is_canonical(b"/" + b"x" * (PATH_BYTES_MAX - 1))
    assert not is_canonical(b"/" + b"x" * PATH_BYTES_MAX)
