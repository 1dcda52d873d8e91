// How far each partition of the log is projected.

import { getOperator } from "../../api.js";
import { el, put } from "../../dom.js";
import { count, counted, duration, percent } from "../../format.js";
import { numberColumn } from "../../ui/columns.js";
import { table } from "../../ui/table.js";
import { facts, number, panel, inZone } from "./parts.js";

/** Return `{element, load(), draw()}`; the result is stored in `known.freshness`. */
export function freshnessPanel(known, signal) {
  const body = el("div", {});
  return {
    element: panel("freshness", "Freshness", "crewkit-sessions freshness", body),
    async load() {
      const { data } = await getOperator("/freshness", {}, { signal });
      known.freshness = {
        data,
        ageS: Math.max(...data.partitions.map((one) => one.age_seconds ?? 0), 0),
        at: new Date().toISOString(),
      };
    },
    draw() {
      const { data } = known.freshness;
      put(body, overall(data), partitions(data.partitions));
    },
  };
}

function overall({
  complete_through: tables,
  rollups_complete_through: rollups,
  lag_records: lag,
  events_of_a_day: day,
}) {
  return facts(
    ["Complete through", number("complete-through", tables, inZone(tables))],
    ["Sums complete through", number("rollups-complete-through", rollups, inZone(rollups))],
    ["Records waiting", number("lag-records", lag, count(lag))],
    [
      "Events of unknown types, last day",
      [
        number("unknown-share", day.unknown_share, percent(day.unknown_share, 2)),
        ` – ${count(day.unknown_events)} of ${counted(day.events, "event")}`,
      ],
    ],
  );
}

function partitions(rows) {
  return table({
    name: "freshness",
    caption: "Freshness by partition of the log",
    rows,
    rowsShown: 16,
    csv: null,
    sort: "partition",
    columns: [
      { key: "partition", name: "Partition", value: (row) => row.partition },
      numberColumn("log_end", "End of the log"),
      numberColumn("projected", "Projected"),
      numberColumn("lag", "Waiting"),
      numberColumn("age_seconds", "Age", duration),
      numberColumn("rolled_up", "In the sums"),
      numberColumn("complete_through", "Complete through", inZone),
    ],
  });
}
