"""A folder of transcripts as Claude Code writes them, with everything that makes them hard to count."""

import json
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

Line = dict[str, Any]
MODELS = ("claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-4-5")
START_MS = 1_780_000_000_000
DAY_MS = 86_400_000


class Pace(NamedTuple):
    """When sessions start, and how long (ms) it takes at most until the next line, or the next run, of one."""

    start_ms: int = START_MS
    every_ms: int = 3_600_000
    line_ms: int = 2_000
    run_ms: int = 60_000


class Writer:
    """Writes one transcript after the other. Times increase, ids are unique, and everything follows from a seed."""

    def __init__(self, folder: Path, seed: int, pace: "Pace | None" = None) -> None:
        self.folder, self.pace = folder, pace or Pace()
        self.chance = random.Random(seed)
        self.written: list[Transcript] = []
        folder.mkdir(parents=True, exist_ok=True)

    def uuid(self) -> str:
        return str(UUID(int=self.chance.getrandbits(128), version=4))

    def write(self, sessions: int) -> None:
        """Write sessions; some are resumed, forked or killed, or come from an older client without totals."""
        for number in range(sessions):
            at_ms = self.pace.start_ms + number * self.pace.every_ms
            transcript = Transcript(self, at_ms)
            is_old = self.chance.random() < 0.2
            over = [other for other in self.written if other.at_ms < at_ms]
            parent = self.chance.choice(over) if over and self.chance.random() < 0.15 else None
            if parent is not None and not is_old and parent.has_state:
                transcript.fork(parent)
            for run in range(self.chance.choice((1, 1, 1, 2, 3))):
                transcript.run(ends=not is_old and (run > 0 or self.chance.random() < 0.9))
            transcript.save()
            self.written.append(transcript)


class Transcript:
    """The lines of one session and of its subagents."""

    def __init__(self, writer: Writer, at_ms: int) -> None:
        self._writer, self._chance = writer, writer.chance
        self.session_id = writer.uuid()
        self.lines: list[Line] = []
        self._agents: dict[str, list[Line]] = {}
        self.at_ms = at_ms
        self._usage: dict[str, list[int]] = {}  # of the runs that a state line covers
        self._started_ms = 0
        self.has_state = False
        self.hooks: list[tuple[int, Line]] = []  # what the session's hooks would have sent, with times

    def fork(self, parent: "Transcript") -> None:
        """Begin with a copy of the parent's messages. From now on the totals include the parent's usage."""
        prompt = self._writer.uuid()
        for line in parent.lines:
            if line["type"] == "user":
                self.lines.append({**line, "sessionId": self.session_id, "promptId": prompt})
            elif line["type"] == "assistant":
                source = line.get("requestSessionId", parent.session_id)
                self.lines.append({**line, "sessionId": self.session_id, "requestSessionId": source})
        self._usage = {model: list(counts) for model, counts in parent._usage.items()}
        self._started_ms = parent._started_ms

    def run(self, *, ends: bool) -> None:
        """Work for some turns; then write the totals, unless the run is killed or the client is old."""
        self._tick(self._writer.pace.run_ms)
        self._hook("SessionStart", source="startup")
        self._started_ms = self._started_ms or self.at_ms
        used: dict[str, list[int]] = {}
        for _ in range(self._chance.randint(1, 4)):
            self._turn(used)
        if ends:
            for model, counts in used.items():
                before = self._usage.get(model, [0] * 5)
                self._usage[model] = [one + other for one, other in zip(before, counts, strict=True)]
            self._extra(self._usage)
            self.lines.append(self._state())
            self.has_state = True
            self._hook("SessionEnd", reason="other")
        elif self.has_state:
            self.has_state = False  # no state line known to a fork covers what follows
        elif not self._usage:
            self._started_ms = 0  # if this run was killed before its first state line, the next one can't know about it

    def save(self) -> None:
        """Write the files."""
        file = self._writer.folder / f"{self.session_id}.jsonl"
        file.write_text("".join(json.dumps(line) + "\n" for line in self.lines))
        for agent, lines in self._agents.items():
            own = file.with_suffix("") / "subagents" / f"agent-{agent}.jsonl"
            own.parent.mkdir(parents=True, exist_ok=True)
            own.write_text("".join(json.dumps(line) + "\n" for line in lines))
            own.with_suffix(".meta.json").write_text(json.dumps({"agentType": "general-purpose"}))

    def _turn(self, used: dict[str, list[int]]) -> None:
        prompt = self._writer.uuid()
        if self._chance.random() < 0.15:
            text, source = "<task-notification>done</task-notification>", "system"
        else:
            text, source = f"Please do {self._chance.random()}", "typed"
        self._user(text, prompt, promptSource=source)
        self._hook("UserPromptSubmit", prompt=text, prompt_id=prompt)
        if self._chance.random() < 0.1:
            self._user("<command-name>/model</command-name>", prompt)
        for _ in range(self._chance.randint(0, 4)):
            self._tool(prompt, used)
        if self._chance.random() < 0.05:
            self._line("assistant", message=self._message("<synthetic>", [{"type": "text", "text": "No."}], [0] * 5))
        if self._chance.random() < 0.1:
            self._line("system", subtype="compact_boundary", compactMetadata={"trigger": "auto"})
            self._hook("PreCompact", trigger="auto")
        self._answer([{"type": "text", "text": "Done."}], used, "end_turn")
        self._hook("Stop", last_assistant_message="Done.")

    def _tool(self, prompt: str, used: dict[str, list[int]]) -> None:
        use = f"toolu_{self._writer.uuid()}"
        if self._chance.random() < 0.15:
            self._subagent(use, prompt, used)
            return
        block = {"type": "tool_use", "id": use, "name": self._chance.choice(("Bash", "Read")), "input": {"x": 1}}
        self._answer([{"type": "text", "text": "I look."}, block], used, "tool_use")
        called = {"tool_name": block["name"], "tool_input": block["input"], "tool_use_id": use, "prompt_id": prompt}
        self._hook("PreToolUse", **called)
        kind = self._chance.choice(("fine", "fine", "fine", "failed", "denied", "cut"))
        if kind == "cut":
            return
        result: Line = {"type": "tool_result", "tool_use_id": use, "content": "ok"}
        if kind == "failed":
            result |= {"content": "Exit code 1", "is_error": True}
        elif kind == "denied":
            result |= {"content": "The user doesn't want to proceed with this tool use.", "is_error": True}
        self._user([result], prompt)
        if kind == "failed":
            self._hook("PostToolUseFailure", error=result["content"], **called)
        elif kind == "fine":
            self._hook("PostToolUse", tool_response="ok", **called)

    def _subagent(self, use: str, prompt: str, used: dict[str, list[int]]) -> None:
        block = {"type": "tool_use", "id": use, "name": "Agent", "input": {"prompt": "Look"}}
        self._answer([block], used, "tool_use")
        self._hook("PreToolUse", tool_name="Agent", tool_use_id=use)
        agent = f"a{self._chance.getrandbits(60):016x}"
        main, self.lines = self.lines, self._agents.setdefault(agent, [])
        self._hook("SubagentStart", agent_id=agent, agent_type="general-purpose")
        self._user("Look", prompt, isSidechain=True, agentId=agent)
        inner = {"type": "tool_use", "id": f"toolu_{self._writer.uuid()}", "name": "Bash", "input": {}}
        self._answer([inner], used, "tool_use", isSidechain=True, agentId=agent)
        done = {"type": "tool_result", "tool_use_id": inner["id"], "content": "ok"}
        self._user([done], prompt, isSidechain=True, agentId=agent)
        self._answer([{"type": "text", "text": "Seen."}], used, "end_turn", isSidechain=True, agentId=agent)
        for event in ("PreToolUse", "PostToolUse"):
            self._hook(event, tool_name="Bash", tool_use_id=inner["id"], agent_id=agent, agent_type="general-purpose")
        self._hook("SubagentStop", agent_id=agent, agent_type="general-purpose")
        self.lines = main
        self._hook("PostToolUse", tool_name="Agent", tool_use_id=use)
        self._user([{"type": "tool_result", "tool_use_id": use, "content": "Seen."}], prompt)

    def _answer(self, blocks: list[Line], used: dict[str, list[int]], stop: str, **more: Any) -> None:
        """Write a message as one line per block; the last line has the highest numbers."""
        model = self._chance.choice(MODELS)
        counts = [self._chance.randrange(10_000) for _ in range(4)]
        counts.append(self._chance.randint(0, counts[3]))
        message_id = f"msg_{self._writer.uuid()}"
        for number, block in enumerate(blocks, 1):
            part = [*counts[:1], counts[1] * number // len(blocks), *counts[2:]]
            message = self._message(model, [block], part, message_id, stop if number == len(blocks) else None)
            self._line("assistant", message=message, **more)
        before = used.get(model, [0] * 5)
        used[model] = [one + other for one, other in zip(before, counts, strict=True)]

    def _extra(self, used: dict[str, list[int]]) -> None:
        """Use tokens that no message shows, such as for a title."""
        before = used.get(MODELS[2], [0] * 5)
        used[MODELS[2]] = [before[0] + 40, before[1] + 7, *before[2:]]

    def _message(
        self, model: str, blocks: list[Line], counts: list[int], message_id: str = "", stop: str | None = "end_turn"
    ) -> Line:
        return {
            "id": message_id or self._writer.uuid(),
            "role": "assistant",
            "model": model,
            "content": blocks,
            "stop_reason": stop,
            "usage": {
                "input_tokens": counts[0],
                "output_tokens": counts[1],
                "cache_read_input_tokens": counts[2],
                "cache_creation_input_tokens": counts[3],
                "cache_creation": {
                    "ephemeral_1h_input_tokens": counts[4],
                    "ephemeral_5m_input_tokens": counts[3] - counts[4],
                },
            },
        }

    def _state(self) -> Line:
        names = ("inputTokens", "outputTokens", "cacheReadInputTokens", "cacheCreationInputTokens")
        models = {
            model: {
                **dict(zip(names, counts, strict=False)),
                "cacheCreationEphemeral1hInputTokens": counts[4],
                "costUSD": round(sum(counts) / 1e6, 6),
            }
            for model, counts in self._usage.items()
        }
        total = sum(used["costUSD"] for used in models.values())
        return {
            "type": "cost-state",
            "sessionId": self.session_id,
            "totalCostUSD": total,
            "modelUsage": models,
            "startTime": self._started_ms,
            "hasUnknownModelCost": False,
        }

    def _user(self, content: Any, prompt: str, **more: Any) -> None:
        self._line("user", message={"role": "user", "content": content}, promptId=prompt, **more)

    def _line(self, kind: str, **more: Any) -> None:
        self._tick(self._writer.pace.line_ms)
        at = datetime.fromtimestamp(self.at_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        common = {"uuid": self._writer.uuid(), "timestamp": at, "sessionId": self.session_id, "cwd": "/home/alice/shop"}
        about = {"version": "2.1.332", "gitBranch": "main", "entrypoint": "cli", "isSidechain": False}
        self.lines.append({"type": kind, **common, **about, **more})

    def _hook(self, event: str, **fields: Any) -> None:
        path = self._writer.folder / f"{self.session_id}.jsonl"
        payload = {"session_id": self.session_id, "hook_event_name": event, "transcript_path": str(path), **fields}
        self.hooks.append((self.at_ms, payload))

    def _tick(self, ms: int) -> None:
        self.at_ms += self._chance.randint(1, ms)
