"""The state of a session as of a log position: its values, counters, and the ids already counted."""

from uuid import UUID

from msgspec import Struct, field

from schemas.log.records import MetricsReport


class ToolState(Struct, array_like=True):
    """Counters of one tool."""

    calls: int = 0
    errors: int = 0
    duration_ms: int = 0


class TaskState(Struct, array_like=True):
    """A subagent, a task or a use of a tool. ``version`` = offset of the last record that changed it, + 1."""

    kind: str  # subagent | task | tool
    task_id: str
    name: str = ""
    agent_type: str = ""
    parent: str = ""
    started_at: int | None = None
    ended_at: int | None = None
    duration_ms: int | None = None
    failed: bool = False
    errors: int = 0  # 1 once a use of a tool has reported a failure
    tool_calls: int = 0
    version: int = 0
    touched: bool = False


class SearchedText(Struct, array_like=True):
    """The search text that was made already: from which names, and from how many prompts."""

    names: tuple[str | None, ...] = ()
    names_text: str = ""
    prompts: int = 0
    prompts_text: str = ""


class SessionState(Struct, kw_only=True, array_like=True):
    """A function of the session's facts up to offset ``version - 1``, and of nothing else.

    `processors.fold.frozen` makes bytes of it: a list of the values in the order of the fields.
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
    trigger: str = "interactive"
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

    last_event_at: int | None = None
    ended_at: int | None = None
    outcome: str | None = None
    report: MetricsReport | None = None
    report_received_at: int = 0

    events: int = 0
    prompts: int = 0
    tool_calls: int = 0
    tool_errors: int = 0
    compactions: int = 0
    unknown_events: int = 0
    tools: dict[str, ToolState] = {}
    agents: dict[str, TaskState] = {}  # subagents by agent_id
    tasks: dict[str, TaskState] = {}  # by task_id
    uses: dict[str, TaskState] = {}  # of tools, by tool_use_id
    touched: list[TaskState] = []  # changed since their rows were last made
    redactions: dict[str, int] = {}
    first_prompts: list[str] = []
    searched: SearchedText = field(default_factory=SearchedText)

    @property
    def model(self) -> str | None:
        """The model of the create, else of the last `SessionStart` that named one."""
        return self.created_model or self.started_model

    def tool(self, name: str) -> ToolState:
        """Return the counters of a tool."""
        if (tool := self.tools.get(name)) is None:
            tool = self.tools[name] = ToolState()
        return tool

    def take_touched(self) -> list[TaskState]:
        """Return the tasks that changed since the last call."""
        touched, self.touched = self.touched, []
        for task in touched:
            task.touched = False
        return touched
