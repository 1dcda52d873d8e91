// How sessions ended, compared with the period before.

import { el } from "../../dom.js";
import { change, count, percent } from "../../format.js";
import { previousName } from "../../ranges.js";
import { numberColumn } from "../../ui/columns.js";
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
  const behind = ({ outcome }) => href("/sessions", state, { outcome });
  return el(
    "section",
    { class: "card", "data-panel": "outcomes" },
    el("h2", {}, "How sessions ended"),
    table({
      name: "team-outcomes",
      caption: `Sessions by outcome, compared with ${previousName(state.range)}`,
      rows,
      csv: "outcomes",
      columns: [
        {
          key: "outcome",
          name: "Outcome",
          value: (row) => row.outcome,
          show: (row) => (row.outcome === "none" ? "active, or not reported" : row.outcome),
          link: behind,
        },
        numberColumn("sessions", "Sessions", count, { bar: true, value: (row) => row.now, link: behind }),
        numberColumn("share", "Share", (part) => percent(part, 0), {
          value: (row) => share(row.now, current.sessions),
        }),
        numberColumn("sessions_before", "Before", count, { value: (row) => row.before }),
        numberColumn("change", "Change", count, {
          value: (row) => share(row.now - row.before, row.before),
          show: (row) => change(row.now, row.before),
        }),
      ],
    }),
  );
}
