// Shows the page of an address. A page is a module with `title` and `show(main, view)`, loaded when it is first opened.

import { ApiError } from "./api.js";
import { announce, el, put } from "./dom.js";
import { beginRound } from "./freshness.js";
import { persist, report } from "./live.js";
import { clearProblem } from "./problem.js";
import { readState } from "./url.js";
import { failure } from "./ui/states.js";

const PRELOAD_AFTER_MS = 5_000;
const RELOADED = "crewkit.reloaded"; // when the page was last reloaded because a module was missing
const RELOAD_EVERY_MS = 30_000;

let leaving = new AbortController();
let routes = []; // [pattern of the path, function that loads the page]
let afterwards = () => {};
let shown = null; // the module of the open page
let address = null; // of the open page, without the fragment

/** Follow links and the history from now on; `onShown(path)` is called on each change of page. */
export function startRouter(table, onShown) {
  routes = table;
  afterwards = onShown;
  history.scrollRestoration = "manual";
  addEventListener("popstate", () => {
    if (address !== presentAddress()) showPage(); // otherwise the link leads within the page
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[href]");
    if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey) return;
    if (link.target || link.hasAttribute("download") || link.origin !== location.origin) return;
    if (!pageOf(link.pathname) || link.getAttribute("href").startsWith("#")) return;
    event.preventDefault();
    navigate(link.pathname + link.search, { keepScroll: "keepScroll" in link.dataset });
  });
  return showPage();
}

/** Open an address of this site. `replace` adds no history entry; `keepScroll` keeps the scroll position. */
export function navigate(to, { replace = false, keepScroll = replace } = {}) {
  if (replace) readdress(to);
  else {
    history.replaceState({ scroll: scrollY }, "");
    history.pushState(keepScroll ? { scroll: scrollY } : null, "", to);
  }
  return showPage();
}

/** Change the address of the open page without drawing it again. */
export function readdress(to) {
  history.replaceState(history.state, "", to);
  address = presentAddress();
}

/** Show the page of the current address. */
export async function showPage() {
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  const main = document.getElementById("main");
  const found = pageOf(location.pathname);
  address = presentAddress();
  clearProblem();
  beginRound();
  afterwards(location.pathname);
  main.ariaBusy = found ? "true" : null;
  if (!found) {
    put(main, failure({ status: 404, message: "There is no such page." }));
    return;
  }
  try {
    const page = await persist(() => loaded(found.load), signal);
    if (signal.aborted) return;
    setTitle(page.title);
    await showIn(main, page, { id: found.id, signal, setTitle, ...readState() });
  } catch (reason) {
    if (signal.aborted || reason.status === 401) return;
    report(reason);
    put(main, failure(reason));
  } finally {
    if (!signal.aborted) main.ariaBusy = null;
  }
  if (signal.aborted) return;
  scrollTo(0, history.state?.scroll ?? 0);
  announce(document.title);
}

function presentAddress() {
  return location.pathname + location.search;
}

// Another page appears at once. The same page with other choices is built in the background: the old one stays, dimmed,
// until the new one has its numbers.
async function showIn(main, page, view) {
  const next = el("div", { class: "page" });
  const isSame = page === shown && main.firstElementChild?.classList.contains("page");
  if (isSame) main.firstElementChild.classList.add("leaving");
  else put(main, next);
  shown = page;
  await page.show(next, view);
  if (!isSame || view.signal.aborted) return;
  const focused = document.activeElement?.id;
  put(main, next);
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

/** Load the other pages too if the reader stays, so that they open even while the server is unavailable. */
export function loadAllPages() {
  setTimeout(() => routes.forEach(([, load]) => load().catch(() => {})), PRELOAD_AFTER_MS);
}

// Not every browser requests a failed module again, and after a server upgrade the module may not fit the others on
// this page. A reloaded page has all modules in one version.
async function loaded(load) {
  try {
    return await load();
  } catch {
    const last = Number(sessionStorage.getItem(RELOADED));
    const isHere = await fetch("/", { method: "HEAD", cache: "no-store" }).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isHere && Date.now() - last < RELOAD_EVERY_MS) throw new Error("a part of the page can't be loaded");
    if (isHere) {
      sessionStorage.setItem(RELOADED, Date.now());
      location.reload();
    }
    throw new ApiError(0, "no_answer", "The server does not answer.");
  }
}

function setTitle(title) {
  document.title = `${title} · crewkit-sessions`;
}

function pageOf(path) {
  for (const [pattern, load] of routes) {
    const match = pattern.exec(path);
    if (match) return { load, id: match[1] };
  }
  return null;
}
