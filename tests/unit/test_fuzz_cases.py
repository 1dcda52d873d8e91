"""Attacks are derived from the seed, so a finding can be reproduced."""

import json
import random
import re
from itertools import islice

import pytest

from tests.fuzz.attack_setup import AttackSetup, claims, signed
from tests.fuzz.attackers import LANES, _turns
from tests.fuzz.families import BY_NAME, FAMILIES, case_of, chosen
from tests.fuzz.hostile import Verbatim, mutated, written

SCENE = AttackSetup()
NAMES = [family.name for family in FAMILIES]
COSTLY = {family.name for family in FAMILIES if family.lane in ("costly", "heavy")}


@pytest.mark.parametrize("name", NAMES)
def test_a_case_follows_from_seed_family_and_number(name: str) -> None:
    """The same three values give the same bytes at any time; another number gives another case."""
    count = 4 if name in COSTLY else 200
    cases = [case_of(7, name, number, SCENE) for number in range(count)]

    assert cases == [case_of(7, name, number, SCENE) for number in range(count)]
    assert name == "unfinished" or len({case.raw for case in cases}) > 1
    assert all(b"".join(case.parts()) == case.raw for case in cases)


@pytest.mark.parametrize("name", NAMES)
def test_a_whole_case_is_one_request(name: str) -> None:
    """Otherwise the response to a second request would be taken for the response to the next case."""
    for number in range(4 if name in COSTLY else 200):
        case = case_of(7, name, number, SCENE)
        head, _, body = case.raw.partition(b"\r\n\r\n")
        if case.is_whole:
            lengths = re.findall(rb"\r\nContent-Length: (\d+)", head)
            assert (lengths or [b"0"]) == [b"%d" % len(body)], case.name
            assert b"\n" not in head.replace(b"\r\n", b""), case.name


def test_many_bodies_are_still_json_and_many_are_not() -> None:
    """If every body were rejected, a run would test little."""
    chance = random.Random(7)
    body = {"events": [{"event_type": "Stop", "data": {"x": [1, {"y": None}]}}]}
    bodies = [mutated(chance, body) for _ in range(500)]

    good = sum(1 for body in bodies if _is_json(body))
    assert 100 < good < 450


def test_what_is_verbatim_goes_out_as_it_is() -> None:
    """Numbers and texts that no encoder would write are sent unchanged."""
    assert written({"a": [Verbatim(b"1e400"), "\ud800"]}) == b'{"a":[1e400,"\xed\xa0\x80"]}'


def test_a_lane_tries_each_family_before_any_comes_again() -> None:
    """So a short run contains every family."""
    for lane in LANES:
        families = [family for family in FAMILIES if family.lane == lane]
        assert families
        assert set(islice(_turns(families, families, random.Random(7)), len(families))) == set(families)


def test_families_are_chosen_by_name() -> None:
    """A run can select some families, or exclude some."""
    assert chosen(["hooks", "wire"], []) == ("hooks", "wire")
    assert set(BY_NAME) - set(chosen([], ["unfinished"])) == {"unfinished"}
    with pytest.raises(KeyError):
        chosen(["hook"], [])


def test_the_token_of_the_setup_is_the_same_in_every_run() -> None:
    """Otherwise a request that is made again would be refused for its token."""
    assert SCENE.token() == SCENE.token() == signed(claims())


def _is_json(body: bytes) -> bool:
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True
