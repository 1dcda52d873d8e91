"""What else happens in a session besides the use of tools; together with `tools` all 33 kinds of hook event."""

from collections.abc import Callable, Iterator

from cli.demo import sample_data
from cli.demo.session_builder import Extra, Happening, Stage, uuid_text
from cli.demo.tools import subagent, tool_batch, tool_use

Episode = Callable[[Stage], Iterator[Happening]]


def opening(stage: Stage) -> Iterator[Happening]:
    """A session starts."""
    yield stage.event("SessionStart", source="startup", model=stage.model)
    if stage.chance(0.1):
        yield stage.event("Setup", trigger="init")
    for memory, name in (("Project", "CLAUDE.md"), ("User", ".claude/CLAUDE.md")):
        path = f"{stage.base['cwd'] if memory == 'Project' else '/home/dev'}/{name}"
        yield stage.event("InstructionsLoaded", file_path=path, memory_type=memory, load_reason="session_start")


def prompt(stage: Stage) -> Iterator[Happening]:
    """Somebody asks for something."""
    stage.prompt_id = uuid_text(stage.rng)
    text = stage.rng.choice(sample_data.PROMPTS)
    if stage.chance(0.12):
        command: Extra = {"command_name": "review", "command_args": "--deep", "command_source": "project"}
        yield stage.event("UserPromptExpansion", expansion_type="slash_command", prompt=text, **command)
    yield stage.event("UserPromptSubmit", prompt=text, source="user")


def answer(stage: Stage) -> Iterator[Happening]:
    """The model says something, piece by piece, and stops; sometimes it can't."""
    turn, message = uuid_text(stage.rng), uuid_text(stage.rng)
    for index in range(pieces := stage.rng.randint(1, 3)):
        part: Extra = {"index": index, "final": index == pieces - 1, "delta": stage.prose(1, 3)}
        yield stage.event("MessageDisplay", turn_id=turn, message_id=message, **part)
    if stage.chance(0.04):
        yield stage.event("StopFailure", error="overloaded", error_details="529 after 10 attempts")
    else:
        yield stage.event("Stop", stop_hook_active=False, last_assistant_message=stage.prose(1, 4))


def notification(stage: Stage) -> Iterator[Happening]:
    """Somebody is waited for."""
    text = "Claude is waiting for your input"
    yield stage.event("Notification", message=text, title="Claude Code", notification_type="idle_prompt")


def compaction(stage: Stage) -> Iterator[Happening]:
    """The context is full and is made smaller."""
    yield stage.event("PreCompact", trigger="auto", custom_instructions=None)
    yield stage.event("PostCompact", trigger="auto", compact_summary=stage.prose(3, 6))


def model_switch(stage: Stage) -> Iterator[Happening]:
    """Another model takes over."""
    switch: Extra = {"from_model": stage.model, "to_model": "claude-haiku-4-5", "requested_model": "haiku"}
    cache: Extra = {"context_tokens": stage.rng.randint(8_000, 150_000), "prompt_cache_warm": True, "cache_ttl": "5m"}
    cost: Extra = {"estimated_cache_write_usd": 0.0421, "pricing": "catalog"}
    for kind in ("PreModelSwitch", "PostModelSwitch"):
        yield stage.event(kind, source="picker", **switch, **cache, **cost)


def task_begins(stage: Stage) -> Iterator[Happening]:
    """A task is noted."""
    stage.tasks += 1
    task = (str(stage.tasks), stage.rng.choice(sample_data.TASKS))
    stage.open_tasks.append(task)
    description = stage.prose(1, 2)
    yield stage.event("TaskCreated", task_id=task[0], task_subject=task[1], task_description=description)


def task_ends(stage: Stage) -> Iterator[Happening]:
    """A task is done, if there is one."""
    if stage.open_tasks:
        task_id, subject = stage.open_tasks.pop(0)
        yield stage.event("TaskCompleted", task_id=task_id, task_subject=subject)


def teammate(stage: Stage) -> Iterator[Happening]:
    """A teammate has nothing to do."""
    yield stage.event("TeammateIdle", teammate_name="tester", team_name=stage.project.project_id)


def settings(stage: Stage) -> Iterator[Happening]:
    """Somebody changes settings."""
    path = f"{stage.base['cwd']}/.claude/settings.json"
    yield stage.event("ConfigChange", source="project_settings", file_path=path)


def places(stage: Stage) -> Iterator[Happening]:
    """Work moves to another folder."""
    cwd = stage.base["cwd"]
    yield stage.event("CwdChanged", old_cwd=cwd, new_cwd=f"{cwd}/{stage.rng.choice(stage.project.components)}")
    yield stage.event("DirectoryAdded", directory=f"{cwd}-docs", source="slash_command")


def worktree(stage: Stage) -> Iterator[Happening]:
    """Work happens in a copy of its own."""
    name = f"try-{stage.hex(6)}"
    yield stage.event("WorktreeCreate", name=name)
    yield from tool_use(stage)
    yield stage.event("WorktreeRemove", worktree_path=f"{stage.base['cwd']}/.claude/worktrees/{name}")


def elicitation(stage: Stage) -> Iterator[Happening]:
    """A tool's server asks back."""
    ask: Extra = {"mcp_server_name": "github", "elicitation_id": stage.hex(12), "mode": "form"}
    schema: Extra = {"type": "object", "properties": {"reviewer": {"type": "string"}}}
    yield stage.event("Elicitation", message="Who reviews this?", requested_schema=schema, **ask)
    reply: Extra = {"action": "accept", "content": {"reviewer": stage.rng.choice(sample_data.USERS)}}
    yield stage.event("ElicitationResult", **reply, **ask)


# How often each happens within a turn, relative to one another.
WORK: dict[Episode, float] = {
    tool_use: 100,
    tool_batch: 10,
    subagent: 4,
    task_begins: 5,
    task_ends: 5,
    notification: 3,
    compaction: 0.7,
    model_switch: 0.7,
    settings: 0.7,
    places: 1,
    worktree: 0.6,
    elicitation: 0.8,
    teammate: 0.8,
}
