"""A fake of the server to which the hook client sends: it stores what it receives, and answers as a test says."""

import json
from typing import Any

import msgspec
from crewkit_hook.api import Answer, Unreachable
from crewkit_hook.settings import Settings

from schemas.http.responses import RejectedEvent

Json = dict[str, Any]


def rejection(index: int, code: str, error: str) -> Json:
    """Return the entry of a refused item, with the names that the server gives to its parts."""
    entry: Json = msgspec.to_builtins(RejectedEvent(index, code, error))
    return entry


class HookServer:
    """Accepts batches, or answers as a test says."""

    def __init__(self) -> None:
        self.got: list[tuple[str, Json]] = []
        self.status, self.away, self.poison = 202, False, ""
        self.body: Any = {"error": "no"}
        self.bytes_max = 1 << 30  # the limit of a proxy
        self.rejected: list[Json] = []
        self.erased: set[str] = set()  # ids of sessions

    def __call__(self, _: Settings) -> "HookServer":
        return self

    def send(self, client: str, body: bytes) -> Answer:
        if self.away:
            raise Unreachable("connection refused")
        if self.poison and self.poison.encode() in body:
            return Answer(422, {"error": "a value is wrong"}, "")
        if self.status != 202:
            return Answer(self.status, self.body, "")
        if len(body) > self.bytes_max:
            return Answer(413, None, "")
        got = json.loads(body)
        self.got.append((client, got))
        rejected = [*self.rejected, *self._of_erased(got)]
        accepted = len(got["hooks"]) + len(got.get("reports", [])) - len(rejected)
        return Answer(202, {"data": {"accepted": accepted, "rejected": rejected}}, "0:1" if accepted > 0 else "")

    def _of_erased(self, got: Json) -> list[Json]:
        """Return the entry of each item of an erased session."""
        hooks = [hook["payload"]["session_id"] for hook in got["hooks"]]
        reports = [report["session_id"] for report in got.get("reports", [])]
        return [
            rejection(index, code, "its session was erased")
            for code, sessions in (("erased", hooks), ("erased_report", reports))
            for index, session in enumerate(sessions)
            if session in self.erased
        ]

    @property
    def hooks(self) -> list[Json]:
        """All hooks that have arrived."""
        return [hook for _, body in self.got for hook in body["hooks"]]

    @property
    def numbers(self) -> list[int]:
        return [hook["payload"]["n"] for hook in self.hooks]

    @property
    def reports(self) -> list[Json]:
        return [report for _, body in self.got for report in body["reports"]]
