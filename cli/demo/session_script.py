"""The script of one session: its hook events in order, exactly as many as asked for."""

from collections.abc import Iterator
from itertools import chain, islice

from cli.demo.sequences import WORK, answer, opening, prompt
from cli.demo.session_builder import Happening, Stage
from schemas.hooks import KNOWN_EVENT_TYPES

_EPISODES, _WEIGHTS = list(WORK), list(WORK.values())
TOUR_EVENTS = 160  # a session of so many can show every kind


def script(stage: Stage, events: int, ended: bool, tour: bool) -> Iterator[Happening]:
    """``events`` hook events; with ``tour``, and at least `TOUR_EVENTS` of them, every known kind is there."""
    before = _tour(stage) if tour else iter(())
    yield from islice(chain(before, _turns(stage)), events - 1 if ended else events)
    if ended:
        yield stage.event("SessionEnd", reason=stage.rng.choice(("prompt_input_exit", "logout", "clear", "other")))


def _turns(stage: Stage) -> Iterator[Happening]:
    yield from opening(stage)
    while True:
        yield from prompt(stage)
        for episode in stage.rng.choices(_EPISODES, _WEIGHTS, k=stage.rng.randint(3, 18)):
            yield from episode(stage)
        yield from answer(stage)


def _tour(stage: Stage) -> Iterator[Happening]:
    """Episodes that show something new, until everything has been shown."""
    missing = set(KNOWN_EVENT_TYPES) - {"SessionEnd"}
    while missing:
        for episode in (opening, prompt, *_EPISODES, answer):
            happenings = list(episode(stage))
            kinds = {kind for kind, _ in happenings}
            if kinds & missing:
                missing -= kinds
                yield from happenings
