// The report of a generation's last proof: the API's sentences, and tables.

import { getOperator } from "../../api.js";
import { el, put } from "../../dom.js";
import { numberColumn } from "../../ui/columns.js";
import { table } from "../../ui/table.js";
import { refusal } from "./parts.js";
import { differenceTable } from "./recount.js";

/** Read the report of `name`, show it in `place`, and move the focus there. */
export async function proofReport(place, name, signal) {
  try {
    const { data } = await getOperator(`/generations/${name}/proof`, {}, { signal });
    const heading = el("h4", { tabindex: -1 }, `Proof of ${name}`);
    const close = () => {
      put(place);
      document.querySelector(`[data-action="proof ${name}"]`)?.focus();
    };
    put(place, report(heading, data, close));
    heading.focus();
  } catch (error) {
    if (!signal.aborted) put(place, refusal(error));
  }
}

function report(heading, proof, close) {
  const { equal, words = [], compared, moving, by_column: columns = [], differences = [] } = proof;
  const rows = Object.keys(compared).map((name) => ({ name, compared: compared[name], moving: moving[name] ?? 0 }));
  const between = differences.filter((one) => one.generation === undefined);
  const inside = differences.filter((one) => one.generation !== undefined);
  return el(
    "section",
    { class: "letter", "data-testid": "proof-report", "data-value": String(equal) },
    el(
      "div",
      { class: "head-row" },
      heading,
      el("span", { class: "grow" }),
      el("button", { type: "button", class: "small", onclick: close }, "Close"),
    ),
    words.map((line) => el("p", {}, line)),
    table({
      name: "proof-compared",
      caption: "What the proof compared",
      rows,
      rowsShown: 20,
      columns: [
        { key: "table", name: "Table", value: (row) => row.name },
        numberColumn("compared", "Compared"),
        numberColumn("moving", "Being written"),
      ],
    }),
    columns.length > 0 &&
      table({
        name: "proof-columns",
        caption: "Columns that differ",
        rows: columns,
        rowsShown: 20,
        csv: "proof-columns",
        columns: [
          { key: "table", name: "Table", value: (row) => row.table },
          { key: "column", name: "Column", value: (row) => row.column },
          numberColumn("rows", "Rows"),
          numberColumn("orgs", "Orgs"),
          {
            key: "generation",
            name: "Inside",
            value: (row) => row.generation ?? null,
            show: (row) => row.generation ?? "between the two",
          },
        ],
      }),
    between.length > 0 &&
      differenceTable("proof-between", "Differences between the generations", between, [
        ["live", "Live"],
        ["proved", "Proved"],
      ]),
    inside.length > 0 &&
      differenceTable("proof-inside", "Differences inside a generation", inside, [
        ["stored", "Stored"],
        ["recounted", "Recounted"],
      ]),
  );
}
