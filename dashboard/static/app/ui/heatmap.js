// Sessions by weekday and hour, as a table with tinted cells.

import { el } from "../dom.js";
import { zone } from "../zone.js";
import { scrollingTable } from "./scrolling_table.js";

const DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/** Return the table of 7 × 24 counts, Monday first. `linkOf(day, hour)` may return the address of a cell's sessions. */
export function heatmap(counts, linkOf = () => null) {
  const top = Math.max(...counts.flat(), 1);
  const hours = Array.from({ length: 24 }, (_, hour) => hour);
  return scrollingTable(
    {
      kind: "heatmap",
      label: `Sessions by weekday and hour (${zone()})`,
      caption: `Sessions that started, by weekday and hour (${zone()})`,
    },
    el(
      "thead",
      {},
      el(
        "tr",
        {},
        el("td", {}),
        hours.map((hour) =>
          el(
            "th",
            { scope: "col" },
            el("span", { class: hour % 3 ? "visually-hidden" : "" }, String(hour).padStart(2, "0")),
          ),
        ),
      ),
    ),
    el(
      "tbody",
      {},
      counts.map((row, day) =>
        el(
          "tr",
          {},
          el(
            "th",
            { scope: "row" },
            el("span", { "aria-hidden": "true" }, DAYS[day].slice(0, 2)),
            el("span", { class: "visually-hidden" }, DAYS[day]),
          ),
          row.map((value, hour) =>
            tile(
              value,
              value / top,
              `${DAYS[day]}, ${hour}:00 ${zone()}: ${value} ${value === 1 ? "session" : "sessions"}`,
              linkOf(day, hour),
            ),
          ),
        ),
      ),
    ),
  );
}

function tile(value, share, title, link) {
  const label = el("span", { class: "visually-hidden" }, value);
  return el(
    "td",
    { title, style: { "--heat": share ? 0.15 + 0.85 * share : 0 }, "data-value": value },
    link && value ? el("a", { href: link, "aria-label": title }) : label,
  );
}
