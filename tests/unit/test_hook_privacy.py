"""What leaves the machine: sensitive folders send only metadata, and nothing exceeds the accepted size."""

import json
from pathlib import Path
from typing import Any

import pytest
from crewkit_hook.privacy import PAYLOAD_BYTES_MAX, bounded, is_sensitive, leaving_context, metadata_of
from crewkit_hook.repository import without_credentials
from crewkit_hook.settings import Settings, check_pattern
from hypothesis import given
from hypothesis import strategies as st

from ingest.intake.sessions.remote_url import clean_remote
from tests.support.clients.recorded import RECORDINGS

CONTENT = "A-Canary,Of/Content!"
PAYLOADS = [sent.payload for recording in RECORDINGS.values() for sent in recording.sent]
CONTENT_FIELDS = (
    *("prompt", "tool_input", "tool_response", "error", "last_assistant_message", "message", "title", "summary", "cwd"),
    *("session_title", "transcript_path", "prompt_response", "task_subject", "file_path", "reason"),
)


def settings(*folders: str, **options: Any) -> Settings:
    return Settings("http://x", "acme", "t", sensitive_folders=folders, **options)


@pytest.mark.parametrize(
    ("pattern", "folder", "expected"),
    [
        ("/clients/*", "/clients/one", True),
        ("/clients/*", "/clients/one/deep/er", True),
        ("/clients/*", "/clients", False),
        ("/clients", "/clients/one", True),
        ("/client", "/clients/one", False),
        ("*/secret-*", "/a/b/secret-1/c", True),
        ("~/clients/*", str(Path.home() / "clients" / "one"), True),
    ],
)
def test_a_pattern_names_a_folder_and_all_below_it(pattern: str, folder: str, *, expected: bool) -> None:
    """As in a shell; `~` is the home folder."""
    assert is_sensitive(settings(pattern), [folder]) is expected


def test_all_may_be_sensitive() -> None:
    """Without a pattern."""
    assert is_sensitive(settings(metadata_only=True), ["/anywhere"])
    assert not is_sensitive(settings(), ["/anywhere"])


def test_a_folder_that_is_not_known_may_be_sensitive() -> None:
    """For example if the agent removed it. One sensitive folder among several is enough."""
    for unknown in ([], [""]):
        assert is_sensitive(settings("/clients/*"), unknown)
        assert not is_sensitive(settings(), unknown)
    assert is_sensitive(settings("/clients/*"), ["/elsewhere", "/clients/one"])


def test_links_are_followed_on_both_sides(tmp_path: Path) -> None:
    """An agent reports a folder without links; users write the path that they see."""
    (tmp_path / "real" / "one").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "real")

    for pattern, folder in (("link/*", "real/one"), ("real/*", "link/one")):
        assert is_sensitive(settings(str(tmp_path / pattern)), [str(tmp_path / folder)])


@pytest.mark.parametrize("pattern", ["clients/acme", "./x", "~no-such-user/x"])
def test_a_pattern_that_could_never_match_is_refused(pattern: str) -> None:
    """It would send what it should protect."""
    with pytest.raises(ValueError, match="pattern"):
        check_pattern(pattern)


@pytest.mark.parametrize("field", ["reason", "source", "action", "status", "level", "error_type"])
def test_a_code_is_kept_and_a_sentence_is_not(field: str) -> None:
    """A denial's reason quotes the command."""
    sentence = "Permission to use Bash with command git push origin merger has been denied."
    for said, kept in (("prompt_input_exit", "prompt_input_exit"), (sentence, "")):
        payload = {"session_id": "s", "hook_event_name": "PermissionDenied", field: said}
        assert json.loads(metadata_of(payload))[field] == kept


@pytest.mark.parametrize("field", CONTENT_FIELDS)
@pytest.mark.parametrize("shape", [CONTENT, {"a": CONTENT, "error": CONTENT}, [CONTENT], [{"a": [CONTENT]}]], ids=str)
def test_no_content_is_left(field: str, shape: Any) -> None:
    """This holds for any field and any type."""
    calls = [{"tool_name": "Bash", "tool_use_id": "t", "tool_input": shape, "tool_response": shape, "other": shape}]
    payload = {"session_id": "s", "hook_event_name": "Stop", field: shape, "tool_calls": calls, "unknown": shape}

    assert CONTENT.encode() not in metadata_of(payload)


@given(st.sampled_from(PAYLOADS))
def test_recorded_payloads_keep_what_counts(payload: dict[str, Any]) -> None:
    """Names, ids and outcomes stay; texts of users and files do not."""
    kept = json.loads(metadata_of(payload))

    for name in ("session_id", "hook_event_name", "tool_name", "tool_use_id", "agent_id", "agent_type", "prompt_id"):
        assert kept.get(name) == payload.get(name)
    assert bool(kept.get("error")) is False
    assert not {"prompt", "tool_input", "cwd", "transcript_path", "last_assistant_message"} & kept.keys()


@pytest.mark.parametrize("size", [10, 990_000, 1_100_000, 5_000_000])
def test_what_is_too_large_is_shortened(size: int) -> None:
    """The longest texts are shortened first; the fields that identify the event stay."""
    payload = {"session_id": "s", "hook_event_name": "PostToolUse", "tool_input": {"a": "x" * 50, "b": ["y" * size]}}
    raw = json.dumps(payload).encode()

    sent = bounded(payload, raw)

    assert len(sent) <= PAYLOAD_BYTES_MAX
    assert (sent == raw) is (len(raw) <= PAYLOAD_BYTES_MAX)
    assert json.loads(sent)["tool_input"]["a"] == "x" * 50


def test_what_can_not_be_shortened_is_sent_as_metadata() -> None:
    """A payload of a million numbers has no long text."""
    payload = {"session_id": "s", "hook_event_name": "Stop", "tool_input": list(range(300_000))}

    sent = bounded(payload, json.dumps(payload).encode())

    assert json.loads(sent) == {"session_id": "s", "hook_event_name": "Stop"}


REMOTES = (
    *("https://host/a.git", "https://user:pw@host/a.git", "https://ghp_token@host/a.git", "ssh://git@host:22/a.git"),
    *(
        "ssh://git:pw@host/a.git",
        "git@host:a/b.git",
        "git:pw@host:a/b.git",
        "https://u:p/w@host/a",
        "https://host:80/a@b",
    ),
    *(
        "https://host/a.git?token=x#y",
        "git+ssh://me@host/a",
        "/srv/a.git",
        "../a",
        "",
        " https://t@h/a\n",
        "C:\\a",
        "@",
        "@:",
    ),
)


@pytest.mark.parametrize("address", REMOTES)
def test_a_remote_leaves_without_its_credentials(address: str) -> None:
    """The installation would store the same, so a session's remote does not change."""
    sent = leaving_context({"remote_url": address}, is_private=False)

    assert sent == {"remote_url": clean_remote(address).url}


@given(st.text(st.sampled_from("a:/@?#.~-"), max_size=20), st.sampled_from(["", "https://", "ssh://", "git@"]))
def test_any_remote_leaves_as_the_installation_would_keep_it(text: str, scheme: str) -> None:
    """This holds for any parts of a URL."""
    assert without_credentials(scheme + text) == clean_remote(scheme + text).url


def test_a_long_token_in_a_remote_is_cut_and_not_shortened() -> None:
    """Truncation must not remove the part that shows that it is a token."""
    address = f"https://{'t' * 5_000}@host/a.git"

    assert leaving_context({"remote_url": address}, is_private=False) == {"remote_url": "https://host/a.git"}


@pytest.mark.parametrize("text", ["\x1b[2J", "a\tb", "\x9b", "\udcff"])
def test_a_branch_that_can_not_be_printed_is_left_out(text: str) -> None:
    """The installation would refuse the event because of it."""
    assert leaving_context({"branch": text, "attended": True}, is_private=False) == {"attended": True}
