"""What an erasure waits for, in each situation of its generations."""

import msgspec
import pytest

from query_api.erasure.checks import ErasureCheckRow, Left, LeftInLog
from query_api.erasure.one import subject_of
from query_api.erasure.progress import InGeneration, PlaceRow, Progress, StepRow
from store.generations import Generation, KnownGeneration
from tests.support.builders import T0

PLACES = [PlaceRow(0, 7, T0, "", False, 2, False, False), PlaceRow(3, 881, T0, "", False, 1, False, False)]
NOT_YET = "2026-01-21T10:00:00.000Z"  # a day after T0
LEFT = Left(
    {"tasks": 2}, ["facts.all_1_1_0", "facts.all_2_2_0"], [LeftInLog("topic", 12, "2:118"), LeftInLog("archive")]
)


def generation(
    name: str,
    *steps: StepRow,
    checked_ms: int = 0,
    certified_ms: int = 0,
    is_paused: bool = False,
) -> InGeneration:
    report = msgspec.json.encode(LEFT).decode()
    check = ErasureCheckRow(name, checked_ms * 1_000, checked_ms, [], [], report) if checked_ms else None
    of = {(step.log_partition, step.log_offset): step for step in steps}
    return InGeneration(KnownGeneration(Generation(name, 4), is_paused=is_paused), of, check, certified_ms)


def steps(swept_ms: int = 0, then_ms: int = 0) -> list[StepRow]:
    return [StepRow(0, 7, 50, swept_ms), StepRow(3, 881, 60, then_ms or swept_ms)]


@pytest.mark.parametrize(
    ("generations", "state", "waits_for"),
    [
        ([generation("g1")], "recorded", ["g1 has not projected 0:7"]),
        ([generation("g1", *steps()[:1])], "recorded", ["g1 has not projected 3:881"]),
        ([generation("g1", is_paused=True)], "recorded", ["g1 has not projected 0:7, since it is paused"]),
        ([generation("g1", *steps())], "hidden", [f"g1 is swept after {NOT_YET}"]),
        ([generation("g1", steps(90)[0], StepRow(3, 881, 60, 0))], "hidden", [f"g1 is swept after {NOT_YET}"]),
        ([generation("g1", *steps(90))], "swept", ["g1 is checked after its sweep"]),
        ([generation("g1", *steps(90, 99), checked_ms=95)], "swept", ["g1 is checked after its sweep"]),
        (
            [generation(name, *steps(90), checked_ms=95) for name in ("g1", "g2")],
            "swept",
            [
                "g1 has rows of erased sessions in tasks: 2",
                "g1 has parts that may hold deleted rows: 2, such as facts.all_1_1_0",
                "the topic has 12 erased records, the first at 2:118",
                "g2 has rows of erased sessions in tasks: 2",
                "g2 has parts that may hold deleted rows: 2, such as facts.all_1_1_0",
            ],
        ),
        ([generation("g1", *steps(90), checked_ms=95, certified_ms=96)], "certified", []),
        (
            [generation("g1", *steps(90), checked_ms=95, certified_ms=96), generation("g2")],
            "swept",
            ["g2 has not projected 0:7"],
        ),
    ],
)
def test_each_generation_that_exists_says_what_is_missing(
    generations: list[InGeneration], state: str, waits_for: list[str]
) -> None:
    """The state is that of the generation that is read, except that all must be clean to be certified."""
    progress = Progress(PLACES, generations)

    assert (progress.state, progress.waits_for()) == (state, waits_for)


def test_it_does_not_wait_a_day_if_it_was_requested_at_once() -> None:
    """Then a sweep begins within a minute."""
    places = [msgspec.structs.replace(place, at_once=place.log_partition == 3) for place in PLACES]

    assert Progress(places, [generation("g1", *steps())]).waits_for() == ["g1 is being swept"]


def test_it_is_certified_since_the_last_generation_was() -> None:
    """A step is reached when it is in every partition."""
    clean = [generation(name, *steps(90, 99), checked_ms=95, certified_ms=at) for name, at in (("g1", 7), ("g2", 8))]

    progress = Progress(PLACES, clean)

    assert (progress.recorded_ms, progress.hidden_ms, progress.swept_ms, progress.certified_ms) == (T0, 60, 99, 8)


def test_a_repeated_request_erases_its_sessions_once() -> None:
    """Its records are at other positions, and have the same sessions."""
    repeated = [*PLACES, *(msgspec.structs.replace(place, log_offset=place.log_offset + 1) for place in PLACES)]

    assert subject_of(Progress(repeated, [])) == ("sessions", 3)
