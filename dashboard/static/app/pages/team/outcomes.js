// How sessions ended, beside how they ended in the period before.

import { el } from "../../dom.js";
import { change, count, percent } from "../../format.js";
import { previousName } from "../../ranges.js";
import { table } from "../../ui/table.js";
import { href } from "../../url.js";

const share = (part, whole) => (whole ? part / whole : null);

/** Return the panel. */
export function outcomesPanel({ current, previous }, state) {
  const rows = Object.entries(current.outcomes).map(([outcome, now]) => ({
    outcome,
    now,
    before: previous.outcomes[outcome] ?? 0,
  }));
  const behind = ({ outcome }) => outcome !== "none" && href("/sessions", state, { outcome });
  const number = { align: "number" };
  return el(
    "section",
    { class: "card", "data-panel": "outcomes" },
    el("h2", {}, "How sessions ended"),
    table({
      name: "team-outcomes",
      caption: `Sessions by outcome, with those of ${previousName(state.range)}`,
      rows,
      csv: "outcomes",
      columns: [
        {
          key: "outcome",
          name: "Outcome",
          value: (row) => row.outcome,
          show: (row) => (row.outcome === "none" ? "not said, or active" : row.outcome),
          link: behind,
        },
        {
          ...number,
          key: "sessions",
          name: "Sessions",
          bar: true,
          value: (row) => row.now,
          show: (row) => count(row.now),
          link: behind,
        },
        {
          ...number,
          key: "share",
          name: "Share",
          value: (row) => share(row.now, current.sessions),
          show: (row) => percent(share(row.now, current.sessions), 0),
        },
        {
          ...number,
          key: "sessions_before",
          name: "Before",
          value: (row) => row.before,
          show: (row) => count(row.before),
        },
        {
          ...number,
          key: "change",
          name: "Change",
          value: (row) => share(row.now - row.before, row.before),
          show: (row) => change(row.now, row.before),
        },
      ],
    }),
  );
}
