"""Our hooks in the agents' settings files: they are inserted once and removed again, and nothing else changes."""

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crewkit_hook import hook_files
from crewkit_hook.agents.agent import Agent
from crewkit_hook.agents.registry import AGENTS
from crewkit_hook.hook_files import BACKUP_SUFFIX, Broken, check, is_connected, remove
from crewkit_hook.program import Program, here

CLIENTS = sorted(AGENTS)
FOREIGN = {"matcher": "Bash", "hooks": [{"type": "command", "command": "./check.sh", "timeout": 9}]}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
BEFORE = (
    "{}",
    '{"model": "opus"}',
    '{\n\t"model": "opus",\n\t"hooks": {}\n}\n',
    '{\n    "a": [1,\n2],   "b": "Grün \\u00fc",\n    "hooks": {"Stop": []}}',
    json.dumps({"hooks": {"Stop": [FOREIGN], "PreToolUse": [FOREIGN, FOREIGN]}, "env": {"A": "1"}}, indent=4),
)


def add(agent: Agent, project: Path) -> Path:
    """Put the hooks of this checkout's client into a file."""
    return hook_files.add(agent, project, here())


def is_current(agent: Agent, project: Path) -> bool:
    """Return whether a file has the hooks of this checkout's client."""
    return hook_files.is_current(agent, project, here())


@pytest.fixture(params=CLIENTS)
def project(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Any, Path, Path]:
    """Return an agent's file, a project, and the file's path in it."""
    file = AGENTS[request.param]
    path = file.path(tmp_path)
    path.parent.mkdir(parents=True)
    return file, tmp_path, path


@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize("times", [1, 2, 3])
def test_after_all_it_is_byte_for_byte_what_it_was(project: tuple[Any, Path, Path], before: str, times: int) -> None:
    """This holds however often it was connected; connecting twice is the same as once."""
    file, folder, path = project
    path.write_text(before)
    path.chmod(0o640)
    written = set()
    for _ in range(times):
        add(file, folder)
        written.add(path.read_bytes())
    assert is_connected(file, folder)
    assert len(written) == 1

    assert remove(file, folder)

    assert path.read_text() == before
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert not remove(file, folder)
    assert [other.name for other in path.parent.iterdir()] == [path.name]


def test_a_file_that_was_not_there_is_gone_again(project: tuple[Any, Path, Path]) -> None:
    """Its backup disappears with it."""
    file, folder, path = project
    add(file, folder)
    assert path.exists()

    remove(file, folder)

    assert list(path.parent.iterdir()) == []


def test_each_event_has_our_hook_once_behind_foreign_ones(project: tuple[Any, Path, Path]) -> None:
    """Other programs' groups stay unchanged."""
    file, folder, path = project
    path.write_text(json.dumps({"hooks": {"Stop": [FOREIGN], "Own": [FOREIGN]}}))

    add(file, folder)

    hooks = json.loads(path.read_text())["hooks"]
    assert hooks["Own"] == [FOREIGN]
    assert all(len(hooks[event]) == 1 + (event == "Stop") for event in file.events)
    assert hooks["Stop"][0] == FOREIGN


def test_what_others_change_in_between_stays(project: tuple[Any, Path, Path]) -> None:
    """Our hooks are removed from the file as it is by then."""
    file, folder, path = project
    path.write_text('{\n  "a": 1\n}\n')
    add(file, folder)
    settings = json.loads(path.read_text())
    settings["hooks"]["Stop"] = [*settings["hooks"].get("Stop", []), FOREIGN]
    settings["b"] = 2
    path.write_text(json.dumps(settings))

    remove(file, folder)

    assert json.loads(path.read_text()) == {"a": 1, "b": 2, "hooks": {"Stop": [FOREIGN]}}


@pytest.mark.parametrize(
    "text",
    [
        *("{", "[]", '{"hooks": []}', '{"hooks": {"Stop": {}}}', "// a comment\n{}", "\xff"),
        *('{"a": 1e400}', '{"a": NaN}', '{"a": [-Infinity]}', '{"a": "\\ud83d"}'),  # they would be changed
        *('{"a": ' + "[" * deep + "]" * deep + "}" for deep in (990, 100_000)),
        pytest.param(" " * (5 << 20), id="5 MB"),
    ],
    ids=lambda text: text[:20],
)
def test_a_broken_file_is_refused_and_stays(project: tuple[Any, Path, Path], text: str) -> None:
    """The message names the file and says what to do."""
    file, folder, path = project
    path.write_bytes(text.encode("latin-1"))

    with pytest.raises(Broken, match=r"fix it, then try again\. It was not changed") as raised:
        add(file, folder)

    assert str(path) in str(raised.value)
    assert path.read_bytes() == text.encode("latin-1")


MENTIONS = (
    "cat /home/me/crewkit_hook/hook.py",
    "/opt/crewkit_hook/hook.py && ./mine.sh",
    "./mine.sh # like crewkit_hook/hook.py",
    "python3 -I -S /opt/crewkit_hook/hook.py claude-code $PPID 2>/dev/null || ./mine.sh",
    "python3 -I -S /opt/crewkit_hook/hook.py another-agent $PPID 2>/dev/null || :",
    "./mine.sh; python3 -I -S /opt/crewkit_hook/hook.py codex $PPID 2>/dev/null || :",
    "python3 -I -S /opt/my_crewkit_hook/hook.py codex $PPID 2>/dev/null || :",
    "python3 -I -S '/opt/crewkit_hook/hook.py codex $PPID 2>/dev/null || :",
)


@pytest.mark.parametrize("command", MENTIONS)
def test_a_hook_that_only_mentions_ours_is_another_one(project: tuple[Any, Path, Path], command: str) -> None:
    """It stays when the agent is connected and disconnected, even with a backup."""
    file, folder, path = project
    before = json.dumps({"hooks": {"Stop": [{"hooks": [{"type": "command", "command": command}]}]}})
    path.write_text(before)
    assert not is_connected(file, folder)
    assert not remove(file, folder)

    add(file, folder)
    assert command in [group["hooks"][0]["command"] for group in json.loads(path.read_text())["hooks"]["Stop"]]
    assert path.with_name(path.name + BACKUP_SUFFIX).read_text() == before

    assert remove(file, folder)
    assert path.read_text() == before


@pytest.mark.parametrize("python", ["/usr/bin/python3", "/opt/my python's/$(x)/python", "/Users/grün/`x`/python"])
@pytest.mark.parametrize("place", ["/opt/venv/lib", "/opt/my venv's/$HOME", "/a/crewkit_hook/hook.py"])
def test_what_was_written_elsewhere_is_taken_out(project: tuple[Any, Path, Path], python: str, place: str) -> None:
    """This holds for any path of Python and of this program."""
    file, folder, path = project
    path.write_text(json.dumps({"hooks": {"Stop": [FOREIGN]}}))
    hook_files.add(file, folder, Program(python, Path(place, "crewkit_hook")))

    assert is_connected(file, folder)
    assert remove(file, folder)
    assert json.loads(path.read_text()) == {"hooks": {"Stop": [FOREIGN]}}


@pytest.mark.parametrize("link", ["file", "folder", "nowhere", "backwards"])
def test_a_link_does_not_lead_out_of_a_project(project: tuple[Any, Path, Path], tmp_path: Path, link: str) -> None:
    """A repository could have hooks written to any file of its user; nothing is written or created."""
    file, _, _ = project
    shared, elsewhere = tmp_path / "repository", tmp_path / "elsewhere"
    path = file.path(shared)
    for made in (shared, elsewhere):
        made.mkdir()
    (elsewhere / path.name).write_text("{}")
    if link == "file":
        path.parent.mkdir()
        path.symlink_to(elsewhere / path.name)
    else:
        to = {"folder": elsewhere, "nowhere": tmp_path / "new", "backwards": Path("../elsewhere")}[link]
        path.parent.symlink_to(to)

    for change in (check, add, remove):
        with pytest.raises(Broken, match="leads out of the project"):
            change(file, shared)

    assert (elsewhere / path.name).read_text() == "{}"
    assert [other.name for other in elsewhere.iterdir()] == [path.name]
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("backup", [False, True])
def test_settings_that_are_no_file_are_refused(project: tuple[Any, Path, Path], *, backup: bool) -> None:
    """They are refused at once, because a pipe would block the command."""
    file, folder, path = project
    if backup:
        add(file, folder)
    os.mkfifo(path.with_name(path.name + BACKUP_SUFFIX) if backup else path)

    with pytest.raises(Broken, match="is not a regular file"):
        remove(file, folder)


def test_a_link_stays_a_link(project: tuple[Any, Path, Path], tmp_path: Path) -> None:
    """Settings are often stored in a separate folder."""
    file, folder, path = project
    real = tmp_path / "dotfiles.json"
    real.write_text("{}")
    path.symlink_to(real)

    add(file, folder)
    remove(file, folder)

    assert path.is_symlink()
    assert real.read_text() == "{}"


@given(settings=st.dictionaries(st.text().filter(lambda name: name != "hooks"), JSON, max_size=4))
def test_any_settings_come_back(settings: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> None:
    """Numbers, texts and order stay the same."""
    folder = tmp_path_factory.mktemp("project")
    file = AGENTS["claude-code"]
    path = file.path(folder)
    path.parent.mkdir()
    before = json.dumps(settings, ensure_ascii=False, indent=3)
    path.write_text(before)

    add(file, folder)
    connected = json.loads(path.read_text())
    remove(file, folder)

    assert {name: value for name, value in connected.items() if name != "hooks"} == settings
    assert path.read_text() == before


def test_hooks_of_another_program_are_outdated(project: tuple[Any, Path, Path]) -> None:
    """For example after an upgrade of Python; connecting again replaces them."""
    file, folder, path = project
    add(file, folder)
    assert is_current(file, folder)
    path.write_text(path.read_text().replace("/crewkit_hook/", "/former/crewkit_hook/"))
    assert not is_current(file, folder)

    add(file, folder)

    assert is_current(file, folder)
    assert "/former/" not in path.read_text()


def test_a_backup_is_kept_while_it_is_connected(project: tuple[Any, Path, Path]) -> None:
    """It is the file before our first change, even after connecting a second time."""
    file, folder, path = project
    path.write_text('{"a": 1}')
    add(file, folder)
    add(file, folder)

    assert path.with_name(path.name + BACKUP_SUFFIX).read_text() == '{"a": 1}'


@pytest.mark.parametrize(
    ("client", "variable", "expected"),
    [
        ("claude-code", "CLAUDE_CONFIG_DIR", "settings.json"),
        ("codex", "CODEX_HOME", "hooks.json"),
        ("gemini-cli", "GEMINI_CLI_HOME", ".gemini/settings.json"),
    ],
)
def test_an_agent_may_have_its_folder_elsewhere(
    client: str, variable: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The agent's own variable decides; Gemini's names the home folder."""
    monkeypatch.setenv(variable, "/elsewhere")

    assert AGENTS[client].path(None) == Path("/elsewhere", expected)
