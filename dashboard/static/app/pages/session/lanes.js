// Bars of a turn in lanes: the main agent's tools are in the first lane, and each subagent has its own.

/**
 * Return `[{name, rows, bars}]`; a bar is a node with `at`, `end` (in ms; Infinity while it runs) and its `row` in the
 * lane.
 */
export function lanesOf(nodes) {
  const main = { name: null, bars: [] };
  const lanes = [main];
  const collect = (node, lane) => {
    if (!node.started_at) return;
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

function barOf(node) {
  const at = Date.parse(node.started_at);
  const end = node.ended_at ? Date.parse(node.ended_at) : node.duration_ms === null ? Infinity : at + node.duration_ms;
  return { name: node.name, status: node.status, duration_ms: node.duration_ms, at, end: Math.max(at, end) };
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
