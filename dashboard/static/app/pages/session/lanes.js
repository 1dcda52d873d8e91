// Bars of a turn in lanes: the main agent's tools are in the first lane, and each subagent has its own.

const KINDS = {
  read: ["Read", "Grep", "Glob", "LS", "NotebookRead", "WebFetch", "WebSearch"],
  edit: ["Edit", "MultiEdit", "Write", "NotebookEdit"],
  run: ["Bash", "BashOutput", "KillShell"],
  agent: ["Agent", "Task"],
};

/**
 * Return `[{name, rows, bars}]`; a bar is a node with `at`, `end` (in ms; Infinity while it runs) and its `row` in the
 * lane.
 */
export function lanesOf(nodes) {
  const main = { name: null, bars: [] };
  const lanes = [main];
  const collect = (node, lane) => {
    if (!sinceOf(node)) return;
    const isSubagent = node.kind === "subagent";
    const own = isSubagent ? { name: node.name ?? node.agent_type ?? "subagent", bars: [] } : lane;
    if (isSubagent) lanes.push(own);
    else if (node.kind === "tool") own.bars.push(barOf(node));
    for (const child of node.children) collect(child, own);
  };
  for (const node of nodes) collect(node, main);
  for (const lane of lanes) lane.rows = stack(lane.bars);
  return lanes.filter(({ bars }) => bars.length > 0);
}

/** The kind of a tool by its name: what it does to the files and the machine. */
export function kindOf(tool) {
  return Object.keys(KINDS).find((kind) => KINDS[kind].includes(tool)) ?? "other";
}

/** The time of the first that is known of a node: its start, or its end. */
export function sinceOf({ started_at: start, ended_at: end }) {
  return start ?? end;
}

function barOf(node) {
  const { id, name, status, started_at: start, ended_at, duration_ms: ms } = node;
  const since = sinceOf(node);
  const at = start ? Date.parse(start) : Date.parse(since) - (ms ?? 0);
  const end = ended_at ? Date.parse(ended_at) : ms === null ? Infinity : at + ms;
  return { id, name, status, since, duration_ms: ms, at, end: Math.max(at, end) };
}

// Give each bar the first row that is free when it starts, out of three at most; return the number of rows.
function stack(bars) {
  const ROWS_MAX = 3;
  const free = [];
  bars.sort((a, b) => a.at - b.at);
  for (const bar of bars) {
    const row = free.findIndex((end) => end <= bar.at);
    bar.row = row >= 0 ? row : Math.min(free.length, ROWS_MAX - 1);
    free[bar.row] = bar.end;
  }
  return Math.max(1, free.length);
}
