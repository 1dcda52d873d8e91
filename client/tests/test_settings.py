"""The hook client's own files: settings, the token, and what it reads about a repository."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from crewkit_hook.repository import described
from crewkit_hook.settings import TOKEN, NotConnected, Settings, load, org_of, save
from tests.support.processor_time import in_counts

CHOSEN = Settings("https://sessions.example.com", "acme", "a.b.c", sensitive_folders=("~/clients/*",), spool_mb=9)


def token(claims: Any) -> str:
    middle = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"head.{middle}.signature"


def test_settings_come_back_and_the_token_is_apart(tmp_path: Path) -> None:
    """Only their user can read them, and values that a user added to the file stay."""
    home = str(tmp_path)
    (tmp_path / "settings.json").write_text('{"note": "of mine"}')

    save(home, CHOSEN)

    assert load(home) == CHOSEN
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("settings.json", TOKEN)] == [0o600, 0o600]
    text = (tmp_path / "settings.json").read_text()
    assert "a.b.c" not in text
    assert json.loads(text)["note"] == "of mine"


@pytest.mark.parametrize(
    "wrong",
    [
        "{",
        "[]",
        "{}",
        '{"url": "ftp://x", "org": "a"}',
        '{"url": 7, "org": "a"}',
        '{"url": "http://x", "org": "a", "sensitive_folders": "/clients"}',
        '{"url": "http://x", "org": "a", "spool_mb": "many"}',
        '{"url": "http://x", "org": "a", "spool_mb": 0}',
        '{"url": "http://x", "org": "a", "sensitive_folders": ["clients/acme"]}',
        '{"url": "http://x", "org": "a", "sensitive_folders": ["~no-such-user/x"]}',
    ],
)
def test_settings_that_are_wrong_are_named(tmp_path: Path, wrong: str) -> None:
    """The message names the file, and says what to do."""
    save(str(tmp_path), CHOSEN)
    (tmp_path / "settings.json").write_text(wrong)

    with pytest.raises(NotConnected, match=r"settings\.json can't be read .* fix it, or run `crewkit-hook connect`"):
        load(str(tmp_path))

    save(str(tmp_path), CHOSEN)
    assert load(str(tmp_path)) == CHOSEN


def test_without_settings_it_is_not_connected(tmp_path: Path) -> None:
    """The message says how to connect."""
    with pytest.raises(NotConnected, match="run `crewkit-hook connect`"):
        load(str(tmp_path))


@pytest.mark.parametrize(
    "wrong",
    [
        "",
        "x.y",
        "a.b.c",
        token({"org_id": "acme"})[:30] + "\n" + token({"org_id": "acme"})[30:],
        token({}),
        token([]),
        token({"org_id": 7}),
        token({"org_id": ""}),
    ],
)
def test_a_token_names_its_org(wrong: str) -> None:
    """Otherwise it is not a token."""
    assert org_of(token({"org_id": "acme"})) == "acme"
    with pytest.raises(ValueError, match="token") as raised:
        org_of(wrong)
    assert not wrong or wrong not in str(raised.value)


CONFIGS = {
    "[core]\n": None,
    '[remote "origin"]\n\turl = git@github.com:acme/shop.git\n': "git@github.com:acme/shop.git",
    '[remote "fork"]\n\turl = https://x/fork.git\n': "https://x/fork.git",
    '[remote "fork"]\n\turl = https://x/fork.git\n[remote "origin"]\n\turl = https://x/shop.git\n': "https://x/shop.git",
    '[remote "a"]\n\turl = https://x/a.git\n[remote "b"]\n\turl = https://x/b.git\n': None,
    '[remote "origin"]\n\turl = https://x/50%25.git\n\tfetch = +refs/heads/*\n\tfetch = +x\n': "https://x/50%25.git",
    "no settings of git": None,
    '[alias]\n\tl = log \\\n  --oneline\n[remote "origin"]\n\turl = https://x/shop.git\n': "https://x/shop.git",
}


@pytest.mark.parametrize("config", CONFIGS, ids=range(len(CONFIGS)))
def test_the_remote_is_origin_or_the_only_one(tmp_path: Path, config: str) -> None:
    """As in git's own file, also for a worktree, which shares it."""
    worktree = tmp_path / "worktrees" / "w"
    worktree.mkdir(parents=True)
    (worktree / "commondir").write_text("../..\n")
    (tmp_path / "config").write_text(config)

    for git in (tmp_path, worktree):
        assert described({"git": str(git), "head": "0123abcd"}).get("remote_url") == CONFIGS[config]


@pytest.mark.parametrize(("head", "branch"), [("ref: refs/heads/feat/x", "feat/x"), ("0123abcd", None), ("", None)])
def test_the_branch_is_that_of_head(head: str, branch: str | None) -> None:
    """A detached commit has no branch."""
    assert described({"git": "/nowhere", "head": head}).get("branch") == branch


def test_the_settings_of_another_repository_are_not_read(tmp_path: Path) -> None:
    """A folder may claim to share any other repository's settings; only a real worktree does."""
    other, own = tmp_path / "other", tmp_path / "own"
    for git in (other, own):
        git.mkdir()
    (other / "config").write_text('[remote "origin"]\n\turl = https://x/other.git\n')
    (own / "commondir").write_text("../other\n")
    assert described({"git": str(own)}) == {}

    (own / "config").write_text('[remote "origin"]\n\turl = https://x/own.git\n')
    assert described({"git": str(own)}) == {"remote_url": "https://x/own.git"}


def test_no_settings_of_a_repository_take_long(tmp_path: Path) -> None:
    """A folder could keep the sender busy with each event, so time must be linear in the size."""
    for text in ("[a]\nx" + " " * 60_000 + "x\n", "[" * 60_000, "[a]\n" * 15_000, "=" * 60_000):
        (tmp_path / "config").write_text(text)

        assert in_counts(lambda: described({"git": str(tmp_path)}), 20) < 20


def test_a_repository_of_many_branches_has_its_remote(tmp_path: Path) -> None:
    """Only the first 64 KB of its settings are read, in complete lines; `git clone` puts the remote first."""
    branches = "".join(f'[branch "topic-{number}"]\n\tremote = origin\n' for number in range(3_000))
    (tmp_path / "config").write_text(f'[remote "origin"]\n\turl = https://x/own.git\n{branches}')
    assert described({"git": str(tmp_path)}) == {"remote_url": "https://x/own.git"}

    (tmp_path / "config").write_text(f'{branches[:65_500]}\n[remote "origin"]\n\turl = https://x/{"own" * 99}.git\n')
    assert described({"git": str(tmp_path)}) == {}


@pytest.mark.parametrize("text", [b"\xff\xfe", b"a\0b", b"\n", b"x/" * 3_000])
def test_no_text_in_a_folder_of_git_costs_the_event(tmp_path: Path, text: bytes) -> None:
    """Unreadable text counts as missing."""
    (tmp_path / "commondir").write_bytes(text)
    (tmp_path / "config").write_bytes(text)

    assert described({"git": str(tmp_path), "head": "0123abcd"}) == {}
