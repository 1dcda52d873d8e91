// Keyboard shortcuts. Those without Ctrl or Cmd are off while the reader types, and can be switched off in their list.

import { el } from "./dom.js";
import { showPalette } from "./palette.js";
import { recall, remember } from "./storage.js";
import { closeButton, openDialog } from "./ui/dialog.js";

const OFF = "crewkit.keys";
const PREFIX_MS = 1_500; // between G and the letter of a page
const PAGES = { o: ["/", "Overview"], s: ["/sessions", "Sessions"], t: ["/team", "Team"], r: ["/trust", "Trust"] };
/** The keys that open the palette on this device. */
export const PALETTE_KEYS = /Mac|iPhone|iPad/.test(navigator.platform) ? "⌘ K" : "Ctrl K";
const KEYS = [
  [PALETTE_KEYS, "Go to a page, an agent, a user, a project, a session …"],
  ["/", "Search sessions"],
  ["J, K", "Next and previous session of a list (Enter opens it), or tool use of an open panel"],
  ...Object.entries(PAGES).map(([key, [, name]]) => [`G ${key.toUpperCase()}`, name]),
  ["?", "This list"],
];

let prefixed = -PREFIX_MS;

/** Listen from now on. */
export function startKeys() {
  document.addEventListener("keydown", (event) => {
    if (isForPalette(event)) {
      event.preventDefault();
      showPalette();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.target.closest?.("input, select, textarea, dialog")) return;
    const isSecond = event.timeStamp - prefixed < PREFIX_MS;
    prefixed = -PREFIX_MS;
    const act = isOff() && event.key !== "?" ? null : actionOf(event, isSecond);
    if (!act) return;
    event.preventDefault();
    act();
  });
}

function isForPalette({ key, ctrlKey, metaKey, altKey, shiftKey }) {
  return key.toLowerCase() === "k" && ctrlKey !== metaKey && !altKey && !shiftKey;
}

function actionOf({ key, timeStamp }, isSecond) {
  const letter = key.toLowerCase();
  if (isSecond) return PAGES[letter] ? () => linkTo(PAGES[letter][0])?.click() : null;
  switch (letter) {
    case "g":
      return () => (prefixed = timeStamp);
    case "/":
      return search;
    case "j":
      return () => step(1);
    case "k":
      return () => step(-1);
    case "?":
      return showKeys;
    default:
      return null;
  }
}

// The links of the header lead where this role may go, and keep range and filters.
function linkTo(path) {
  return [...document.querySelectorAll("#top nav a")].find((link) => link.pathname === path);
}

function search() {
  const focus = () => document.getElementById("q")?.focus();
  const link = linkTo("/sessions");
  if (document.getElementById("q")) focus();
  else if (link) {
    const seen = new MutationObserver(() => {
      if (!document.getElementById("q")) return;
      seen.disconnect();
      focus();
    });
    seen.observe(document.getElementById("main"), { childList: true, subtree: true });
    link.click();
  }
}

function step(by) {
  const inPanel = document.querySelector(`.side-panel:not([hidden]) [data-step="${by}"]`);
  if (inPanel) {
    inPanel.click();
    return;
  }
  const links = [...document.querySelectorAll("a.session-title")];
  const at = links.indexOf(document.activeElement);
  links[at < 0 ? (by > 0 ? 0 : links.length - 1) : Math.min(Math.max(at + by, 0), links.length - 1)]?.focus();
}

function showKeys() {
  const on = el("input", { type: "checkbox", id: "keys-on", onchange: () => remember(OFF, on.checked ? null : "off") });
  on.checked = !isOff();
  openDialog(
    { class: "text-dialog keys", "aria-label": "Keyboard shortcuts" },
    el("h2", {}, "Keyboard shortcuts"),
    el(
      "dl",
      {},
      KEYS.map(([keys, what]) => [el("dt", {}, el("kbd", {}, keys)), el("dd", {}, what)]),
    ),
    el("p", {}, on, " ", el("label", { for: on.id }, "Use shortcuts")),
    closeButton(),
  );
}

function isOff() {
  return recall(OFF) === "off";
}
