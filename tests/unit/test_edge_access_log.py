"""The access log: the paths in its lines, the requests that get a line, and when lines are written."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from edge.logging import GROUP_S, LINES_PER_SECOND, SUMMARY_EVERY_S, AccessLog, masked_path
from edge.principal import Principal


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/acme/sessions",
        "/api/v1/acme/sessions/3f8a1c2e-7b4d-4e9f-8a6b-1c2d3e4f5a6b/hierarchy",
        "/api/v1/acme/sessions/analytics/cost-breakdown",
        "/api/v1/acme/ops/receipts/2:1841",
        "/schema/openapi.json",
        "/livez",
    ],
)
def test_known_path_segments_are_logged(path: str) -> None:
    """Route words, ids, positions and the caller's org are logged."""
    assert masked_path(path, "acme") == path


@pytest.mark.parametrize("part", ["AKIA" + "X7" * 8, "ghp_" + "a1" * 18, "bob@example.com", "Acme Corp", "x" * 40])
def test_unknown_path_segments_are_masked(part: str) -> None:
    """A secret that a client put into a URL by mistake does not reach the log."""
    assert masked_path(f"/api/v1/{part}/sessions/{part}", "acme") == "/api/v1/…/sessions/…"


class Lab:
    """An access log with a clock that the test advances, and the groups of lines that it wrote."""

    def __init__(self) -> None:
        self.now = 100.0
        self.waiting: list[tuple[float, Callable[[], None]]] = []
        self.groups: list[list[dict[str, Any]]] = []
        self.log = AccessLog(lambda: self.now, self._later, self._write)

    def _later(self, seconds: float, call: Callable[[], None]) -> None:
        self.waiting.append((self.now + seconds, call))

    def _write(self, lines: str) -> None:
        group = [json.loads(line) for line in lines.split("\n")]
        assert lines == "\n".join(map(json.dumps, group))  # as `structlog` writes its own
        self.groups.append(group)

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [line for group in self.groups for line in group]

    def request(self, status: int, times: int = 1, *, user: Principal | None = None) -> None:
        scope: Any = {"method": "GET", "path": "/api/v1/acme/sessions", "user": user}
        for _ in range(times):
            self.log.note(scope, status, 0.0, "id-1")

    def move(self, seconds: float) -> None:
        self.now += seconds
        due = [call for at, call in self.waiting if at <= self.now]
        self.waiting = [(at, call) for at, call in self.waiting if at > self.now]
        for call in due:
            call()


ALICE = Principal("alice", "acme", "member")


def test_a_flood_of_rejected_requests_has_ten_lines_a_second_and_a_count() -> None:
    """Ten seconds after the first omitted line, one line counts them by status."""
    lab = Lab()
    with capture_logs() as logs:
        lab.request(401, 1_000)
        lab.request(404, 500)
        lab.move(1)
        lab.request(413, 12)
        lab.move(SUMMARY_EVERY_S - 1)

    assert len(lab.lines) == 2 * LINES_PER_SECOND
    (summary,) = logs
    assert summary == {
        "event": "requests_rejected",
        "log_level": "warning",
        "lines_left_out": 1_492,
        "by_status": {"401": 990, "404": 500, "413": 2},
    }


def test_each_flood_has_its_own_count() -> None:
    """Each flood gets one line; without omitted lines there is none."""
    lab = Lab()
    with capture_logs() as logs:
        for _ in range(2):
            lab.request(401, LINES_PER_SECOND + 5)
            lab.move(SUMMARY_EVERY_S)
        lab.request(401, LINES_PER_SECOND)
        lab.move(60)

    assert [log["lines_left_out"] for log in logs] == [5, 5]
    assert lab.waiting == []


@pytest.mark.parametrize("status", [200, 202, 304, 500, 503])
def test_requests_that_are_not_rejected_always_have_a_line(status: int) -> None:
    """Successes and server errors are logged even during a flood."""
    lab = Lab()
    lab.request(401, 1_000)
    lab.request(status, 1_000)
    lab.move(GROUP_S)

    assert [line["status"] for line in lab.lines] == [401] * LINES_PER_SECOND + [status] * 1_000


def test_requests_without_a_credential_cannot_hide_those_with_one() -> None:
    """Requests with a credential have their own limit of lines."""
    lab = Lab()
    lab.request(401, 1_000)
    lab.request(403, LINES_PER_SECOND + 1, user=ALICE)
    lab.move(GROUP_S)

    lines = [(line["status"], line["user"]) for line in lab.lines]
    assert lines == [(401, None)] * LINES_PER_SECOND + [(403, "alice")] * LINES_PER_SECOND


def test_omitted_lines_are_counted_at_shutdown() -> None:
    """The count is logged once, at once."""
    lab = Lab()
    lab.request(401, LINES_PER_SECOND + 3)
    with capture_logs() as logs:
        lab.log.close()
        lab.move(60)

    assert [log["lines_left_out"] for log in logs] == [3]


def test_lines_are_written_in_groups() -> None:
    """A line is at most `GROUP_S` late; at the end all are written, and later ones at once."""
    lab = Lab()
    lab.request(200, 3)
    lab.move(GROUP_S / 2)
    lab.request(202, user=ALICE)
    assert lab.groups == []
    lab.move(GROUP_S / 2)
    assert [len(group) for group in lab.groups] == [4]
    lab.request(200)
    lab.log.close()
    lab.request(204)

    assert [[line["status"] for line in group] for group in lab.groups[1:]] == [[200], [204]]


def test_a_line_has_the_fields_of_other_log_lines() -> None:
    """They are those that the log's other lines have, and those of a request."""
    lab = Lab()
    lab.request(202, user=ALICE)
    lab.log.close()

    (line,) = lab.lines
    assert line.pop("ms") > 0
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "method": "GET",
        "path": "/api/v1/acme/sessions",
        "status": 202,
        "org": "acme",
        "user": "alice",
        "request_id": "id-1",
        "event": "request",
        "level": "info",
    }
