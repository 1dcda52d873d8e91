// The prices that apply where a client reports no cost, and the models without one. Read once the reader opens it.

import { get } from "../../api.js";
import { el, put } from "../../dom.js";
import { compactCount, count, exactMoney, moment } from "../../format.js";
import { numberColumn, tokensColumn } from "../../ui/columns.js";
import { failure, skeleton } from "../../ui/states.js";
import { table } from "../../ui/table.js";

const RATES = [
  ["input", "Input"],
  ["output", "Output"],
  ["cache_read", "Cache read"],
  ["cache_write_5m", "Cache write, 5 min"],
  ["cache_write_1h", "Cache write, 1 h"],
];
const SOURCES = { installation: "with the installation", loaded: "loaded by an operator" };

/** Return the panel. */
export function pricesPanel(signal) {
  const body = el("div", {});
  let isRead = false;
  const read = async () => {
    if (isRead) return;
    isRead = true;
    put(body, skeleton("10rem"));
    try {
      const { data } = await get("/prices", {}, { signal });
      put(body, unpriced(data.unpriced), prices(data.prices));
    } catch (reason) {
      isRead = false;
      if (!signal.aborted) put(body, failure(reason));
    }
  };
  const summary = el("summary", {}, "The price list");
  const element = el("details", { class: "card wide", "data-panel": "prices" }, summary, body);
  element.addEventListener("toggle", () => element.open && read());
  return element;
}

function prices(rows) {
  return table({
    name: "prices",
    caption: "US dollars per million tokens",
    rows,
    csv: "prices",
    rowsShown: 20,
    columns: [
      { key: "model", name: "Model", value: (row) => row.model },
      ...RATES.map(([key, name]) => numberColumn(key, `${name}, $ per million`, exactMoney)),
      { key: "from", name: "From", value: (row) => row.from, show: (row) => moment(row.from) },
      { key: "source", name: "Source", value: (row) => row.source, show: (row) => SOURCES[row.source] },
    ],
  });
}

function unpriced(rows) {
  if (rows.length === 0) return el("p", {}, "All tokens of this org have a price, or a cost from their client.");
  return [
    el(
      "p",
      { class: "notice" },
      "These models of this org have no price. What they used so far stays at $0 until an operator loads a price and " +
        "rebuilds the numbers.",
    ),
    table({
      name: "unpriced",
      caption: "Models without a price",
      rows,
      columns: [
        { key: "model", name: "Model", value: (row) => row.model, show: (row) => row.model || "unknown model" },
        tokensColumn("tokens", "Tokens", { exact: count, show: compactCount }),
        numberColumn("sessions", "Sessions"),
      ],
    }),
  ];
}
