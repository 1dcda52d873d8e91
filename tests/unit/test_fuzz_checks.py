"""Each check of `make fuzz` can fail: it finds services that are wrong on purpose."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import msgspec
import pytest

from tests.fuzz.attack_setup import AttackSetup
from tests.fuzz.attackers import Attackers, Long, Plan, Promised, Report, Seen, Tally
from tests.fuzz.case import Case, request
from tests.fuzz.exchange import send
from tests.fuzz.findings import Findings
from tests.fuzz.log_watch import LogWatch
from tests.fuzz.memory import AtRest, too_much
from tests.fuzz.probe_client import Answer, ProbeClient
from tests.fuzz.promised_receipts import missing_promises
from tests.fuzz.response_checks import Fault, faults_of
from tests.fuzz.run import Limits, Run
from tests.fuzz.slow_responses import slow_ones
from tests.support.clients.journal import Journal
from tests.support.rigs.installation import Installation

MB = 1 << 20
READ = Case("read", request("GET", "/api/v1/mallory/sessions", {}))
FORGED = READ._replace(may_open=False)
REFUSED = {"error": "No.", "code": "no", "details": {}, "request_id": "r-1"}
JSON = {"Content-Type": "application/json"}


class Said:
    """A wrong response, sent after ``after_s``; status 0 means never."""

    def __init__(self, status: int, body: object = REFUSED, after_s: float = 0.0, **headers: str) -> None:
        self.status, self.after_s, self.headers = status, after_s, {**JSON, **headers}
        self.body = body if isinstance(body, bytes) else msgspec.json.encode(body)


Answers = Callable[[str, str, bytes], Said]  # by method, path and body


@contextmanager
def service(answers: Answers) -> Iterator[tuple[str, int]]:
    """Start a service that gives these responses; yield its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _answer(self) -> None:
            said = answers(self.command, self.path, self.rfile.read(int(self.headers.get("Content-Length", "0"))))
            time.sleep(said.after_s)
            if said.status == 0:
                self.close_connection = True
                return
            self.send_response(said.status)
            for name, value in {**said.headers, "Content-Length": str(len(said.body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(said.body)

        do_GET = do_POST = do_PATCH = _answer  # noqa: N815  # names of http.server

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield "127.0.0.1", server.server_port
    finally:
        server.shutdown()
        server.server_close()


def client_of(address: tuple[str, int]) -> httpx.Client:
    """Return an HTTP client of a service."""
    return httpx.Client(base_url=f"http://{address[0]}:{address[1]}", trust_env=False)


def faults(case: Case, said: Said, late_s: float = 5.0) -> list[str]:
    """Return the names of the checks that fail if a case gets this response."""
    with service(lambda *_: said) as address:
        answered = send(address, case, 10.0)
    return [fault.check for fault in faults_of(case, answered, late_s)]


@pytest.mark.parametrize("said", [Said(401), Said(503), Said(200, {"data": []}), Said(431, b""), Said(400, b"")])
def test_a_right_answer_is_no_finding(said: Said) -> None:
    """The error shape, a 503, a 2xx, and the responses of the HTTP server itself are valid."""
    assert faults(READ, said) == []


def test_a_500_is_found_even_in_the_right_shape() -> None:
    """503 is the only 5xx in the API."""
    assert faults(READ, Said(500)) == ["5xx"]
    assert faults(READ._replace(is_whole=False), Said(502)) == ["5xx"]


@pytest.mark.parametrize(
    "said",
    [
        Said(404, b""),
        Said(404, b"not found"),
        Said(404, {"detail": "Not found"}),
        Said(422, {**REFUSED, "details": "no"}),
        Said(422, {**REFUSED, "trace": []}),
        Said(413, REFUSED, **{"Content-Type": "text/plain"}),
    ],
)
def test_an_error_of_another_shape_is_found(said: Said) -> None:
    """All errors have one shape, in JSON."""
    assert faults(READ, said) == ["shape"]


def test_a_page_or_a_trace_is_found() -> None:
    """No error is an HTML page, and none quotes our code."""
    page = Said(404, b"<html>Not Found</html>", **{"Content-Type": "text/html"})
    trace = Said(422, {**REFUSED, "error": 'Traceback (most recent call last): File "/x.py"'})

    assert faults(READ, page) == ["trace", "shape"]
    assert faults(READ, trace) == ["trace"]


PROTOBUF = {"Content-Type": "application/x-protobuf"}
EXPORT = Case("export", request("POST", "/api/v1/mallory/otlp/v1/logs", JSON, b"{}"), items=3, refused=2)
IN_PROTOBUF = EXPORT._replace(raw=request("POST", "/api/v1/mallory/otlp/v1/logs", PROTOBUF, b""))
BATCH = Case("batch", request("POST", "/api/v1/mallory/hooks/codex", JSON, b"{}"), items=3, refused=1)
HOOK = {"index": 0, "code": "invalid_hook", "error": "x"}
REPORT = {**HOOK, "code": "invalid_report"}
STATUS = {"code": 3, "message": "x"}


def partial(count: str, message: str = "x") -> Said:
    return Said(200, {"partialSuccess": {"rejectedLogRecords": count, "errorMessage": message}})


def batch(accepted: int, *rejected: object) -> Said:
    return Said(202, {"data": {"accepted": accepted, "rejected": rejected}, "meta": {"position": "0:1"}})


@pytest.mark.parametrize(
    ("case", "said", "found"),
    [
        (EXPORT, partial("2"), []),
        (EXPORT, partial("1"), ["sums"]),
        (EXPORT, Said(200, {}), ["sums"]),
        (EXPORT, partial("2", ""), ["shape"]),
        (EXPORT, Said(200, b"", **PROTOBUF), ["shape"]),
        (EXPORT, Said(200, b"{"), ["shape"]),
        (EXPORT, Said(400, STATUS), []),
        (EXPORT, Said(400), ["shape"]),
        (EXPORT, Said(400, {**STATUS, "code": 0}), ["shape"]),
        (EXPORT, Said(422), []),
        (EXPORT, Said(422, STATUS), ["shape"]),
        (IN_PROTOBUF, Said(200, b"\x0a\x05\x08\x02\x12\x01x", **PROTOBUF), []),
        (IN_PROTOBUF, Said(200, b"\x0a\x05\x08\x03\x12\x01x", **PROTOBUF), ["sums"]),
        (IN_PROTOBUF, Said(200, b"\x0a", **PROTOBUF), ["shape"]),
        (IN_PROTOBUF, Said(400, STATUS), ["shape"]),
        (BATCH, batch(2, HOOK, REPORT), []),
        (BATCH, batch(3, HOOK), ["sums"]),
        (BATCH, batch(2), ["sums"]),
        (BATCH, batch(3), ["sums"]),
        (BATCH, Said(202, {"data": {}}), ["shape"]),
        (BATCH, Said(204, b"{}"), ["shape"]),
        (BATCH, Said(422), []),
        (BATCH._replace(items=-1, refused=-1), batch(3, HOOK), []),
    ],
)
def test_a_wrong_reply_to_an_agent_is_found(case: Case, said: Said, found: list[str]) -> None:
    """Hooks and exports have their own forms of reply, which count accepted and refused items."""
    assert faults(case, said) == found


def test_a_door_that_opens_is_found() -> None:
    """A forged token, or an address of another org, gets no 2xx."""
    assert faults(FORGED, Said(200, {"data": []})) == ["opened"]
    assert faults(FORGED, Said(404)) == []


def test_no_answer_and_a_late_one_are_found() -> None:
    """A whole request must get a response in time."""
    assert faults(READ, Said(0)) == ["no answer"]
    assert faults(READ, Said(200, {}, after_s=0.3), late_s=0.2) == ["late"]
    assert faults(READ._replace(late_s=9.0), Said(200, {}, after_s=0.3), late_s=0.2) == []


def test_what_attackers_find_is_counted_and_says_which_case_it_was() -> None:
    """A finding has family, number and response; positions promised by a 2xx are noted, even for malformed requests."""
    reports: list[Report] = []
    said, position = Said(500, REFUSED), {"X-Log-Position": "0:7"}
    with service(lambda _method, path, _body: said if "otlp" in path else Said(202, {}, **position)) as address:
        attackers = Attackers(Plan(address, 7, ("otlp", "dense"), AttackSetup(), 5.0), reports.append)
        attackers.try_one("otlp", 3)
        attackers.try_one("dense", 4)
        attackers.finish()

    assert [(report.family, report.number, report.fault.check) for report in reports if isinstance(report, Seen)] == [
        ("otlp", 3, "5xx")
    ]
    assert {report.family: dict(report.responses) for report in reports if isinstance(report, Tally)} == {
        "otlp": {"5xx": 1},
        "dense": {"2xx": 1},
    }
    assert [report.offsets for report in reports if isinstance(report, Promised)] == [(7).to_bytes(8, "little")]


def run_probe(address: tuple[str, int], answers: list[Answer], batches: int = 3) -> Journal:
    """Run the probe client without attackers: one session with a few batches."""
    journal, over = Journal(), threading.Event()
    client = ProbeClient(lambda _org: client_of(address), journal, "acme", 7, answers.append)
    client._one_session(over, batches)
    return journal


def good(method: str, path: str, body: bytes) -> Said:
    """Return the responses of a correct service."""
    accepted = len(msgspec.json.decode(body).get("events", [])) if body else 0
    data = {"id": "9b2f0000-0000-4000-8000-000000000000", "accepted": accepted}
    return Said(200, {"data": data}, **({"X-Log-Position": "0:5"} if method != "GET" else {}))


def test_a_client_that_waits_is_found_with_what_was_under_way() -> None:
    """Each response is measured; one beyond the limit is a finding with its duration."""
    answers: list[Answer] = []
    with service(lambda *asked: _later(good(*asked), 0.3 if "summary" in asked[1] else 0.0)) as address:
        run_probe(address, answers)

    slow = [found.fault for found in slow_ones(answers, 0.2, [])]
    assert [fault.check for fault in slow] == ["slow"]
    assert slow[0].what.startswith("GET summary took 0.3")
    assert list(slow_ones(answers, 5.0, [])) == []


def test_the_case_that_costs_most_is_named_first() -> None:
    """Other cases that ran at the time waited like the client."""
    victim, culprit = Long("hooks", 1, "read", 0.0, 9.0), Long("dense-at-once", 2, "12 at once", 0.5, 5.0)
    cases = [victim, culprit, Long("otlp", 3, "later", 8.0, 9.0)]

    slow = list(slow_ones([Answer("GET session", 200, 1.0, 4.0)], 1.0, cases))

    assert [(found.family, found.number) for found in slow] == [("dense-at-once", 2)]
    assert "hooks/1" in slow[0].fault.what
    assert "otlp/3" not in slow[0].fault.what


def _later(said: Said, after_s: float) -> Said:
    said.after_s = after_s
    return said


def test_a_503_is_no_answer_but_is_tried_again() -> None:
    """As the API says, the client retries; in the end its events are stored, and each response was measured."""
    answers: list[Answer] = []
    refuse_once = iter([Said(503, REFUSED, **{"Retry-After": "0"})])
    with service(lambda *asked: next(refuse_once, good(*asked)) if "events" in asked[1] else good(*asked)) as address:
        journal = run_probe(address, answers)

    assert sorted({answer.status for answer in answers}) == [200, 503]
    assert journal.events > 0
    assert journal.odd_replies == []


def operations(receipt: Said) -> Answers:
    """Return a service whose log has 10 records, and whose receipts are all the same."""
    coverage = Said(200, {"data": {"partitions": [{"end": 10, "gaps": []}]}})
    return lambda _method, path, _body: receipt if "receipts" in path else coverage


WAITING = Said(200, {"data": {"outcome": "waiting"}})
PROJECTED = Said(200, {"data": {"outcome": "projected"}})


@pytest.mark.parametrize(
    ("receipt", "offsets", "lost"),
    [
        (PROJECTED, [1, 2, 9], []),
        (Said(200, {"data": {"outcome": "dead"}}), [1, 2, 9], []),
        (Said(404), [1], ["0:1 was promised by a 2xx, and its receipt says 404"]),
        (WAITING, [1], ["0:1 was promised by a 2xx, and its receipt says waiting"]),
        (PROJECTED, [10], ["0:10 was promised, and the log ends at 0:10"]),
        (PROJECTED, [4, 4], ["1 positions were promised to two requests each"]),
    ],
)
def test_a_lost_2xx_is_found(receipt: Said, offsets: list[int], lost: list[str]) -> None:
    """Every promised position must be below the log's end, promised once, and projected or a dead letter."""
    with service(operations(receipt)) as address:
        found = list(missing_promises(lambda *_: client_of(address), offsets, 7))

    assert [fault.what for fault in found] == lost
    assert {fault.check for fault in found} <= {"lost"}


def test_memory_that_stays_is_found_but_not_what_the_cache_explains() -> None:
    """Growth is compared with the limit plus the facts that the projector may have cached."""
    before = AtRest(500 * MB, 1_000)

    assert too_much(before, AtRest(650 * MB, 1_000), 200 * MB) is None
    assert "250 MB came to stay" in str(too_much(before, AtRest(750 * MB, 1_000), 200 * MB))
    assert too_much(before, AtRest(750 * MB, 301_000), 200 * MB) is None
    assert too_much(before, AtRest(900 * MB, 90_000_000), 100 * MB) is not None


def test_an_error_in_the_log_is_found_once_also_after_a_rotation(tmp_path: Path) -> None:
    """Only complete lines are read, from the current file or from a rotated one."""
    (tmp_path / "log").mkdir()
    log, watch = tmp_path / "log" / "up.log", LogWatch(tmp_path)
    log.write_text('{"event": "request"}\n{"event": "unexpected_err')
    assert list(watch.alarms()) == []

    with log.open("a") as out:
        out.write('or"}\n')
    assert len(list(watch.alarms())) == 1

    log.rename(tmp_path / "log" / "up.log.1")
    log.write_text("Traceback (most recent call last):\n")
    assert list(watch.alarms()) == ["up.log: Traceback (most recent call last):"]


def test_a_process_that_died_is_found(tmp_path: Path) -> None:
    """The process existed before and does not now, for any cause."""
    up = Installation("up", tmp_path)
    up.process = subprocess.Popen([sys.executable, "-c", "import sys; sys.exit(70)"])
    (tmp_path / "up.out").write_text("stuck\n")
    up.process.wait()

    run = Run(up, Plan(("127.0.0.1", up.port), 7, (), AttackSetup(), 1.0), Findings(7), Limits(), print)
    run.check()

    assert [(found.check, "exit code 70" in found.what) for found in run.findings.all] == [("died", True)]


def test_findings_of_a_kind_are_counted_and_the_first_are_shown() -> None:
    """A finding that occurs a thousand times is shown three times, with its count and how to send it again."""
    findings = Findings(7)
    for number in range(10):
        findings.add(Fault("5xx", "500"), "hooks", number)

    assert len(findings.all) == 3
    assert findings.counts["5xx", "hooks"] == 10
    assert "(10 of it)\n    make fuzz SEED=7 ARGS='--replay hooks/0'" in findings.described()
