// Columns that many tables have.

import { compactCount, count, exactMoney, money } from "../format.js";
import { when } from "./when.js";

/** A column of numbers: `show` formats a number, `exact` formats its title; `more` are other options of `table`. */
export function numberColumn(key, name, show = count, { value = (row) => row[key], exact = null, ...more } = {}) {
  const title = exact && ((row) => exact(value(row)));
  return { key, name, align: "number", value, show: (row) => show(value(row)), title, ...more };
}

/** A column of times, as their age. */
export function momentColumn(key, name, more = {}) {
  const value = (row) => row[key];
  return { key, name, value, show: (row) => when(value(row)), ...more };
}

/** The cost of each row, with a bar relative to the highest. */
export function costColumn(more = {}) {
  return numberColumn("cost_usd", "Cost", money, { exact: exactMoney, bar: true, ...more });
}

/** The tokens of each row. */
export function tokensColumn(key = "tokens", name = "Tokens", more = {}) {
  return numberColumn(key, name, compactCount, { exact: count, ...more });
}
