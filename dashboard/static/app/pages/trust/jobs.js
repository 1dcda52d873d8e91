// Who requested which job and when, and its result.

import { getOperator } from "../../api.js";
import { el } from "../../dom.js";
import { momentColumn } from "../../ui/columns.js";
import { table } from "../../ui/table.js";
import { zone } from "../../zone.js";
import { curl, pager, panel, redraw } from "./parts.js";
import { progressOf, stateTag } from "./work.js";

const PER_PAGE = 10;

/** Return `{element, load(), draw()}`; unfinished jobs are followed in `work`. */
export function jobsPanel(signal, work, refresh) {
  const body = el("div", {});
  let page = 1;
  let found = null;
  let drawn = "";
  const turn = (to) => {
    page = to;
    return refresh();
  };
  return {
    element: panel("jobs", "Jobs", curl("operator/jobs"), body),
    async load() {
      found = await getOperator("/jobs", { page, per_page: PER_PAGE }, { signal });
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
    name: "jobs",
    caption: "Jobs requested by operators, newest first",
    rows,
    rowsShown: PER_PAGE,
    empty: "No job has been requested yet.",
    columns: [
      { key: "kind", name: "Job", value: (row) => `${row.kind} ${row.generation}` },
      momentColumn("requested_at", `When (${zone()})`),
      { key: "requested_by", name: "Who", value: (row) => row.requested_by },
      { key: "state", name: "State", value: (row) => row.state, show: (row) => stateTag(row.state) },
      {
        key: "progress",
        name: "Progress",
        value: (row) => row.progress?.share ?? null,
        show: (row) =>
          el("span", { class: "wrap" }, progressOf(row), row.accept_differences && " Differences accepted."),
      },
      momentColumn("finished_at", `Ended (${zone()})`),
    ],
  });
}
