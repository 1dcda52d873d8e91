// Save rows as CSV (RFC 4180), made in the page from the API's answers.

import { el } from "../dom.js";
import { save } from "./save.js";

/** Return a button that saves `rows()` under `name`, with the raw values of `columns`. */
export function csvButton(name, columns, rows) {
  return el(
    "button",
    {
      type: "button",
      class: "small",
      "data-csv": name,
      onclick: () => save(`${name}.csv`, csvOf(columns, rows()), "text/csv"),
    },
    "CSV",
  );
}

/** Return the text of a CSV file. */
export function csvOf(columns, rows) {
  const lines = [columns.map(({ key }) => key), ...rows.map((row) => columns.map((column) => column.value(row)))];
  return lines.map((fields) => fields.map(field).join(",")).join("\r\n") + "\r\n";
}

// Texts that a spreadsheet may run as a formula: some skip white space, or treat full-width signs as the usual ones.
const FORMULA = /^\s*[=+\-@＝＋－＠]|^[\t\r\n]/;

// An apostrophe keeps a spreadsheet from running a text as a formula.
function field(value) {
  if (value === null || value === undefined) return "";
  const text = typeof value === "string" && FORMULA.test(value) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
