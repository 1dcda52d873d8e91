"""The hook events of one session in order, exactly as many as requested."""

from collections.abc import Iterator
from itertools import chain, islice

from cli.demo.sequences import SEQUENCE_WEIGHTS, model_message, prompt, session_start
from cli.demo.session_builder import HookEvent, SessionBuilder
from schemas.hooks import KNOWN_EVENT_TYPES

_SEQUENCES, _WEIGHTS = list(SEQUENCE_WEIGHTS), list(SEQUENCE_WEIGHTS.values())
TOUR_EVENTS = 160  # enough for every kind of event


def make_events(builder: SessionBuilder, count: int, ended: bool, tour: bool) -> Iterator[HookEvent]:
    """Yield ``count`` hook events; with ``tour`` and at least `TOUR_EVENTS` of them, every known kind occurs."""
    before = _tour(builder) if tour else iter(())
    yield from islice(chain(before, _turns(builder)), count - 1 if ended else count)
    if ended:
        yield builder.event("SessionEnd", reason=builder.rng.choice(("prompt_input_exit", "logout", "clear", "other")))


def _turns(builder: SessionBuilder) -> Iterator[HookEvent]:
    yield from session_start(builder)
    while True:
        yield from prompt(builder)
        for sequence in builder.rng.choices(_SEQUENCES, _WEIGHTS, k=builder.rng.randint(3, 18)):
            yield from sequence(builder)
        yield from model_message(builder)


def _tour(builder: SessionBuilder) -> Iterator[HookEvent]:
    """Yield sequences with a kind of event that has not occurred, until every kind has."""
    missing = set(KNOWN_EVENT_TYPES) - {"SessionEnd"}
    while missing:
        for sequence in (session_start, prompt, *_SEQUENCES, model_message):
            events = list(sequence(builder))
            kinds = {kind for kind, _ in events}
            if kinds & missing:
                missing -= kinds
                yield from events
