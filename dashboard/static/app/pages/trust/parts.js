// Building blocks of the page's sections.

import { announce, el, put } from "../../dom.js";
import { dayText } from "../../format.js";
import { copyText } from "../../ui/clipboard.js";
import { dayOf, shown, zone } from "../../zone.js";

const WIDE = ["org-recount", "erasures", "dead-letters", "generations", "jobs", "clients"];
const COPIED_MS = 1_500;
const opened = new Set(); // keys of the details that the reader opened, so that a redraw keeps them open

/** A section: `name` for tests, its heading, and the command that shows the same. */
export function panel(name, heading, proof, ...content) {
  return el(
    "section",
    { class: WIDE.includes(name) ? "card wide" : "card", "data-panel": name },
    el(
      "div",
      { class: "head-row" },
      el("h3", { tabindex: -1 }, heading),
      el("span", { class: "grow" }),
      proof && command(proof),
    ),
    content,
  );
}

/** The curl command that shows the same; `kind` says whose token it needs. */
export function curl(path, kind = "operator") {
  const token = kind === "operator" ? "OPERATOR_TOKEN" : "TOKEN";
  return `curl -H "Authorization: Bearer $${token}" ${location.origin}/api/v1/${path}`;
}

// These read the data folder, or the secrets in it; the others ask a running installation.
const OF_A_FOLDER = /^crewkit-sessions (audit|token)\b/;

/**
 * A command with a button that copies it. What is copied also names this installation, and takes the org's or the
 * operator's token from a variable, so that it works in any folder.
 */
export function command(text) {
  const isHere = text.startsWith("crewkit-sessions ") && !OF_A_FOLDER.test(text);
  const token = text.includes(" --org ") ? "TOKEN" : "OPERATOR_TOKEN";
  const whole = isHere ? `${text} --url ${location.origin} --token "$${token}"` : text;
  const code = el("code", { title: whole }, text);
  const button = el("button", { type: "button", class: "small", "aria-label": `Copy: ${text}`, onclick: copy }, "Copy");
  async function copy() {
    if (!(await copyText(whole))) {
      getSelection().selectAllChildren(code);
      announce("Selected. Copy it with the keyboard.");
      return;
    }
    put(button, "Copied");
    announce("Copied");
    setTimeout(() => put(button, "Copy"), COPIED_MS);
  }
  return el("span", { class: "command" }, code, button);
}

/** A number from the API, with its raw value for tests. */
export function number(name, value, shown) {
  return el("span", { "data-testid": name, "data-value": value ?? "" }, shown);
}

/** A list of names and values: `[name, node or text]`; absent ones are left out. */
export function facts(...pairs) {
  return el(
    "dl",
    { class: "fact-list" },
    pairs.filter(Boolean).map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))),
  );
}

/** Details that stay open when they are redrawn; `content()` is called when they are opened. */
export function disclosure(key, summary, content) {
  const body = el("div", {});
  const element = el(
    "details",
    { open: opened.has(key), ontoggle: toggled },
    el("summary", { "data-action": `open ${key}` }, summary),
    body,
  );
  if (element.open) put(body, content());
  function toggled() {
    if (element.open) opened.add(key);
    else opened.delete(key);
    if (element.open && !body.hasChildNodes()) put(body, content());
  }
  return element;
}

/**
 * Replace the content of `place`. The focus goes to the element with the same `data-action`, else to the heading of its
 * part.
 */
export function redraw(place, ...content) {
  const held = place.contains(document.activeElement) ? document.activeElement : null;
  const { action } = held?.dataset ?? {};
  const { generation } = held?.closest("[data-generation]")?.dataset ?? {};
  put(place, content);
  if (!held) return;
  const next = action && place.querySelector(`[data-action="${CSS.escape(action)}"]:not(:disabled)`);
  const part = generation && place.querySelector(`[data-generation="${CSS.escape(generation)}"] h4`);
  (next || part || place.closest("section").querySelector("h3"))?.focus({ preventScroll: true });
}

/** Enable a button again, and give back the focus that it lost when it was disabled. */
export function enable(button) {
  button.disabled = false;
  if (document.activeElement === document.body) button.focus();
}

/** The reason for a refusal, to be shown beside the request. */
export function refusal(error) {
  const details = Object.entries(error.details ?? {}).map(([field, why]) => `${field}: ${[why].flat().join("; ")}`);
  const isSaid = details.some((detail) => error.message.includes(detail.split(": ").slice(1).join(": ")));
  return el(
    "p",
    { class: "refusal", "data-testid": "refusal", "data-status": error.status },
    error.message,
    details.length > 0 && !isSaid && ` ${details.join(". ")}.`,
  );
}

/** Buttons for the pages of a list, which call `onPage(number)`. */
export function pager({ current_page: page, total_pages: pages }, onPage) {
  if (pages <= 1) return null;
  const to = (number, text) =>
    el(
      "button",
      {
        type: "button",
        class: "small",
        "data-action": text,
        disabled: number < 1 || number > pages,
        onclick: () => onPage(number),
      },
      text,
    );
  return el(
    "div",
    { class: "pages" },
    to(page - 1, "← Newer"),
    el("span", {}, `Page ${page} of ${pages}`),
    to(page + 1, "Older →"),
  );
}

/** An RFC 3339 time as "22:31:07 UTC" in the reader's zone, with the day unless it is today. */
export function inZone(time, now = Date.now()) {
  if (!time || time.startsWith("1970-")) return "never";
  const [day, clock] = shown(time).split("T");
  const text = `${clock.slice(0, "22:31:07".length)} ${zone()}`;
  return day === dayOf(now) ? text : `${dayText(day)} ${text}`;
}
