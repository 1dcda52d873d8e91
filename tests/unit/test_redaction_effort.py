"""The work of redaction: linear in the input, bounded per request, and no less thorough for that."""

import json
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.privacy.redaction import Effort, TooDense, detection, redact, redact_text_or_all
from ingest.privacy.redaction.detection import REACH, WINDOW, find_secrets
from ingest.privacy.redaction.effort import A_MOMENT_S, A_REQUEST_S
from tests.support.corpora.canaries import CANARIES, Canary, fill
from tests.support.examples import examples
from tests.support.processor_time import ATTEMPTS, count_s, in_counts, processor_s

MIB = 1_048_576
TOKEN = f"ghp_{fill(36)}"
# Dense, and just below dense; plain, as JSON in a string, and with escaped letters.
HOSTILE = [
    *("password=", "?token=a&", "--token a ", "<password>a</password>", "password='", "://a:b@", "curl -u "),
    *('"secret":"a",', "Authorization: Bearer ", "eyJabcdef.", "-----BEGIN PRIVATE KEY-----", "AKIA", "\\", "\\u0070"),
    *("password=abc and more words in here, ", "password: a1b2c3d4e5 some text ", 'password="a1b2c3d4" text here '),
    *("https://user:pw1234567@host/path and more ", "curl -u bob:hunter22 https://x.y.z/abc ", f"{TOKEN} "),
    *('{"password": "a1b2c3d4", "x": 1} ', '{\\"password\\": \\"a1b2c3d4\\"} ', "\\u0070assword: a1b2c3d4 and more "),
    *("password " + "\\" * 60, "login bob password a1b2c3d4 and more ", "password=${X} and more words in here "),
    *(f"{fill(900)} password='{fill(900)}", "é password: a1b2c3d4e5 é "),
]


def long_text(piece: str, size: int) -> str:
    return (piece * (size // len(piece) + 1))[:size]


def payload(text: str) -> bytes:
    return json.dumps({"a": text}).encode()


def redact_within(data: bytes, effort: Effort) -> None:
    try:
        redact(data, effort)
    except TooDense:
        return


@pytest.mark.slow
@pytest.mark.parametrize("piece", HOSTILE, ids=lambda piece: piece[:24])
def test_a_request_takes_a_bounded_time(piece: str) -> None:
    """An eighth of the largest request takes little more than an eighth of the budget, and time is linear."""
    large, small = payload(long_text(piece, 450_000)), payload(long_text(piece, 112_500))

    def bounded() -> bool:
        effort, limit_s = Effort(A_REQUEST_S / 8), A_REQUEST_S / 8 + 40 * count_s()
        of_small = processor_s(lambda: redact_within(small, Effort()))
        of_large = processor_s(lambda: [redact_within(large, effort) for _ in range(3)])
        return of_large < limit_s and of_large < 3 * 6 * max(of_small, 0.01)

    assert any(bounded() for _ in range(ATTEMPTS))  # other processes make a measurement longer, never shorter


@pytest.mark.slow
@pytest.mark.parametrize("piece", HOSTILE, ids=lambda piece: piece[:24])
def test_on_the_event_loop_it_takes_a_moment(piece: str) -> None:
    """A quarter of a megabyte, twice what the event loop redacts, takes no longer than counting to 3 million."""
    data = payload(long_text(piece, 250_000))
    redact_within(data, Effort(A_MOMENT_S))  # compiles the rules

    assert in_counts(lambda: redact_within(data, Effort(A_MOMENT_S)), limit=3) < 3


@pytest.mark.parametrize("piece", ["password=", "?token=a&", "--token a ", "secret:'a',", "://a:b@"])
@pytest.mark.parametrize("size", [2_048, 250_000])
def test_a_dense_string_is_cut_as_a_whole_and_counted(piece: str, size: int) -> None:
    """Its neighbours stay."""
    data, counts = redact(json.dumps({"a": long_text(piece, size), "b": "stays"}).encode())

    assert json.loads(data) == {"a": "[redacted:dense]", "b": "stays"}
    assert counts == {"dense": 1}
    assert redact(data) == (data, {})


def test_a_file_of_settings_is_not_dense() -> None:
    """A file of nothing but secrets, in lines of normal length, is redacted value by value."""
    lines = [f"SERVICE_{n}_PASSWORD={fill(12, str(n))}" for n in range(400)]

    data, counts = redact(payload("\n".join(lines)))

    assert counts == {"password": 400}
    assert json.loads(data)["a"].count("_PASSWORD=[redacted:password]") == 400


def test_source_code_about_tokens_is_not_dense() -> None:
    """It stands next to a secret, which makes it suspect."""
    code = "if token.type == TOKEN_NAME: tokens.append(token); self.token = next_token(token)\n" * 300

    data, counts = redact(payload(f"{code}{TOKEN}"))

    assert counts == {"github_token": 1}
    assert json.loads(data)["a"] == f"{code}[redacted:github_token]"


def test_a_text_that_takes_too_much_is_cut_as_a_whole() -> None:
    """This concerns lifecycle requests, whose texts have no metadata that could stay."""
    text = long_text("password: a1b2c3d4e5 some text ", 20_000)

    assert redact_text_or_all(text, Effort(0)) == ("[redacted:dense]", {"dense": 1})
    assert redact_text_or_all(text)[1] == {"password": 645}


@settings(max_examples=examples(60))
@given(
    st.sampled_from([canary for canary in CANARIES if len(canary.written) < 2 * REACH]),
    st.integers(-300, 300),
    st.sampled_from([" ", "\n", "é "]),
)
def test_a_secret_at_the_edge_of_a_window_is_cut(canary: Canary, shift: int, space: str) -> None:
    """The edge may fall before it, inside it, or after it."""
    before = long_text(f"some words{space}", WINDOW + shift - len(canary.written) // 2)
    text = f"{before} {canary.written} {long_text('and more ', WINDOW)}"

    data, counts = redact(payload(text))

    assert canary.rule in counts
    assert canary.secret not in json.loads(data)["a"]
    assert len(json.loads(data)["a"]) > 2 * WINDOW - 1_000


@pytest.mark.parametrize("length", [REACH, WINDOW, 5 * WINDOW])
@pytest.mark.parametrize("text", ['password: "%s"', "DB_PASSWORD=%s", "eyJabcdef.eyJabcdef.%s", "ghp_%s"])
def test_a_secret_of_any_length_goes_as_a_whole(text: str, length: int) -> None:
    """It is longer than what a rule sees at first."""
    secret = fill(length)

    data, counts = redact(payload(f"{'words ' * 11_000}{text % secret} and the rest"))

    assert sum(counts.values()) == 1
    assert fill(8) not in json.loads(data)["a"]
    assert json.loads(data)["a"].endswith("and the rest")


@settings(max_examples=examples(60))
@given(
    st.lists(st.sampled_from([*(canary.written for canary in CANARIES), "some words ", "\n", "=", '"']), max_size=30)
)
def test_windows_find_what_a_look_at_the_whole_finds(pieces: list[str]) -> None:
    """The windows are small, so that a text has many."""
    text = " ".join(pieces).encode()
    with Effort() as effort, pytest.MonkeyPatch.context() as patch:
        whole = set(find_secrets(text, effort))
        patch.setattr(detection, "WINDOW", 512)
        in_windows = set(find_secrets(text, effort))

    assert in_windows == whole


def test_the_effort_of_a_request_is_enough_for_what_people_send() -> None:
    """10 MB of payloads with a secret in every tenth take less than a third of it."""
    effort = Effort(A_REQUEST_S / 3)
    events = [payload(f"{'some output of a tool, ' * 80}{TOKEN if n % 10 == 0 else ''}") for n in range(5_000)]
    counts = [redact(event, effort).counts for event in events]

    assert counts.count({"github_token": 1}) == 500


def test_an_effort_is_used_up_for_good() -> None:
    """This holds however the work is split; pauses between the pieces cost nothing."""
    now = 0.0
    effort = Effort(1.0, lambda: now, lambda: now)
    for passes in (0.4, 100.0, 0.4):
        with effort:
            effort.check()
            now += passes if passes < 1 else 0
        now += passes
    with effort:
        effort.check()
        now += 0.3
        with pytest.raises(TooDense):
            effort.check()
    with effort, pytest.raises(TooDense):
        effort.check()


@pytest.mark.slow
def test_no_request_waits_for_rules_to_be_compiled() -> None:
    """Every scanner there is, in a process that has seen no secret yet."""
    program = """
import gc
from ingest.privacy.redaction import compile_rules
from ingest.privacy.redaction.scanner import Scanner
compile_rules()
scanners = [found for found in gc.get_objects() if isinstance(found, Scanner)]
print(len(scanners) >= 4, all("_database" in vars(scanner) for scanner in scanners))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.split() == ["True", "True"]
