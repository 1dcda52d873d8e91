"""Spans, slowly: the stretches of a session between its starts and ends, in log order."""

from typing import Any

from tests.support.oracles.log_facts import Fact, events_of


class Spans:
    """The spans of a session; ``ends`` has (place in the log, time) of each end that took effect."""

    def __init__(self, facts: list[Fact]) -> None:
        """Walk through the facts in log order."""
        self.started_at = started_at(facts[0])
        self.spans: list[dict[str, Any]] = [_span(self.started_at, [])]
        self.ends: list[tuple[int, int]] = []
        for fact in facts:
            if fact.get("event_type") == "SessionStart":
                self._start(fact["timestamp"])
            if fact["kind"] == "session_ended":
                self._end(fact)

    @property
    def last(self) -> dict[str, Any]:
        return self.spans[-1]

    def duration_ms(self, facts: list[Fact]) -> int | None:
        """Return the time in spans, including the time before the start if an agent's session began with an event."""
        times = [event["timestamp"] for event in events_of(facts)]
        until = self.last["ended_at"] if self.last["ended_at"] is not None else max(times, default=None)
        if until is None:
            return None
        known = sum(span["ended_at"] - span["started_at"] for span in self.spans[:-1])
        of_agent = any(fact["kind"] == "session_created" and fact.get("client") for fact in facts)
        before = max(0, self.started_at - min(times)) if of_agent and times else 0
        return int(known + max(0, until - self.last["started_at"]) + before)

    def _start(self, at: int) -> None:
        if self.last["ended_at"] is None:
            self.last["starts"].append(at)
        elif at > self.last["ended_at"]:
            self.spans.append(_span(at, []))

    def _end(self, fact: Fact) -> None:
        given = fact.get("ended_at")
        at = max(self.started_at, fact["received_at"] if given is None else given)
        begun = [span for span in self.spans if span["started_at"] <= at]
        span = self.last if given is None else begun[-1] if begun else self.spans[0]
        if span["ended_at"] is not None:
            return
        ended_at = max(at, int(span["started_at"]))
        span |= {"ended_at": ended_at, "outcome": fact.get("outcome")}
        self.ends.append((fact["place"], ended_at))
        later = sorted(start for start in span["starts"] if start > ended_at)
        if given is not None and later:
            self.spans.append(_span(later[0], later[1:]))


def started_at(fact: Fact) -> int:
    """Return the start that a session's first fact determines."""
    if fact["kind"] == "events_recorded":
        return int(fact["timestamp"])
    given = fact.get("started_at")
    return int(fact["received_at"] if given is None else given)


def _span(at: int, starts: list[int]) -> dict[str, Any]:
    return {"started_at": at, "ended_at": None, "outcome": None, "starts": starts}
