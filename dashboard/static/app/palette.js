// The palette: type a few letters to go to a page, an agent, a user, a project, a repository, a session or a search.
// A combobox with a list, as in the ARIA Authoring Practices.

import { get } from "./api.js";
import { may } from "./credentials.js";
import { el, put } from "./dom.js";
import { allowOld } from "./memory.js";
import { navigate } from "./router.js";
import { openDialog } from "./ui/dialog.js";
import { href, readState } from "./url.js";

const SHOWN_MAX = 12;
const KINDS = {
  agents: ["Agent", "agent_name"],
  users: ["User", "user_id"],
  projects: ["Project", "project_id"],
  repos: ["Repository", "repo"],
};
const SESSION_ID = /^[0-9a-f]{8}[0-9a-f-]{0,28}$/i; // or its beginning

/** Open the palette, unless it or another dialog is open. */
export function showPalette() {
  if (document.querySelector("dialog[open]")) return;
  const leaving = new AbortController();
  allowOld(leaving.signal);
  const note = el("p", { class: "muted", role: "status" });
  const list = el("ul", { id: "palette-list", role: "listbox", "aria-label": "Where to go" });
  const field = el("input", {
    id: "palette",
    role: "combobox",
    autocomplete: "off",
    spellcheck: "false",
    placeholder: "A page, an agent, a session id, or words to search for",
    "aria-label": "Go to",
    "aria-autocomplete": "list",
    "aria-expanded": "true",
    "aria-controls": list.id,
    oninput: () => draw(),
    onkeydown: (event) => onKey(event),
  });
  const known = pageEntries();
  let shown = [];
  let active = 0;

  function draw(at = 0) {
    shown = entriesFor(field.value.trim(), known);
    put(list, shown.map(option));
    put(note, hint(shown.length));
    activate(at);
  }

  function option({ kind, name }, at) {
    return el(
      "li",
      { id: `palette-${at}`, role: "option", "aria-selected": "false", onclick: () => open(at) },
      el("span", { class: "palette-name" }, name),
      " ",
      el("span", { class: "muted" }, kind),
    );
  }

  function activate(at) {
    list.children[active]?.setAttribute("aria-selected", "false");
    active = shown.length ? (at + shown.length) % shown.length : 0;
    list.children[active]?.setAttribute("aria-selected", "true");
    list.children[active]?.scrollIntoView({ block: "nearest" });
    if (shown.length) field.setAttribute("aria-activedescendant", `palette-${active}`);
    else field.removeAttribute("aria-activedescendant");
  }

  async function open(at) {
    const found = await shown[at]?.go(leaving.signal);
    if (!found || leaving.signal.aborted) return;
    if (found.problem) put(note, found.problem);
    else {
      dialog.close();
      navigate(found.address);
    }
  }

  function onKey(event) {
    const moves = { ArrowDown: active + 1, ArrowUp: active - 1, Home: 0, End: shown.length - 1 };
    if (event.isComposing) return;
    if (event.key === "Enter") open(active);
    else if (event.key in moves && !(field.value && ["Home", "End"].includes(event.key))) activate(moves[event.key]);
    else return;
    event.preventDefault();
  }

  const onClose = () => leaving.abort();
  const dialog = openDialog({ class: "palette", "aria-label": "Go to", onClose }, field, list, note);
  draw();
  namedEntries(leaving.signal).then((entries) => {
    known.push(...entries);
    if (!leaving.signal.aborted) draw(active);
  });
}

function hint(results) {
  if (results === 0) return "Nothing matches.";
  return results < SHOWN_MAX ? "" : `The first ${SHOWN_MAX} results. Type more to see others.`;
}

// The links of the header lead where this role may go, and keep range and filters.
function pageEntries() {
  return [...document.querySelectorAll("#top nav a")].map((link) => ({
    kind: "Page",
    name: link.textContent,
    go: () => ({ address: link.pathname + link.search }),
  }));
}

async function namedEntries(signal) {
  if (!may("read")) return [];
  const { data } = await get("/sessions/filters", {}, { signal }).catch(() => ({ data: {} }));
  return Object.entries(KINDS).flatMap(([list, [kind, filter]]) =>
    (data[list] ?? []).map((name) => ({ kind, name, go: () => sessionsOf({ [filter]: name }) })),
  );
}

// The range stays; another filter would hide a part of what was asked for.
function sessionsOf(choice) {
  return { address: href("/sessions", { ...readState(), filters: {} }, choice) };
}

// Names that begin with the text come before those that have it elsewhere.
function entriesFor(text, known) {
  const wanted = text.toLowerCase();
  const matches = known
    .map((entry) => ({ entry, at: entry.name.toLowerCase().indexOf(wanted) }))
    .filter(({ at }) => at >= 0)
    .toSorted((a, b) => Math.min(a.at, 1) - Math.min(b.at, 1))
    .map(({ entry }) => entry);
  if (!text || !may("read")) return matches.slice(0, SHOWN_MAX);
  return [...sessionEntries(text), ...matches.slice(0, SHOWN_MAX - 2), searchEntry(text)];
}

function searchEntry(text) {
  return { kind: "Search", name: `Sessions with “${text}”`, go: () => sessionsOf({ q: text }) };
}

function sessionEntries(text) {
  if (!SESSION_ID.test(text)) return [];
  const prefix = text.toLowerCase();
  return [{ kind: "Session", name: prefix, go: (signal) => sessionWith(prefix, signal) }];
}

async function sessionWith(prefix, signal) {
  try {
    const { data } = await get("/sessions", { id_prefix: prefix, per_page: 2 }, { signal });
    if (data.length === 1) return { address: `/sessions/${data[0].id}` };
    return { problem: data.length ? "Several sessions begin with this id." : "No session begins with this id." };
  } catch (error) {
    return { problem: error.message };
  }
}
