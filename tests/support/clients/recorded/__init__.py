"""Payloads of coding agents, modelled on real clients: fields, order and ids are realistic, all texts are made up.

Each `Recording` is one run of an agent, or a few related runs. It can be sent as single payloads or as batches,
and states the expected counts of each session.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from tests.support.clients.recorded.claude_code import CLAUDE_CODE
from tests.support.clients.recorded.codex import CODEX
from tests.support.clients.recorded.gemini_cli import GEMINI_CLI
from tests.support.clients.recorded.recording import Recording, Sent, at_text

__all__ = ["RECORDINGS", "Recording", "Sent", "batches_of", "singles_of"]

RECORDINGS: Mapping[str, Recording] = {recording.name: recording for recording in (*CLAUDE_CODE, *CODEX, *GEMINI_CLI)}


def singles_of(recording: Recording) -> list[Mapping[str, Any]]:
    """Return the payloads in order, as the client's own hook sends each of them."""
    return [sent.payload for sent in recording.sent]


def batches_of(recording: Recording, begin_ms: int, size: int = 1_000) -> Iterator[Mapping[str, Any]]:
    """Yield the bodies in which a hook client would send the payloads; the run begins at ``begin_ms``."""
    for first in range(0, len(recording.sent), size):
        hooks = [_hook(recording, sent, begin_ms) for sent in recording.sent[first : first + size]]
        yield {"hooks": hooks}


def _hook(recording: Recording, sent: Sent, begin_ms: int) -> Mapping[str, Any]:
    at = at_text(begin_ms + sent.after_ms)
    return {"id": str(recording.id_of(sent)), "at": at, "payload": sent.payload, "context": sent.context}
