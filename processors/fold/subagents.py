"""Subagents: any payload that names an agent adds it, even if its start never arrives."""

from processors.fold.parsed import Parsed
from processors.fold.state import SessionState, TaskState
from processors.fold.tasks import agent_over, begin_task, end_task, touch
from schemas.store.rows import FactRow


def subagent(state: SessionState, row: FactRow) -> TaskState:
    """Return the agent of a payload."""
    agent = state.agents.get(row.agent_id)
    if agent is None:
        agent = state.agents[row.agent_id] = TaskState("subagent", row.agent_id)
        touch(state, agent)
        if row.agent_id in state.launched:
            _stand_under(agent, state.launched[row.agent_id])
        if (stopped_at := state.nameless_stops.pop(row.agent_id, None)) is not None:
            end_task(state, agent, stopped_at)
    if row.agent_type and not agent.agent_type:
        agent.agent_type = agent.name = row.agent_type
        touch(state, agent)
    return agent


def subagent_start(state: SessionState, row: FactRow, _: Parsed) -> None:
    if row.agent_id:
        begin_task(state, subagent(state, row), row.timestamp)


def subagent_stop(state: SessionState, row: FactRow, parsed: Parsed) -> None:
    """End an agent. A nameless one that nothing else names is part of a compaction, not an agent of the session."""
    if not row.agent_id:
        return
    if parsed.nameless and row.agent_id not in state.agents:
        state.nameless_stops.setdefault(row.agent_id, row.timestamp)
        return
    end_task(state, subagent(state, row), row.timestamp, is_weak=parsed.telemetry)
    agent_over(state, row)


def launched(state: SessionState, use: TaskState, agent_id: str, *, runs_on: bool) -> None:
    """Note that a tool use started or resumed an agent; ``runs_on``: the use did not wait for the agent.

    The hierarchy shows the agent under the use that started it.
    """
    first, _ = state.launched.get(agent_id, (use.task_id, False))
    state.launched[agent_id] = first, runs_on
    agent = state.agents.get(agent_id)
    if agent is not None:
        _stand_under(agent, state.launched[agent_id])
        touch(state, agent)


def _stand_under(agent: TaskState, launch: tuple[str, bool]) -> None:
    agent.parent, runs_on = launch
    agent.background = "agent" if runs_on else ""
