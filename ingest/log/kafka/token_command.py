"""Tokens for OAUTHBEARER, printed by a command: ``TOKEN``, or ``TOKEN SECONDS`` with its remaining lifetime.

Without seconds, the ``exp`` of a JWT counts; a token of unknown lifetime is used for one connection. The command runs
without a shell and without standard input. Its output is the token, so no error and no log shows it.
"""

import asyncio
import base64
import contextlib
import os
import shlex
import signal
import subprocess
import threading
import time
from collections.abc import Callable

import msgspec
from aiokafka.abc import AbstractTokenProvider
from aiokafka.errors import KafkaError
from msgspec import Struct

ENDS_WITHIN_S = 10.0
_USED_SHARE = 0.8  # of its lifetime; then the command runs again
_ERROR_CHARS = 200


class TokenFailed(KafkaError):  # type: ignore[misc]  # aiokafka has no types
    """The command printed no token; the message says why. A retry may help."""

    def __str__(self) -> str:
        """Return only the message; aiokafka would put the class name in front."""
        return str(self.args[0])


class _Token(Struct, frozen=True):
    text: str
    until: float  # when to run the command again


class _Claims(Struct):
    exp: float | None = None


class TokenCommand(AbstractTokenProvider):  # type: ignore[misc]  # as above
    """Shared by all clients of a process, which run on several event loops. One command runs at a time."""

    def __init__(self, command: str, *, clock: Callable[[], float] = time.time) -> None:
        """``command`` is split as in a shell. Raises `ValueError` if a quote is open, or there is no word."""
        self._words = shlex.split(command)
        if not self._words:
            raise ValueError("it has no word")
        self._clock = clock
        self._turn = threading.Lock()
        self._token: _Token | None = None

    async def token(self) -> str:
        """Return a token that is valid for some time. Raises `TokenFailed`."""
        return await asyncio.to_thread(self._valid)

    def _valid(self) -> str:
        with self._turn:
            if self._token is None or self._token.until <= self._clock():
                self._token = self._ask()
            return self._token.text

    def _ask(self) -> _Token:
        now = self._clock()
        words = self._run().split()
        if len(words) not in (1, 2):
            raise TokenFailed(f"{self._name} printed {len(words)} words: check that it prints TOKEN or TOKEN SECONDS")
        if words[1:] and not words[1].isdecimal():
            raise TokenFailed(f"{self._name} printed a second word that is not a number of seconds")
        life = float(words[1]) if words[1:] else _life(words[0], now)
        return _Token(words[0], now + _USED_SHARE * life)

    def _run(self) -> str:
        """Return what the command prints; kill it and its children if it takes too long."""
        try:
            process = subprocess.Popen(  # noqa: S603 (the operator's own command)
                self._words,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
                text=True,
            )
        except OSError as error:
            raise TokenFailed(f"{self._name} can't be run: {error.strerror}") from error
        with process:
            return self._finish(process)

    def _finish(self, process: "subprocess.Popen[str]") -> str:
        try:
            printed, said = process.communicate(timeout=ENDS_WITHIN_S)
        except subprocess.TimeoutExpired as error:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise TokenFailed(f"{self._name} did not end within {ENDS_WITHIN_S:.0f} s") from error
        except UnicodeDecodeError as error:
            raise TokenFailed(f"{self._name} printed something that is not text") from error
        if process.returncode != 0:
            last = said.strip().rpartition("\n")[2][:_ERROR_CHARS]
            raise TokenFailed(f"{self._name} ended with {process.returncode} ({last or 'no message'})")
        return printed

    @property
    def _name(self) -> str:
        """The program without its arguments, which may be secret."""
        return f"KAFKA_TOKEN_COMMAND ({self._words[0]})"


def _life(token: str, now: float) -> float:
    """Return the seconds until the ``exp`` of a JWT; 0 if there is none. The broker verifies the token."""
    try:
        part = token.split(".")[1]
        claims = msgspec.json.decode(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)), type=_Claims)
    except (IndexError, ValueError):  # of base64, of msgspec
        return 0.0
    return max(0.0, (claims.exp or now) - now)
