"""The state of a session as of a log position: its values, counters, and the ids already counted.

Frozen, a state is a string of bytes: it takes a sixth of the memory, and depends only on the session's facts.
"""

from hashlib import blake2b
from uuid import UUID

import msgspec
from msgspec import Struct, field, structs

from schemas.log.records import MetricsReport, WorkTotals

_HALF, _WRAP = 1 << 63, (1 << 64) - 1


def wrapped(number: int) -> int:
    """Return a sum of 64 bits: it wraps around as those of the store do. Only absurd events reach this."""
    return (number + _HALF & _WRAP) - _HALF


# The model (None: the session's own) and the time (ms) whose prices count (0: the client gave the cost).
PricedAt = tuple[str | None, int]


class ToolState(Struct, array_like=True):
    """Counters of one tool: uses with an id; hooks without; telemetry without, which may report the same uses."""

    calls: int = 0
    errors: int = 0
    duration_ms: int = 0
    bare_calls: int = 0
    bare_errors: int = 0
    bare_duration_ms: int = 0
    telemetry_calls: int = 0
    telemetry_errors: int = 0
    telemetry_duration_ms: int = 0

    def totals(self) -> "ToolAmounts":
        """Return what counts. If hooks and telemetry count the same uses without ids, the higher is right."""
        return ToolAmounts(
            self.calls + max(self.bare_calls, self.telemetry_calls),
            self.errors + max(self.bare_errors, self.telemetry_errors),
            self.duration_ms + max(self.bare_duration_ms, self.telemetry_duration_ms),
        )


class TaskState(Struct, array_like=True):
    """A subagent, a task or a tool use. ``version`` = offset of the last record that changed it, + 1."""

    kind: str  # subagent | task | tool
    task_id: str
    name: str = ""
    agent_type: str = ""
    parent: str = ""
    started_at: int | None = None
    ended_at: int | None = None
    duration_ms: int | None = None
    failed: bool = False
    denied: bool = False
    cancelled: bool = False  # its turn ended before it did
    background: str = ""  # what runs on beyond its turn: a shell's id, or `agent`
    errors: int = 0  # 1 once a tool use has reported a failure
    weak: int = 0  # which values hooks may still correct, see `processors.fold.tasks`
    tool_calls: int = 0
    version: int = 0
    touched: bool = False
    signs: int = 0  # whether a tool use was denied, see `processors.fold.permissions`
    permission: str = ""  # what a use would ask for, until it ran


class Asked(Struct, array_like=True):
    """Counters of prompts that users typed, see `processors.fold.prompts`. A bare prompt has no id."""

    by_hooks: dict[str, int] = {}  # by the prompt's id; 0 if the client wrote it
    by_telemetry: dict[str, int] = {}
    joined: int = 0  # reported by both, and typed by users as hooks say
    only_by_hooks: int = 0
    only_by_telemetry: int = 0
    bare_by_hooks: int = 0
    bare_by_telemetry: int = 0


class Span(Struct, array_like=True):
    """One stretch of a session, from a start to an end; a reopened session has another."""

    started_at: int
    ended_at: int | None = None
    outcome: str | None = None


class Tokens(Struct, array_like=True):
    """Sums of tokens. ``cost_nano`` is what the client gave."""

    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_creation_tokens: int = 0
    cache_creation_1h_tokens: int = 0
    cost_nano: int = 0

    def add(self, other: "Tokens", sign: int = 1) -> None:
        """Add the other sums, or subtract them."""
        self.input_tokens = wrapped(self.input_tokens + sign * other.input_tokens)
        self.output_tokens = wrapped(self.output_tokens + sign * other.output_tokens)
        self.cache_read_tokens = wrapped(self.cache_read_tokens + sign * other.cache_read_tokens)
        self.cache_creation_tokens = wrapped(self.cache_creation_tokens + sign * other.cache_creation_tokens)
        self.cache_creation_1h_tokens = wrapped(self.cache_creation_1h_tokens + sign * other.cache_creation_1h_tokens)
        self.cost_nano = wrapped(self.cost_nano + sign * other.cost_nano)

    @property
    def all(self) -> int:
        return self.input_tokens + self.output_tokens + self.cache_read_tokens + self.cache_creation_tokens


class Spent(Tokens):
    """Sums of requests to one model by one agent."""

    requests: int = 0


class Work(Struct, array_like=True):
    lines_added: int = 0
    lines_removed: int = 0
    commits: int = 0
    pull_requests: int = 0
    active_ms: int = 0


class ToolAmounts(Struct, array_like=True):
    """What was counted for one tool; a correction may take something away."""

    calls: int = 0
    errors: int = 0
    duration_ms: int = 0


class Amounts(Struct, array_like=True):
    """What happened in one bucket of time, see `processors.fold.amounts`. Any of it may be negative.

    ``version`` = offset of the last record that changed it, + 1. ``used``: the tokens and costs that count.
    """

    version: int = 0
    used: dict[PricedAt, Tokens] = {}
    tools: dict[str, ToolAmounts] = {}
    work: Work = field(default_factory=Work)
    prompts: int = 0
    api_requests: int = 0
    api_errors: int = 0


class Said(Struct, array_like=True):
    """The latest of several texts, by the time of its event."""

    text: str | None = None
    at: int = -1

    def take(self, text: str, at: int) -> None:
        """Take a text unless a later one was taken."""
        if text and at >= self.at:
            self.text, self.at = text, at


class SearchedText(Struct, array_like=True):
    """The search text made so far: from which names, and from how many prompts."""

    names: tuple[str | None, ...] = ()
    names_text: str = ""
    of_telemetry: bool = False
    prompts: int = 0
    prompts_text: str = ""


class SessionState(Struct, kw_only=True, array_like=True):
    """A function of the session's facts up to offset ``version - 1``, and of nothing else.

    Its bytes are a list of the values in the order of the fields.
    """

    org_id: str
    session_id: UUID
    log_partition: int
    started_at: int
    user_id: str
    version: int = 0
    seen: dict[int, None] = {}  # the ids of the counted facts, in log order

    created: bool = False
    run_id: UUID | None = None
    parent_id: UUID | None = None
    relation: str | None = None
    external_id: str | None = None
    trigger: str | None = None
    project_id: str | None = None
    repository_id: str | None = None
    repo: str | None = None
    remote_url: str | None = None
    component: str | None = None
    branch: str | None = None
    agent_name: str | None = None
    created_model: str | None = None
    started_model: str | None = None
    title: str | None = None
    summary: str | None = None
    changed: dict[str, None] = {}  # fields that a change set or cleared

    created_for: str | None = None  # the agent that a create names
    client: str | None = None
    client_version: str | None = None
    described: dict[str, str] = {}  # what the client says, used where no value was given
    said_title: Said = field(default_factory=Said)
    said_summary: Said = field(default_factory=Said)
    said_model: Said = field(default_factory=Said)

    last_event_at: int | None = None
    first_event_at: int | None = None
    spans: list[Span] = []
    starts: list[int] = []  # in the last span, ordered
    turn_over_at: int = -1  # of the main agent
    span_over_at: int = -1
    report: MetricsReport | None = None
    priced_at: int = 0  # the time whose prices count for the report: when its totals were first reported
    work_report: MetricsReport | None = None

    events: int = 0
    asked: Asked = field(default_factory=Asked)
    compactions: int = 0
    telemetry_compactions: int = 0
    unknown_events: int = 0
    tools: dict[str, ToolState] = {}
    agents: dict[str, TaskState] = {}  # subagents by agent_id
    tasks: dict[str, TaskState] = {}  # by task_id
    uses: dict[str, TaskState] = {}  # of tools, by tool_use_id
    open_uses: dict[str, None] = {}
    open_agents: dict[str, None] = {}
    permissions: dict[str, None] = {}  # those that users were asked for
    may_ask: dict[str, list[str]] = {}  # tool uses in batches that did not run yet, by what they would ask for
    launched: dict[str, tuple[str, bool]] = {}  # by agent_id: the tool use, and whether it did not wait
    nameless_stops: dict[str, int] = {}  # of agents that nothing else names
    shells: dict[str, str] = {}  # tool uses by the id of the shell that they left running
    touched: list[TaskState] = []  # changed since their rows were last made
    redactions: dict[str, int] = {}
    first_prompts: list[str] = []
    telemetry_first_prompts: list[str] = []

    requests: dict[str, None] = {}  # ids of the counted requests to models
    spent: dict[tuple[str, str, int], Spent] = {}  # by model, agent, and the hour to price them at (0: priced)
    api_requests: int = 0
    api_errors: int = 0
    work: Work = field(default_factory=Work)
    series: dict[str, int] = {}  # of measurements: their sums so far
    measured_tokens: int = 0
    is_reported: bool = False  # the report counts, not what was measured
    reported_tokens: int = 0
    amounts: dict[int, Amounts] = {}  # by bucket
    buckets: list[int] = []  # in order
    sums: int = 0  # of tokens, in all buckets
    crowded_at: int | None = None  # the bucket to which tokens go once there were too many sums
    moved: dict[int, None] = {}  # buckets that changed since their rows were last made
    searched: SearchedText = field(default_factory=SearchedText)

    @property
    def model(self) -> str | None:
        """The model of the create, else of the last `SessionStart` with one; a report that names none has this one."""
        return self.created_model or self.started_model

    @property
    def ended_at(self) -> int | None:
        return self.spans[-1].ended_at

    @property
    def outcome(self) -> str | None:
        return self.spans[-1].outcome

    @property
    def first_asked(self) -> list[str]:
        return self.first_prompts or self.telemetry_first_prompts

    @property
    def work_done(self) -> Work | WorkTotals:
        """What was reported, else what was measured."""
        reported = None if self.work_report is None else self.work_report.work
        return self.work if reported is None else reported

    def tool(self, name: str) -> ToolState:
        if (tool := self.tools.get(name)) is None:
            tool = self.tools[name] = ToolState()
        return tool

    def change_all(self) -> None:
        """Let the rows of all tasks and buckets be made again. The state must have been taken."""
        tasks = (*self.agents.values(), *self.tasks.values(), *self.uses.values())
        self.touched = [task for task in tasks if task.version]
        self.moved = dict.fromkeys(self.buckets)

    def take_changed(self) -> tuple[list[TaskState], list[int]]:
        """Return the tasks and the buckets of amounts that changed since the last call."""
        touched, self.touched = self.touched, []
        for task in touched:
            task.touched = False
        moved, self.moved = [*self.moved], {}
        return touched, moved


_ID_BYTES = 16
_encode = msgspec.msgpack.Encoder(uuid_format="bytes").encode
_decode = msgspec.msgpack.Decoder(tuple[SessionState, bytes]).decode
# Names the form of the bytes: a version of the code with other fields does not read them.
LAYOUT = int.from_bytes(blake2b(repr(msgspec.inspect.type_info(SessionState)).encode(), digest_size=8).digest(), "big")


def freeze(state: SessionState) -> bytes:
    """Return a state whose tasks were taken; equal states give equal bytes."""
    ids = b"".join([event_id.to_bytes(_ID_BYTES, "big") for event_id in state.seen])
    return _encode((structs.replace(state, seen={}, moved={}, searched=SearchedText()), ids))


def thaw(frozen: bytes) -> SessionState:
    """Return the state. Its search text is made again when its row is."""
    state, ids = _decode(frozen)
    state.seen = {int.from_bytes(ids[i : i + _ID_BYTES], "big"): None for i in range(0, len(ids), _ID_BYTES)}
    return state
