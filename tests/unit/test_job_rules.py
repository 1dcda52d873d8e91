"""Which jobs are refused, with the sentence that says what to do instead."""

import pytest

from generations.jobs.rules import refusal, refusal_now
from generations.jobs.table import JobEvent, JobOptions, Kind
from generations.situation import GenerationStatus, Situation
from query_api.freshness import PartitionProgressRow
from store.generations import known_generations
from tests.support.control import events, job_id, proof, reported, requested, situation

BOTH = events("g1 created", "g1 live", "g2 created")
PLAIN, ACCEPTS = JobOptions(), JobOptions(accept_differences=True)
EQUAL, DIFFERENT = proof("g2", "g1"), proof("g2", "g1", equal=False)


def both(*more: str, **given: object) -> Situation:
    """Return a situation with g1, which is live, and g2, which is following."""
    return situation([*events("g1 created", "g1 live", "g2 created", *more)], **given)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["repair", "prove", "switch", "drop", "pause", "resume"])
def test_an_unknown_generation_is_named_with_the_known_ones(kind: Kind) -> None:
    """A dropped generation counts as unknown."""
    unknown = refusal(kind, "g9", PLAIN, both())
    dropped = refusal(kind, "g2", PLAIN, both("g2 dropped"))

    assert unknown == "there is no generation g9 (known: g1, g2); `replay --to g9` makes one"
    assert dropped == "g2 was dropped; `replay --to NAME` makes a generation with a new name"


def test_a_load_of_prices_concerns_no_generation() -> None:
    """Its prices are compared with the price history when they are loaded."""
    assert refusal("prices", "", PLAIN, both()) is None


@pytest.mark.parametrize("name", ["", "2", "G2", "g-2", "g2.x", "g" * 32, "g2\n", "g 2", "gé", "x2"])
def test_a_bad_name_is_refused(name: str) -> None:
    """Rights in the store are granted by database prefix."""
    why = refusal("replay", name, PLAIN, both())

    assert why is not None
    assert why.startswith(f"{name!r} is not a generation name: use g, then at most 30 letters, digits or _")


@pytest.mark.parametrize("name", ["g", "g3", "g_2026_05", "g" * 31])
def test_a_new_name_is_accepted(name: str) -> None:
    """It need not be a number."""
    assert refusal("replay", name, PLAIN, both()) is None


def test_a_name_is_used_once() -> None:
    """The sentence gives the generation's state."""
    found = both("g3 created", "g3 dropped", filling=["g2"])

    for name, state in (("g1", "live"), ("g2", "filling"), ("g3", "dropped")):
        assert refusal("replay", name, PLAIN, found) == (
            f"{name} already exists ({state}); names can't be reused, so choose another"
        )


@pytest.mark.parametrize(
    ("found", "options", "why"),
    [
        (both(proofs=[EQUAL]), PLAIN, None),
        (both(), PLAIN, "g2 is not proved: `prove g2` first"),
        (both(), ACCEPTS, "g2 is not proved: `prove g2` first"),
        (both(proofs=[EQUAL], filling=["g2"]), PLAIN, "g2 is still filling (40% of the log): wait until"),
        (both("g2 paused", proofs=[EQUAL]), PLAIN, "g2 is paused: `resume g2` first"),
        (both("g2 live", proofs=[EQUAL]), PLAIN, "g2 is live already"),
        (both(proofs=[DIFFERENT]), PLAIN, "the last proof of g2 found differences: read them with `prove g2`, and if"),
        (both(proofs=[DIFFERENT]), ACCEPTS, None),
        (
            both("g3 created", "g3 live", proofs=[EQUAL]),
            PLAIN,
            "g2 was proved against g1, but g3 is live: `prove g2` again",
        ),
        (
            both("g3 created", "g3 live", proofs=[DIFFERENT]),
            ACCEPTS,
            "g2 was proved against g1, but g3 is live: `prove g2` again",
        ),
    ],
)
def test_a_switch_needs_a_generation_that_follows_and_is_proved(
    found: Situation, options: JobOptions, why: str | None
) -> None:
    """Differences are accepted only by name, and only from the last proof against the live generation."""
    said = refusal("switch", "g2", options, found)

    assert (said or "").startswith(why or "")
    assert (said is None) is (why is None)


def test_going_back_needs_no_proof() -> None:
    """Readers have already used a generation that was live before."""
    assert refusal("switch", "g1", PLAIN, both("g2 live")) is None
    assert refusal("switch", "g1", PLAIN, both("g2 live", "g1 paused")) == "g1 is paused: `resume g1` first"


@pytest.mark.parametrize(
    ("kind", "name", "found", "why"),
    [
        ("drop", "g1", both(), "g1 is live: switch to another generation first"),
        ("drop", "g2", both(), None),
        ("drop", "g2", both(filling=["g2"]), None),
        ("drop", "g1", both("g2 live"), None),
        ("pause", "g2", both("g2 paused"), "g2 is paused already"),
        ("pause", "g2", both(), None),
        ("resume", "g2", both(), "g2 is not paused"),
        ("resume", "g2", both("g2 paused"), None),
        ("prove", "g2", both(), None),
        ("prove", "g2", both(filling=["g2"]), "g2 is still filling (40% of the log): prove it once it follows the log"),
        ("repair", "g1", both(), None),
        ("repair", "g1", both("g1 paused"), "g1 is paused: `resume g1` first"),
    ],
)
def test_every_other_kind_has_its_rule(kind: Kind, name: str, found: Situation, why: str | None) -> None:
    """The live generation is never dropped, and nothing is done twice."""
    assert refusal(kind, name, PLAIN, found) == why


@pytest.mark.parametrize("kind", ["repair", "prove", "drop", "pause"])
def test_the_same_is_not_requested_twice_at_once(kind: Kind) -> None:
    """Once the first job has ended the second is accepted; one for another generation always is."""
    row = requested(kind, "g2")

    while_open = refusal(kind, "g2", PLAIN, both(jobs=[row, reported(row, "taken")]))
    after = [reported(row, event, (0, 1)) for event in ("done", "failed")]

    assert while_open == f"the same is requested already, as {job_id(1)}: wait until it ends"
    for ended in after:
        assert refusal(kind, "g2", PLAIN, both(jobs=[row, ended])) is None
    assert refusal("pause", "g1", PLAIN, both(jobs=[row])) is None


def test_a_replay_that_no_process_has_begun_is_not_requested_twice() -> None:
    """Its generation does not exist yet."""
    row = requested("replay", "g3")
    found = situation(events("g1 created", "g1 live"), jobs=[row])

    assert "the same is requested already" in str(refusal("replay", "g3", PLAIN, found))
    assert refusal("replay", "g4", PLAIN, found) is None


@pytest.mark.parametrize(
    "found",
    [
        both("g3 created"),
        both("g3 created", filling=["g2", "g3"]),
        both("g3 created", "g3 live", "g4 created", "g4 live", "g1 dropped"),
        both(jobs=[requested("replay", "g3")]),
        both("g3 created", jobs=[requested("replay", "g3")]),
    ],
)
def test_at_most_two_generations_are_beside_the_live_one(found: Situation) -> None:
    """Waiting replays also count: each generation takes memory and time while it follows the log."""
    why = refusal("replay", "g5", PLAIN, found)

    assert why == (
        "at most 2 generations may exist beside the live one, and g2 and g3 exist or are requested: "
        "`drop` one of them first"
    )


@pytest.mark.parametrize(
    "found",
    [
        both("g3 created", "g3 dropped"),
        both("g3 created", "g3 live", "g1 dropped"),
        both(jobs=[requested("replay", "g2")]),
        both(jobs=[requested("replay", "g3"), reported(requested("replay", "g3"), "failed")]),
    ],
)
def test_there_is_room_for_a_replay_after_a_drop_or_a_failed_one(found: Situation) -> None:
    """A generation and the job that made it count once."""
    assert refusal("replay", "g5", PLAIN, found) is None


@pytest.mark.parametrize("kind", ["repair", "prove", "switch", "pause", "resume"])
def test_nothing_is_requested_of_a_generation_that_is_to_be_dropped(kind: Kind) -> None:
    """Otherwise readers could be switched to tables that are about to be dropped."""
    row = requested("drop", "g2")

    why = refusal(kind, "g2", PLAIN, both("g2 paused", jobs=[row], proofs=[EQUAL]))

    assert why == f"g2 is about to be dropped, by {job_id(1)}: `replay --to NAME` makes another generation"


def test_what_readers_are_about_to_use_is_not_dropped() -> None:
    """A switch may wait for a minute before it moves the pointer."""
    row = requested("switch", "g2")
    rows: list[JobEvent] = [row, reported(row, "taken")]

    open_switch = refusal("drop", "g2", PLAIN, both(jobs=rows, proofs=[EQUAL]))

    assert open_switch == f"a switch to g2 is requested, as {job_id(1)}: wait until it ends"
    assert refusal("drop", "g2", PLAIN, both(jobs=[*rows, reported(row, "failed")])) is None


def test_a_job_is_no_reason_to_refuse_itself() -> None:
    """The process that takes it up checks only the generations."""
    row = requested("switch", "g2")

    assert refusal_now("switch", "g2", PLAIN, both(jobs=[row], proofs=[EQUAL])) is None
    assert refusal_now("switch", "g2", PLAIN, both("g2 dropped", jobs=[row], proofs=[EQUAL])) is not None


def test_a_generation_that_was_filled_follows_while_its_projector_restarts() -> None:
    """A projector that restarts reports no completeness until it has reached the end of the log again."""
    (made, *_) = known_generations(events("g2 created"))
    behind = [PartitionProgressRow(partition, 3, 9, 0, 0, 3, 0) for partition in range(2)]

    assert GenerationStatus(made, behind).state == "filling"
    assert GenerationStatus(made, behind, was_filled=True).state == "following"
