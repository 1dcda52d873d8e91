// Which client versions send which event types, and which of those this version does not know.

import { getOperator } from "../../api.js";
import { el, put } from "../../dom.js";
import { count, counted, named, percent } from "../../format.js";
import { numberColumn } from "../../ui/columns.js";
import { table } from "../../ui/table.js";
import { curl, disclosure, number, panel } from "./parts.js";

/** Return `{element, load(), draw()}`. */
export function clientsPanel(signal) {
  const body = el("div", {}, el("p", { class: "muted" }, "Loading …"));
  let found = null;
  let drawn = null;
  return {
    element: panel("clients", "Clients seen", curl("operator/clients"), body),
    async load() {
      found = (await getOperator("/clients", {}, { signal })).data;
    },
    draw() {
      if (found === drawn) return; // the same answer again
      drawn = found;
      put(body, shown(found));
    },
  };
}

function shown({ unknown_share: share, clients, truncated }) {
  return [
    el(
      "p",
      {},
      "Sessions that began in the last seven days. ",
      number("clients-unknown-share", share, percent(share, 2)),
      " of their events have a type that this version does not know; they are stored and counted, and otherwise ignored.",
      truncated && " Not all types are listed.",
    ),
    table({
      name: "clients",
      caption: "Clients by version",
      rows: clients,
      sort: "-events",
      columns: [
        { key: "client", name: "Client", value: (row) => row.client, show: (row) => named(row.client, "unknown") },
        {
          key: "client_version",
          name: "Version",
          value: (row) => row.client_version,
          show: (row) => named(row.client_version, "unknown"),
        },
        numberColumn("events", "Events", count),
        numberColumn("unknown_events", "Unknown", count),
        numberColumn("unknown_share", "Share", (value) => percent(value, 2)),
        { key: "event_types", name: "Types", value: (row) => row.event_types.length, show: types },
      ],
    }),
  ];
}

function types({ client, client_version: version, event_types: rows }) {
  return disclosure(`types ${client} ${version}`, counted(rows.length, "type"), () =>
    el(
      "ul",
      { class: "types" },
      rows.map((one) =>
        el(
          "li",
          {},
          one.event_type,
          `: ${counted(one.events, "event")} in ${counted(one.sessions, "session")}`,
          !one.known && [" ", el("span", { class: "tag warn" }, "unknown")],
        ),
      ),
    ),
  );
}
