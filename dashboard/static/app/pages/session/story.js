// The story of a session, from its events: turns, each with what the agent said and did, and its subagents inside.

const ARGUMENTS = ["command", "file_path", "notebook_path", "path", "pattern", "query", "url", "description", "prompt"];
const STATUS = {
  PostToolUse: "completed",
  PostToolUseFailure: "failed",
  PermissionDenied: "denied",
};
const REFUSED = "<tool_use_error>"; // begins the answer to a call that the client refused
const ENDS_TURN = ["Stop", "StopFailure", "SessionEnd"];
const NOTES = {
  SessionStart: ({ source }) => `Session started${source ? ` (${source})` : ""}`,
  SessionEnd: ({ reason }) => `Session ended${reason ? ` (${reason})` : ""}`,
  PreCompact: ({ trigger }) => `Context compacted${trigger ? ` (${trigger})` : ""}`,
  PostModelSwitch: ({ to_model: model }) => `Model: ${model}`,
  TaskCreated: ({ task_subject: subject }) => subject && `Task: ${subject}`,
  TaskCompleted: ({ task_subject: subject }) => subject && `Task completed: ${subject}`,
  Notification: ({ message }) => message,
};
const PROBLEMS = {
  StopFailure: ({ error, error_details: details }) => details ?? error ?? "The turn failed",
  ApiError: ({ error, message }) => `Request to the model failed: ${error ?? message ?? "no reason was given"}`,
};

/** What a tool was called with, in one line; "" if the input has none of the usual fields. */
export function argumentOf(input) {
  const text = ARGUMENTS.map((name) => input?.[name]).find((value) => typeof value === "string" && value);
  return text ? text.slice(0, 300).replaceAll(/\s+/g, " ") : "";
}

/** Return the turns of all events of a session, as in `makeStory`. */
export function storyOf(events) {
  const story = makeStory();
  story.take(events);
  return story.turns;
}

/**
 * Return a story that grows: `{turns, take(events), useOf(key), turnOf(event)}`. A turn is `{key, at, prompt, items}`;
 * `prompt` is null before the first one. Items are `{kind: "use", key, at, tool, input, output, error, status, ms}`,
 * `{kind: "agent", key, at, type, items, answer, ms}`, `{kind: "answer", text}` and `{kind: "note", at, text, isBad}`.
 * A turn and an item also have `changes`, a number that grows with each change of it or of what is in it.
 *
 * `turnOf` says where the event that was taken last is: `{turn, folds}`, with the folded items around it, the outermost
 * first.
 */
export function makeStory() {
  const turns = [];
  const uses = new Map();
  const agents = new Map();
  const within = new Map(); // an item -> the turn or the agent that has it
  const isOpen = (use) => use.status === "running" || use.status === "asks for permission";

  function begin(key, at, prompt) {
    turns.push({ key, at, prompt, items: [], changes: 0 });
  }

  function touch(part) {
    for (let one = part; one; one = within.get(one)) one.changes += 1;
  }

  function placeOf(event) {
    if (event.agent_id) return agentOf(event);
    if (turns.length === 0) begin("start", event.timestamp, null);
    return turns.at(-1);
  }

  function add(event, fields) {
    const place = placeOf(event);
    const item = { ...fields, at: event.timestamp, changes: 0 };
    place.items.push(item);
    within.set(item, place);
    touch(item);
    return item;
  }

  function agentOf({ agent_id: id, data, timestamp }) {
    if (!agents.has(id)) {
      const fields = { kind: "agent", key: `agent-${id}`, type: null, items: [], answer: null, ms: null };
      agents.set(id, add({ timestamp }, fields));
    }
    const agent = agents.get(id);
    agent.type ??= data.agent_type ?? null;
    return agent;
  }

  function endAgent(event) {
    const agent = agentOf(event);
    agent.answer = event.data.last_assistant_message ?? null;
    agent.ms = Date.parse(event.timestamp) - Date.parse(agent.at);
    touch(agent);
  }

  function useOf(event) {
    const key = keyOf(event);
    if (!uses.has(key)) {
      const fields = { input: null, output: null, error: null, status: "running", ms: null };
      uses.set(key, add(event, { kind: "use", key, tool: event.tool_name, ...fields }));
    }
    return uses.get(key);
  }

  function takeUse(event) {
    const { event_type: type, data, timestamp } = event;
    const use = useOf(event);
    touch(use);
    use.input ??= data.tool_input ?? null;
    use.output ??= data.tool_response ?? null;
    use.error ??= data.error ?? null;
    if (type === "PreToolUse") return;
    use.status = STATUS[type];
    if (type.startsWith("Post")) use.ms = data.duration_ms ?? Date.parse(timestamp) - Date.parse(use.at);
  }

  // A batch alone tells of calls that were refused, and ends those that never ran: they were denied.
  function takeBatch(event) {
    for (const call of callsOf(event)) {
      const isKnown = uses.has(call.tool_use_id);
      const use = useOf({ ...event, event_id: call.tool_use_id, tool_name: call.tool_name, data: call });
      if (!isOpen(use)) continue;
      const answer = typeof call.tool_response === "string" ? call.tool_response : "";
      const isRefused = answer.startsWith(REFUSED);
      touch(use);
      use.input ??= call.tool_input ?? null;
      use.status = isRefused ? "failed" : isKnown ? "denied" : "completed";
      if (isRefused) use.error = answer.replaceAll(/<\/?tool_use_error>/g, "");
      else use.output ??= call.tool_response ?? null;
    }
  }

  // What is open when its turn ends was interrupted, and nothing else says so.
  function endTurn() {
    for (const item of turns.at(-1)?.items ?? [])
      if (item.kind === "use" && isOpen(item)) {
        item.status = "cancelled";
        touch(item);
      }
  }

  // A request for permission names its tool, but seldom the use.
  function askPermission(event) {
    const use = placeOf(event).items.findLast(({ kind, tool }) => kind === "use" && tool === event.tool_name);
    if (use?.status !== "running") return;
    use.status = "asks for permission";
    touch(use);
  }

  function take(event) {
    const { event_type: type, data, timestamp: at, agent_id: agent } = event;
    const isPrompt = type === "UserPromptSubmit" && !agent;
    if (isPrompt || (ENDS_TURN.includes(type) && !agent)) endTurn();
    if (isPrompt) begin(event.event_id, at, String(data.prompt ?? ""));
    else if (isOfUse(event)) takeUse(event);
    else if (type === "PostToolBatch") takeBatch(event);
    else if (type === "PermissionRequest") askPermission(event);
    else if (type === "SubagentStart" && agent) touch(agentOf(event));
    else if (type === "SubagentStop" && agent) endAgent(event);
    else if (type === "Stop" && data.last_assistant_message)
      add(event, { kind: "answer", text: String(data.last_assistant_message) });
    else if (Object.hasOwn(NOTES, type) || Object.hasOwn(PROBLEMS, type)) {
      const text = String((NOTES[type] ?? PROBLEMS[type])(data) ?? "");
      if (text) add(event, { kind: "note", text, isBad: Object.hasOwn(PROBLEMS, type) });
    }
  }

  function turnOf(event) {
    const folds = [agents.get(event.agent_id), uses.get(keyOf(event))].filter(Boolean);
    let turn = folds[0] ?? turns.at(-1);
    while (within.has(turn)) turn = within.get(turn);
    return { turn, folds };
  }

  return { turns, take: (events) => events.forEach(take), useOf: (key) => uses.get(key), turnOf };
}

/** Whether an event is the call or the outcome of one use of a tool. */
export function isOfUse({ event_type: type }) {
  return type === "PreToolUse" || Object.hasOwn(STATUS, type);
}

/** The key of the use that an event belongs to: the agent's id of it, or the event's own. */
export function keyOf({ event_id: own, data }) {
  return data.tool_use_id ?? own;
}

/** The calls that a batch names. */
export function callsOf({ data }) {
  return Array.isArray(data.tool_calls) ? data.tool_calls.filter((call) => typeof call?.tool_use_id === "string") : [];
}

/** The uses among items, those of subagents included. */
export function allUses(items) {
  return items.flatMap((item) => (item.kind === "agent" ? allUses(item.items) : item.kind === "use" ? [item] : []));
}

/** The changes that a use of an editing tool asked for: `[{removed, added}]`, lines without those that both have. */
export function editsOf({ input }) {
  if (!input || typeof input !== "object") return [];
  const edits = Array.isArray(input.edits) ? input.edits : [input];
  return edits
    .filter((edit) => typeof edit?.old_string === "string" && typeof edit?.new_string === "string")
    .map(({ old_string: before, new_string: after }) => changeOf(before.split("\n"), after.split("\n")));
}

function changeOf(before, after) {
  const shorter = Math.min(before.length, after.length);
  let first = 0;
  while (first < shorter && before[first] === after[first]) first += 1;
  let last = 0;
  while (last < shorter - first && before.at(-1 - last) === after.at(-1 - last)) last += 1;
  return { removed: before.slice(first, before.length - last), added: after.slice(first, after.length - last) };
}
