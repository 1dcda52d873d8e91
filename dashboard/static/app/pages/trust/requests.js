// Who requested which work and when, and its result.

import { getOperator } from "../../api.js";
import { el } from "../../dom.js";
import { momentColumn } from "../../ui/columns.js";
import { table } from "../../ui/table.js";
import { curl, pager, panel, redraw } from "./parts.js";
import { progressOf, stateTag } from "./work.js";

const PER_PAGE = 10;

/** Return `{element, load(), draw()}`; unfinished work is followed in `work`. */
export function requestsPanel(signal, work, refresh) {
  const body = el("div", {});
  let page = 1;
  let found = null;
  let drawn = "";
  const turn = (to) => {
    page = to;
    return refresh();
  };
  return {
    element: panel("requests", "Requests", curl("operator/requests"), body),
    async load() {
      found = await getOperator("/requests", { page, per_page: PER_PAGE }, { signal });
    },
    draw() {
      const now = JSON.stringify([found.data, found.meta]);
      if (now === drawn) return;
      drawn = now;
      redraw(body, listed(found.data), pager(found.meta, turn));
      for (const one of found.data) if (["requested", "taken"].includes(one.state)) work.follow(one);
    },
  };
}

function listed(rows) {
  return table({
    name: "requests",
    caption: "Requests by operators, newest first",
    rows,
    rowsShown: PER_PAGE,
    empty: "No work has been requested yet.",
    columns: [
      { key: "kind", name: "Work", value: (row) => `${row.kind} ${row.generation}` },
      momentColumn("requested_at", "When (UTC)"),
      { key: "requested_by", name: "Who", value: (row) => row.requested_by },
      { key: "state", name: "State", value: (row) => row.state, show: (row) => stateTag(row.state) },
      {
        key: "progress",
        name: "Progress",
        value: (row) => row.progress?.share ?? null,
        show: (row) =>
          el("span", { class: "wrap" }, progressOf(row), row.accept_differences && " Differences accepted."),
      },
      momentColumn("finished_at", "Ended (UTC)"),
    ],
  });
}
