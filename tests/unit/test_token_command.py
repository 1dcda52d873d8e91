"""Tokens printed by a command: renewed in time, never shown, and a failure is a sentence."""

import asyncio
import base64
import json
import sys
from pathlib import Path

import pytest

from ingest.log.kafka import token_command
from ingest.log.kafka.token_command import TokenCommand, TokenFailed
from tests.support.waiting import eventually

NOW = 1_000_000.0


class Clock:
    """A clock that only the test moves."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


def counting(folder: Path, printed: str) -> str:
    """Return a command that prints this text, with {n} for the number of the run."""
    runs = folder / "runs"
    text = f"{printed!r}.replace('{{n}}', str(len(f.read())))"
    code = f"f = open({str(runs)!r}, 'a+'); f.write('x'); f.seek(0); print({text})"
    return f'{sys.executable} -c "{code}"'


def jwt(**claims: object) -> str:
    """Return a token in the form of a JWT."""
    return "e30." + base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=") + ".c2ln"


@pytest.mark.parametrize("life", ["token-{n} 100", "jwt"])
async def test_a_token_is_used_for_most_of_its_life(tmp_path: Path, life: str) -> None:
    """It is renewed before it expires; its lifetime comes from the command, or from the `exp` of a JWT."""
    clock = Clock()
    printed = jwt(exp=NOW + 100) if life == "jwt" else life
    source = TokenCommand(counting(tmp_path, printed), clock=clock)

    async def runs() -> int:
        await source.token()
        return len((tmp_path / "runs").read_text())

    assert [await runs(), await runs()] == [1, 1]
    clock.now += 79
    assert await runs() == 1
    clock.now += 2
    assert await runs() == 2


@pytest.mark.parametrize("printed", ["opaque-{n}", jwt(), jwt(exp="soon"), "a.b.c"])
async def test_a_token_of_unknown_life_is_asked_for_each_time(tmp_path: Path, printed: str) -> None:
    """It may have expired by the next connection."""
    source = TokenCommand(counting(tmp_path, printed))

    await source.token()
    await source.token()

    assert (tmp_path / "runs").read_text() == "xx"


async def test_words_are_split_and_nothing_is_expanded() -> None:
    """No shell is used: `$`, `;` and `*` are ordinary characters."""
    assert await TokenCommand("printf %s '$HOME;*'").token() == "$HOME;*"


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("false", r"\(false\) ended with 1 \(no message\)"),
        ("sh -c 'echo s3cret; echo first >&2; echo no network >&2; exit 3'", r"\(sh\) ended with 3 \(no network\)"),
        ("true", "printed 0 words"),
        ("echo s3cret 5 more", "printed 3 words"),
        ("echo s3cret soon", "not a number of seconds"),
        ("/nowhere/prog --s3cret", r"\(/nowhere/prog\) can't be run: No such file"),
        (r"printf '\377'", "not text"),
    ],
)
async def test_a_failed_command_is_reported_without_its_output(command: str, said: str) -> None:
    """Its output and its arguments may be tokens; the message has the last line of its standard error."""
    with pytest.raises(TokenFailed, match=said) as failed:
        await TokenCommand(command).token()

    assert "s3cret" not in str(failed.value)


async def test_a_command_that_does_not_end_is_killed_with_its_children(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No process remains, and the next try starts again."""
    monkeypatch.setattr(token_command, "ENDS_WITHIN_S", 0.5)
    pid = tmp_path / "pid"
    hanging = TokenCommand(f"sh -c 'sleep 600 & echo $! > {pid}; wait'")

    with pytest.raises(TokenFailed, match="did not end within"):
        await hanging.token()

    assert await asyncio.to_thread(eventually, lambda: _has_ended(pid.read_text().strip()))


def _has_ended(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True
