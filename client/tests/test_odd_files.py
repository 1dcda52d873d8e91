"""Session files may contain anything: agents change, disks break. Reading them always ends and raises nothing."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crewkit_hook.agents.registry import AGENTS
from crewkit_hook.importing import sessions_of
from crewkit_hook.transcripts.reading import report_of
from tests.support.examples import examples
from tests.support.rigs.run_recorder import FOLDER

Json = dict[str, Any]
ODD = st.sampled_from(
    [None, True, -1, 7, 1.5, float("nan"), 10**30, "", "x", "\ud83d", [], [None], ["x"], {}, {"a": 1}]
)


def lines_of(file: Path) -> list[Json]:
    return [line["line"] for text in file.read_text().splitlines() if "line" in (line := json.loads(text))]


RUNS = {file.stem: lines_of(file) for file in FOLDER.glob("*.jsonl")}


def places(value: Any) -> list[tuple[Any, Any]]:
    """Return each container in a value, with each of its keys."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else []
    found = [(value, key) for key in keys]
    return found + [place for key in keys for place in places(value[key])]


@st.composite
def odd_lines(draw: st.DrawFn, name: str) -> list[Any]:
    """Return the lines of a run, with some values changed, and some lines left out, repeated or replaced."""
    lines: list[Any] = copy.deepcopy(RUNS[name])
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(lines) - 1))
        what = draw(st.sampled_from(("value", "value", "value", "leave out", "repeat", "replace")))
        found = places(lines[at])
        if what == "value" and found:
            container, key = draw(st.sampled_from(found))
            container[key] = copy.deepcopy(draw(ODD))
        elif what == "leave out" and len(lines) > 1:
            del lines[at]
        elif what == "repeat":
            lines.insert(at, copy.deepcopy(lines[at]))
        else:
            lines[at] = copy.deepcopy(draw(ODD))
    return lines


@pytest.mark.parametrize("name", sorted(RUNS))
@settings(max_examples=examples(40))
@given(data=st.data())
def test_odd_lines_stop_nothing(name: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The result is JSON that the installation could accept: counts are integers from 0."""
    lines = data.draw(odd_lines(name))
    folder = tmp_path_factory.mktemp("odd")
    session_id = "0a0a0a0a-0000-4000-8000-000000000000"
    is_codex = name.startswith("codex")
    file = folder / (f"rollout-2026-11-29T10-00-00-{session_id}.jsonl" if is_codex else f"{session_id}.jsonl")
    file.write_text("".join(json.dumps(line) + "\n" for line in lines) + '{"cut')

    reading = AGENTS[name.partition(".")[0].replace("_", "-")].reading(session_id)
    reading.advance(str(file))
    json.loads(json.dumps(reading.kept))
    json.dumps(reading.about())
    for model in report_of(reading.totals().models):
        assert all(isinstance(count, int) and count >= 0 for key, count in model.items() if key.endswith("_tokens"))
    for session in sessions_of([file]):
        if session is not None:
            json.dumps([event.payload for event in session.events])
