"""Tool uses: a call, an outcome, and the batch that names them again. Where no id tells uses apart, each counts."""

from processors.fold.amounts import add_tool
from processors.fold.parsed import Parsed
from processors.fold.permissions import batched, has_run, is_denied, may_ask
from processors.fold.state import SessionState, TaskState, ToolState, wrapped
from processors.fold.subagents import launched, subagent
from processors.fold.tasks import DURATION, NAME, begin_task, end_task, goes_on, is_better, touch
from schemas.store.rows import FactRow


def tool_begun(state: SessionState, row: FactRow, parsed: Parsed) -> None:
    if row.tool_use_id:
        use = _tool_use(state, row, parsed)
        may_ask(state, use, parsed.permission)
        begin_task(state, use, row.timestamp, is_weak=parsed.telemetry)
    else:
        tool = state.tool(row.tool_name)
        if tool.bare_calls >= tool.telemetry_calls:
            add_tool(state, row.timestamp, row.tool_name, 1)
        tool.bare_calls += 1
        _count_for_agent(state, row)


def tool_finished(state: SessionState, row: FactRow, parsed: Parsed) -> None:
    """End a use, unless its shell continues in the background."""
    if not row.tool_use_id:
        return _outcome_without_id(state, row, parsed)
    use = _tool_use(state, row, parsed)
    has_run(use)
    if parsed.agent_id:
        launched(state, use, parsed.agent_id, runs_on=bool(parsed.background))
    if parsed.background and not parsed.agent_id:
        use.background = parsed.background
        state.shells[parsed.background] = use.task_id
        _take_duration(state, use, row, parsed)
        return goes_on(state, use)
    return _finish(state, use, row, parsed)


def tool_failed(state: SessionState, row: FactRow, parsed: Parsed) -> None:
    """Count an error: once per use, or each time where no id tells uses apart."""
    if not row.tool_use_id:
        return _outcome_without_id(state, row, parsed, errors=1)
    use = _tool_use(state, row, parsed)
    has_run(use)
    _fail(state, use, row)
    return _finish(state, use, row, parsed)


def tool_denied(state: SessionState, row: FactRow, parsed: Parsed) -> None:
    """Note that a user or a rule denied a use."""
    if row.tool_use_id:
        use = _tool_use(state, row, parsed)
        use.denied = True
        _end(state, use, row, parsed)


def tool_batch(state: SessionState, row: FactRow, parsed: Parsed) -> None:
    """Take a batch of calls: only a batch says which calls were refused, and it ends calls that nothing else ends."""
    for call in parsed.calls:
        use = _use(state, call.tool_use_id, call.tool_name, row)
        _belongs_to_agent(state, use, row)
        was = use.ended_at, use.errors, is_denied(use)
        if call.outcome == "error":
            _fail(state, use, row)
        batched(state, use, is_denied_by_text=call.outcome == "denied")
        if not use.background and is_better(use, row.timestamp):
            end_task(state, use, row.timestamp, is_weak=True)
        elif was != (use.ended_at, use.errors, is_denied(use)):
            touch(state, use)


def _tool_use(state: SessionState, row: FactRow, parsed: Parsed) -> TaskState:
    use = _use(state, row.tool_use_id, row.tool_name, row, is_weak=parsed.telemetry)
    _belongs_to_agent(state, use, row)
    return use


def _use(state: SessionState, tool_use_id: str, name: str, row: FactRow, *, is_weak: bool = False) -> TaskState:
    """Return a tool use. The first payload with its id counts as the call, whichever half of the pair it is.

    Telemetry hides some names, so the first name from a hook stays.
    """
    use = state.uses.get(tool_use_id)
    if use is None:
        use = state.uses[tool_use_id] = TaskState("tool", tool_use_id, name=name, weak=NAME if is_weak else 0)
        state.tool(name).calls += 1
        add_tool(state, row.timestamp, name, 1)
    elif use.weak & NAME and not is_weak:
        _rename(state, use, name, row)
    return use


def _rename(state: SessionState, use: TaskState, name: str, row: FactRow) -> None:
    use.weak &= ~NAME
    if name == use.name:
        return
    duration_ms = use.duration_ms or 0
    for one, sign in ((use.name, -1), (name, 1)):
        tool = state.tool(one)
        tool.calls += sign
        tool.errors += sign * use.errors
        tool.duration_ms = wrapped(tool.duration_ms + sign * duration_ms)
        add_tool(state, row.timestamp, one, sign, sign * use.errors, sign * duration_ms)
    if state.tool(use.name) == ToolState():
        del state.tools[use.name]
    use.name = name


def _belongs_to_agent(state: SessionState, use: TaskState, row: FactRow) -> None:
    """Note the agent of a use: the first one that any of its payloads names."""
    if row.agent_id and not use.parent:
        use.parent = row.agent_id
        _count_for_agent(state, row)


def _count_for_agent(state: SessionState, row: FactRow) -> None:
    """Count a tool call for its subagent, by the session's rule."""
    if row.agent_id:
        agent = subagent(state, row)
        agent.tool_calls += 1
        touch(state, agent)


def _finish(state: SessionState, use: TaskState, row: FactRow, parsed: Parsed) -> None:
    _take_duration(state, use, row, parsed)
    _end(state, use, row, parsed)


def _end(state: SessionState, use: TaskState, row: FactRow, parsed: Parsed) -> None:
    """End a tool use. Telemetry does not know that a shell continues."""
    if use.background and parsed.telemetry:
        touch(state, use)
    else:
        end_task(state, use, row.timestamp, is_weak=parsed.telemetry)


def _take_duration(state: SessionState, use: TaskState, row: FactRow, parsed: Parsed) -> None:
    """Take the first reported duration, but prefer one from hooks to one from telemetry."""
    if row.duration_ms is not None and (use.duration_ms is None or (use.weak & DURATION and not parsed.telemetry)):
        more = row.duration_ms - (use.duration_ms or 0)
        tool = state.tool(use.name)
        tool.duration_ms = wrapped(tool.duration_ms + more)
        add_tool(state, row.timestamp, use.name, 0, 0, more)
        use.duration_ms = row.duration_ms
        use.weak = use.weak | DURATION if parsed.telemetry else use.weak & ~DURATION


def _fail(state: SessionState, use: TaskState, row: FactRow) -> None:
    if not use.errors:
        use.errors, use.failed = 1, True
        state.tool(use.name).errors += 1
        add_tool(state, row.timestamp, use.name, 0, 1)


def _outcome_without_id(state: SessionState, row: FactRow, parsed: Parsed, errors: int = 0) -> None:
    """Count an outcome. Hooks have already counted its call; telemetry reports nothing else about it."""
    tool = state.tool(row.tool_name)
    before = tool.totals()
    if parsed.telemetry:
        tool.telemetry_calls += 1
        tool.telemetry_errors += errors
        tool.telemetry_duration_ms = wrapped(tool.telemetry_duration_ms + (row.duration_ms or 0))
    else:
        tool.bare_errors += errors
        tool.bare_duration_ms = wrapped(tool.bare_duration_ms + (row.duration_ms or 0))
    after = tool.totals()
    calls, errors = after.calls - before.calls, after.errors - before.errors
    add_tool(state, row.timestamp, row.tool_name, calls, errors, after.duration_ms - before.duration_ms)
