"""Subagents, tasks and tool uses: when they begin and end, and which of them a turn's end leaves open.

Some values are weak: they come only from telemetry, or from a batch that names many calls at once. Hooks correct them,
whichever comes first.
"""

from collections.abc import Callable

from processors.fold.state import SessionState, TaskState
from schemas.store.rows import FactRow

STARTED, ENDED, DURATION, NAME = 1, 2, 4, 8  # bits of `TaskState.weak`
_DEPTH_MAX = 64
# Every end of a turn looks at all that is open, and no real agent has this much. Beyond it, the first stay `running`.
OPEN_MAX = 1_000


def touch(state: SessionState, task: TaskState) -> None:
    """Note that a task's row has to be made again."""
    task.version = state.version
    if not task.touched:
        task.touched = True
        state.touched.append(task)


def begin_task(state: SessionState, task: TaskState, at: int, *, is_weak: bool = False) -> None:
    """Note a start: the first one in the log, but prefer one from hooks to one from telemetry."""
    if task.started_at is None or (task.weak & STARTED and not is_weak):
        task.started_at = at
        task.weak = task.weak | STARTED if is_weak else task.weak & ~STARTED
    touch(state, task)
    if task.ended_at is None and not task.cancelled:
        _open(state, task)


def end_task(state: SessionState, task: TaskState, at: int, *, is_weak: bool = False) -> None:
    """Note an end, by the same rule; of two weak ones the earlier."""
    if task.ended_at is None or (task.weak & ENDED and not is_weak):
        task.ended_at = at
        task.weak = task.weak | ENDED if is_weak else task.weak & ~ENDED
    elif task.weak & ENDED:
        task.ended_at = min(task.ended_at, at)
    _open_ones(state, task).pop(task.task_id, None)
    touch(state, task)


def is_better(task: TaskState, at: int) -> bool:
    """Return whether a weak end would change what is known."""
    return task.ended_at is None or bool(task.weak & ENDED and at < task.ended_at)


def goes_on(state: SessionState, task: TaskState) -> None:
    """Note that what a tool use began is still running: only its start is over."""
    if task.weak & ENDED:
        task.ended_at, task.weak = None, task.weak & ~ENDED
    if task.ended_at is None and task.started_at is not None:
        _open(state, task)
    touch(state, task)


def cancel(state: SessionState, task: TaskState) -> None:
    """Note that a task did not end before its turn did. An end that is logged later still counts."""
    task.cancelled = True
    _open_ones(state, task).pop(task.task_id, None)
    touch(state, task)


def turn_over(state: SessionState, at: int) -> None:
    """Close what the main agent's turn left open; what runs in the background continues."""
    state.turn_over_at = max(state.turn_over_at, at)
    _close(state, at, lambda task: not runs_on(state, task))


def agent_over(state: SessionState, row: FactRow) -> None:
    """Close what a subagent left open."""
    _close_uses(state, row.timestamp, lambda use: use.parent == row.agent_id and not use.background)


def span_over(state: SessionState, at: int) -> None:
    """Close all that is open: nothing runs on without the client."""
    state.span_over_at = max(state.span_over_at, at)
    _close(state, at, lambda _: True)
    for task in state.tasks.values():
        if task.started_at is not None and task.ended_at is None and task.started_at <= at and not task.cancelled:
            cancel(state, task)


def runs_on(state: SessionState, task: TaskState) -> bool:
    """Return whether a task, or the agent that it belongs to, continues beyond its turn."""
    for _ in range(_DEPTH_MAX):
        if task.background:
            return True
        found = (state.uses if task.kind == "subagent" else state.agents).get(task.parent)
        if found is None:
            return False
        task = found
    return False


def _close(state: SessionState, at: int, is_over: Callable[[TaskState], bool]) -> None:
    _close_uses(state, at, is_over)
    for name in [*state.open_agents]:
        agent = state.agents[name]
        if (agent.started_at or 0) <= at and is_over(agent):
            cancel(state, agent)


def _close_uses(state: SessionState, at: int, is_over: Callable[[TaskState], bool]) -> None:
    for name in [*state.open_uses]:
        use = state.uses[name]
        if (use.started_at or 0) <= at and is_over(use):
            cancel(state, use)


def _open(state: SessionState, task: TaskState) -> None:
    """Note that a task is open, or cancel it: it may be logged after the end of its turn, or of the session."""
    open_ = _open_ones(state, task)
    if task.task_id not in open_ and len(open_) >= OPEN_MAX:
        del open_[next(iter(open_))]
    open_[task.task_id] = None
    at = task.started_at or 0
    turn_is_over = task.kind != "task" and at < state.turn_over_at  # tasks of a list end only with the session
    if at < state.span_over_at or (turn_is_over and not runs_on(state, task)):
        cancel(state, task)


def _open_ones(state: SessionState, task: TaskState) -> dict[str, None]:
    """Return where tasks of this kind are noted while they are open; tasks of a list end only with the session."""
    if task.kind == "tool":
        return state.open_uses
    return state.open_agents if task.kind == "subagent" else {}
