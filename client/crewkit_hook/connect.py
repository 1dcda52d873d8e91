"""Connects agents: saves the client's settings, writes hooks into the agents' files, and reads a test event back."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path

from crewkit_hook import program, spool
from crewkit_hook import settings as client_settings
from crewkit_hook.agents.registry import AGENTS
from crewkit_hook.api import Answer, Api, Unreachable
from crewkit_hook.foreign import printable
from crewkit_hook.hook_files import add, check, remove
from crewkit_hook.settings import Settings
from crewkit_hook.transcripts.lines import instant, object_of

READ_BACK_S = 30.0
Say = Callable[[str], None]


class Failed(Exception):
    """An agent could not be connected. The message says why, and what to do."""


def connect(home: str, chosen: Settings, clients: Sequence[str], project: Path | None, say: Say) -> None:
    """Connect agents of this user, or in one project.

    Raises `Failed` if the installation does not answer as it should, and no hook was written, or if a hook does not
    work. Raises `hook_files.Broken` if a settings file is not valid, and no file was changed.
    """
    agents = [AGENTS[client] for client in clients]
    for agent in agents:
        check(agent, project)
    say(f"Installation: {chosen.url}, org {chosen.org}")
    position = _test(Api(chosen))
    say(f"  a test event was recorded at {position}, and read back")
    spool.make(home)
    client_settings.save(home, chosen)
    runs = program.install()
    for agent in agents:
        _try(runs.command(agent.name))
        say(f"{agent.name}: {len(agent.events)} hooks are in {add(agent, project, runs)}")
    for agent in agents:
        if agent.advice:
            say(agent.advice)
    say("Connected. `crewkit-hook status` shows what is waiting; `crewkit-hook import` sends past sessions.")


def disconnect(clients: Sequence[str], project: Path | None, say: Say) -> None:
    """Take our hooks out of the agents' files. Raises `hook_files.Broken` if one is not valid; it stays unchanged."""
    for agent in (AGENTS[client] for client in clients):
        was_there = remove(agent, project)
        path = agent.path(project)
        say(f"{agent.name}: hooks removed from {path}" if was_there else f"{agent.name}: there were no hooks in {path}")


def _test(api: Api) -> str:
    """Record an event, and read its receipt; return its position."""
    name = f"connection-test:{os.uname().nodename}"  # the same at every `connect` on this machine
    try:
        answer = api.send("claude-code", _test_batch(name))
        if _rejection(answer):  # that session was erased, so it takes no more events
            answer = api.send("claude-code", _test_batch(f"{name}:{uuid.uuid4()}"))
    except Unreachable as error:
        raise Failed(f"the installation can't be reached: {error}. Is the address right? Is it running?") from error
    if answer.status in (401, 403):
        raise Failed(f"the token is not accepted ({answer.error}): make a new one with `crewkit-sessions token`")
    if answer.status != 202:
        raise Failed(f"the installation did not accept a test event: {answer.error}")
    if _rejection(answer):
        raise Failed(f"the installation did not accept a test event: {_rejection(answer)}")
    receipt: Answer | None = None
    give_up_at = time.monotonic() + READ_BACK_S
    while receipt is None:
        try:
            receipt = api.receipt(answer.position)
        except Unreachable as error:  # noqa: PERF203 (it waits anyway)
            if time.monotonic() > give_up_at:
                sentence = f"the test event was recorded, but can't be read yet ({error}): is a projector running?"
                raise Failed(sentence) from error
            time.sleep(min(error.retry_after_s or 1.0, READ_BACK_S))
    if receipt.status != 200:
        raise Failed(f"the test event was recorded, but not read back: {receipt.error}")
    return printable(answer.position)


def _rejection(answer: Answer) -> str:
    """Return why the first rejected event was rejected; empty if the batch was refused, or nothing was rejected."""
    rejected = answer.body["data"]["rejected"] if answer.status == 202 else []
    return printable(str(object_of(rejected[0]).get("error"))) if rejected else ""


def _test_batch(name: str) -> bytes:
    """Return a session that begins and ends."""
    now = instant(time.time_ns() // 1_000_000)
    payloads = (
        {"session_id": name, "hook_event_name": "SessionStart", "session_title": "Connection test"},
        {"session_id": name, "hook_event_name": "SessionEnd", "reason": "completed"},
    )
    hooks = [{"id": str(uuid.uuid4()), "at": now, "payload": payload} for payload in payloads]
    return json.dumps({"hooks": hooks}).encode()


def _try(command: str) -> None:
    """Run the hook's command as an agent would, in its own folder.

    Raises `Failed` if it does not record the event, or prints something.
    """
    with tempfile.TemporaryDirectory() as probe:
        spool.make(probe)
        Path(probe, spool.SETTINGS).write_text("{}")
        lock = spool.lock_sender(probe)  # so that no sender starts
        environment = {**os.environ, spool.HOME_VARIABLE: probe}
        event = b'{"session_id": "probe", "hook_event_name": "SessionStart"}'
        done = subprocess.run(  # noqa: S602 (as agents do)
            command, shell=True, env=environment, input=event, capture_output=True, timeout=30, check=False
        )
        has_noted = len(spool.waiting(probe)) == 1
        if lock is not None:
            os.close(lock)
    if done.returncode or done.stdout or done.stderr or not has_noted:
        raise Failed(f"the hook does not work here: `{command}` records nothing. Reinstall crewkit-hook")
