"""The requested number of events of one session, in order: all hooks of Claude Code, and measurements."""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice

from cli.demo import sample_data
from cli.demo.session_builder import Extra, SampleEvent, SessionBuilder, uuid_text
from cli.demo.tools import subagent, tool_batch, tool_use
from schemas.hooks import CLAUDE_CODE_HOOKS


def _session_start(builder: SessionBuilder) -> Iterator[SampleEvent]:
    yield builder.event("SessionStart", source="startup", model=builder.model)
    if builder.chance(0.1):
        yield builder.event("Setup", trigger="init")
    for memory, name in (("Project", "CLAUDE.md"), ("User", ".claude/CLAUDE.md")):
        path = f"{builder.base['cwd'] if memory == 'Project' else '/home/dev'}/{name}"
        yield builder.event("InstructionsLoaded", file_path=path, memory_type=memory, load_reason="session_start")


def _prompt(builder: SessionBuilder) -> Iterator[SampleEvent]:
    builder.prompt_id = uuid_text(builder.rng)
    text = builder.rng.choice(sample_data.PROMPTS)
    if builder.chance(0.12):
        command: Extra = {"command_name": "review", "command_args": "--deep", "command_source": "project"}
        yield builder.event("UserPromptExpansion", expansion_type="slash_command", prompt=text, **command)
    yield builder.event("UserPromptSubmit", prompt=text, source="user")
    if builder.chance(0.04):
        call: Extra = {"tool_name": "Bash", "tool_input": {"command": "git status"}, "invoked_by": "user"}
        skill_id = f"{uuid_text(builder.rng)}:inner:preamble-0"
        yield builder.event("PreSkillShellCommand", tool_use_id=skill_id, command_name="status", **call)


def _model_message(builder: SessionBuilder) -> Iterator[SampleEvent]:
    """Yield the model's message in pieces, then its stop or a failure."""
    turn, message = uuid_text(builder.rng), uuid_text(builder.rng)
    for index in range(pieces := builder.rng.randint(1, 3)):
        part: Extra = {"index": index, "final": index == pieces - 1, "delta": builder.prose(1, 3)}
        yield builder.event("MessageDisplay", turn_id=turn, message_id=message, **part)
    if builder.chance(0.04):
        yield builder.event("StopFailure", error="overloaded", error_details="529 after 10 attempts")
    else:
        yield builder.event("Stop", stop_hook_active=False, last_assistant_message=builder.prose(1, 4))


def _measurements(builder: SessionBuilder) -> Iterator[SampleEvent]:
    """Yield the results of a turn as an agent's telemetry: lines, sometimes commits, and active time."""
    work: dict[str, float] = {"active_seconds": round(builder.rng.expovariate(1 / 90), 1)}
    if builder.chance(0.7):
        work |= {"lines_added": builder.rng.randint(1, 80), "lines_removed": builder.rng.randint(0, 30)}
    if builder.chance(0.25):
        work["commits"] = 1
    if builder.chance(0.04):
        work["pull_requests"] = 1
    for name, value in work.items():
        yield "Measurement", {"name": name, "value": value}


def _task_created(builder: SessionBuilder) -> Iterator[SampleEvent]:
    """Yield a new task and remember it as open."""
    builder.tasks += 1
    task = (str(builder.tasks), builder.rng.choice(sample_data.TASKS))
    builder.open_tasks.append(task)
    description = builder.prose(1, 2)
    yield builder.event("TaskCreated", task_id=task[0], task_subject=task[1], task_description=description)


def _task_completed(builder: SessionBuilder) -> Iterator[SampleEvent]:
    """Yield the completion of the oldest open task, if any."""
    if builder.open_tasks:
        task_id, subject = builder.open_tasks.pop(0)
        yield builder.event("TaskCompleted", task_id=task_id, task_subject=subject)


def _worktree(builder: SessionBuilder) -> Iterator[SampleEvent]:
    name = f"try-{builder.hex(6)}"
    yield builder.event("WorktreeCreate", name=name)
    yield from tool_use(builder)
    yield builder.event("WorktreeRemove", worktree_path=f"{builder.base['cwd']}/.claude/worktrees/{name}")


def _elicitation(builder: SessionBuilder) -> Iterator[SampleEvent]:
    """Yield a question from a tool server and the user's response."""
    ask: Extra = {"mcp_server_name": "github", "elicitation_id": builder.hex(12), "mode": "form"}
    schema: Extra = {"type": "object", "properties": {"reviewer": {"type": "string"}}}
    yield builder.event("Elicitation", message="Who reviews this?", requested_schema=schema, **ask)
    answer: Extra = {"action": "accept", "content": {"reviewer": builder.rng.choice(sample_data.USERS)}}
    yield builder.event("ElicitationResult", **answer, **ask)


def _model_switch(builder: SessionBuilder) -> Iterator[SampleEvent]:
    switch: Extra = {"from_model": builder.model, "to_model": "claude-haiku-4-5", "requested_model": "haiku"}
    cache: Extra = {"context_tokens": builder.rng.randint(8_000, 150_000), "prompt_cache_warm": True, "cache_ttl": "5m"}
    cost: Extra = {"estimated_cache_write_usd": 0.0421, "pricing": "catalog", "source": "picker"}
    for kind in ("PreModelSwitch", "PostModelSwitch"):
        yield builder.event(kind, **switch, **cache, **cost)


def _folder_change(builder: SessionBuilder) -> Iterator[SampleEvent]:
    cwd = builder.base["cwd"]
    yield builder.event("CwdChanged", old_cwd=cwd, new_cwd=f"{cwd}/{builder.rng.choice(builder.project.components)}")
    yield builder.event("DirectoryAdded", directory=f"{cwd}-docs", source="slash_command")


# How often each occurs within a turn, relative to the others.
_WEIGHTS: dict[Callable[[SessionBuilder], Iterable[SampleEvent]], float] = {
    tool_use: 100,
    tool_batch: 10,
    subagent: 4,
    _task_created: 5,
    _task_completed: 5,
    lambda it: [
        it.event("Notification", message="Claude is waiting for your input", notification_type="idle_prompt")
    ]: 3,
    lambda it: [it.event("PreCompact", trigger="auto"), it.event("PostCompact", compact_summary=it.prose(3, 6))]: 0.7,
    _model_switch: 0.7,
    lambda it: [it.event("ConfigChange", source="project_settings")]: 0.7,
    _folder_change: 1,
    _worktree: 0.6,
    _elicitation: 0.8,
    lambda it: [it.event("TeammateIdle", teammate_name="tester", team_name=it.project.project_id)]: 0.8,
}

TOUR_EVENTS = 160  # enough for every kind of event


def make_events(builder: SessionBuilder, count: int, ended: bool, tour: bool) -> Iterator[SampleEvent]:
    """Yield ``count`` hook events; with ``tour`` and at least `TOUR_EVENTS` events, every known kind occurs."""
    events = chain(_tour(builder) if tour else (), _turns(builder))
    yield from islice(events, count - 1 if ended else count)
    if ended:
        yield builder.event("SessionEnd", reason=builder.rng.choice(("prompt_input_exit", "logout", "clear", "other")))


def _turns(builder: SessionBuilder) -> Iterator[SampleEvent]:
    yield from _session_start(builder)
    while True:
        yield from _prompt(builder)
        for sequence in builder.rng.choices(list(_WEIGHTS), list(_WEIGHTS.values()), k=builder.rng.randint(3, 18)):
            yield from sequence(builder)
        yield from _model_message(builder)
        if builder.chance(0.5):
            yield from _measurements(builder)


def _tour(builder: SessionBuilder) -> Iterator[SampleEvent]:
    """Yield sequences with kinds of events that have not occurred yet, until every kind has."""
    missing = {*CLAUDE_CODE_HOOKS, "Measurement"} - {"SessionEnd"}
    while missing:
        for sequence in (_session_start, _prompt, *_WEIGHTS, _model_message, _measurements):
            events = list(sequence(builder))
            kinds = {kind for kind, _ in events}
            if kinds & missing:
                missing -= kinds
                yield from events
