"""The operator of an installation, who requests jobs over HTTP and follows them across restarts."""

import time
from typing import Any

import httpx

from schemas.permissions import OPERATOR_ORG
from tests.support.rigs.installation import ORG, Installation, eventually_ok

JOBS = "/api/v1/operator/jobs"
GENERATIONS = "/api/v1/operator/generations"
POLL_S = 1.0  # each look at a job asks the store about every generation, which costs as much as the job itself
Found = dict[str, Any]


class Operator:
    """Requests jobs from one installation."""

    def __init__(self, installation: Installation) -> None:
        self._http = installation.client("operator", OPERATOR_ORG, user="olga", timeout=30)

    def request(self, kind: str, generation: str | None = None, **options: Any) -> Found:
        """Request a job, again while a service is down; return the job, even if its first reply was lost."""
        body = {"kind": kind, "generation": generation, **options}
        deadline = time.monotonic() + 60
        while True:
            try:
                reply = self._http.post(JOBS, json=body)
            except httpx.HTTPError:
                reply = httpx.Response(503)
            if reply.status_code == httpx.codes.ACCEPTED:
                found: Found = reply.json()["data"]
                return found
            if reply.status_code == httpx.codes.UNPROCESSABLE_ENTITY:
                return self._same(kind, generation, reply)
            assert reply.status_code == httpx.codes.SERVICE_UNAVAILABLE, reply.text
            assert time.monotonic() < deadline, reply.text
            time.sleep(0.2)

    def refused(self, kind: str, generation: str | None = None, **options: Any) -> str:
        """Return the sentence that refuses the job."""
        reply = self._http.post(JOBS, json={"kind": kind, "generation": generation, **options})
        assert reply.status_code == httpx.codes.UNPROCESSABLE_ENTITY, reply.text
        return str(reply.json()["error"])

    def follow(self, job: Found, within_s: float = 120) -> Found:
        """Return a job once it has ended."""
        deadline = time.monotonic() + within_s
        while job["state"] not in ("done", "failed"):
            assert time.monotonic() < deadline, job
            time.sleep(POLL_S)
            job = self._get(f"{JOBS}/{job['id']}")
        return job

    def do(self, kind: str, generation: str | None = None, within_s: float = 120, **options: Any) -> Found:
        """Request a job and wait until it is done."""
        done = self.follow(self.request(kind, generation, **options), within_s)
        assert done["state"] == "done", done
        return done

    def generations(self) -> dict[str, Found]:
        """Return the generations by name."""
        return {found["name"]: found for found in self._get(GENERATIONS)}

    def next_name(self) -> str:
        """Return an unused name for a generation."""
        return f"g{len(self.generations()) + 1}"

    def only_the_live_one_is_left(self) -> bool:
        """Return whether every other generation is dropped."""
        states = sorted(found["state"] for found in self.generations().values())
        return states == ["dropped"] * (len(states) - 1) + ["live"]

    def proof(self, generation: str) -> Found:
        """Return the report of the last proof."""
        found: Found = self._get(f"{GENERATIONS}/{generation}/proof")
        return found

    def finds_nothing(self) -> bool:
        """Return whether every position has its receipt, and every number is that of a recount."""
        coverage, recount = (self._get(f"/api/v1/operator/{name}") for name in ("coverage", "recount"))
        return bool(coverage["complete"] and recount["equal"])

    def _same(self, kind: str, generation: str | None, reply: httpx.Response) -> Found:
        """Return the open job that equals ours: ours arrived, but the reply was lost."""
        for job in self._get(f"{JOBS}?per_page=100"):
            if (job["kind"], job["generation"]) == (kind, generation):
                same: Found = job
                return same
        raise AssertionError(reply.text)

    def _get(self, path: str) -> Any:
        return eventually_ok(self._http, "GET", path).json()["data"]


def shown_by(installation: Installation) -> str:
    """Return the generation that answers a read."""
    with installation.client() as http:
        generation: str = eventually_ok(http, "GET", f"/api/v1/{ORG}/sessions").headers["X-Generation"]
        return generation
