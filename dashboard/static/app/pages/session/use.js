// One use of a tool: how it is shown in a line, and in full. The conversation and the panel share it.

import { el } from "../../dom.js";
import { milliseconds } from "../../format.js";
import { longText } from "../../ui/long_text.js";
import { argumentOf, editsOf } from "./story.js";

/** Of a text in the conversation, as many characters are laid out at first. */
export const TEXT_MAX = 4_000;
const LINE_MAX = 300;
const texts = new WeakMap(); // a value -> its text

/** The outcome of a use, and how long it took. */
export function statusOf({ status, ms }) {
  if (status === "completed") return ms === null ? "" : milliseconds(ms);
  return ms === null ? status : `${status} · ${milliseconds(ms)}`;
}

/** The class of a use's outcome. */
export function toneOf({ status }) {
  return status === "failed" || status === "denied" ? "bad" : "muted";
}

/** The first line of an error. */
export function firstLine(error) {
  const text = String(error).trim();
  const line = text.split("\n", 1)[0];
  return line.slice(0, LINE_MAX) + (line.length < text.length ? " …" : "");
}

/** The input as a diff or a text, then the error or the output. */
export function useContent(use) {
  const edits = editsOf(use);
  return [
    edits.length > 0 ? edits.map(diffOf) : textOf("Input", use.input),
    use.error && textOf("Error", use.error, "bad"),
    edits.length === 0 && textOf("Output", use.output),
  ];
}

/** The texts of a use that a line and `useContent` show. */
export function textsOf(use) {
  const edits = editsOf(use);
  const changes = edits.flatMap(({ removed, added }) => [...removed, ...added]);
  const shown = edits.length > 0 ? changes : [use.input, use.output];
  return [use.tool, argumentOf(use.input), use.error, ...shown].map(asText);
}

function diffOf({ removed, added }) {
  return el(
    "pre",
    { class: "diff", tabindex: 0 },
    removed.map((line) => el("del", {}, `− ${line}\n`)),
    added.map((line) => el("ins", {}, `+ ${line}\n`)),
  );
}

function textOf(name, value, tone = "") {
  const text = asText(value);
  if (text === "") return null;
  return el(
    "div",
    {},
    el("p", { class: "muted" }, name),
    longText("pre", { class: tone, tabindex: 0 }, text, TEXT_MAX),
  );
}

// A value as it is shown; "" for none. A search asks for the same texts again and again.
function asText(value) {
  if (value === null || value === undefined) return "";
  if (typeof value !== "object") return String(value);
  if (!texts.has(value)) texts.set(value, JSON.stringify(value, null, 2));
  return texts.get(value);
}
