// Shows the page of an address. A page has a `title` and a function `show(main, view)`.

import { announce, el, put } from "./dom.js";
import { beginRound } from "./freshness.js";
import { report } from "./live.js";
import { clearProblem } from "./problem.js";
import { readState } from "./url.js";
import { failure } from "./ui/states.js";

let leaving = new AbortController();
let routes = []; // [pattern of the path, page]
let afterwards = () => {};
let shown = null; // the open page
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
    setTitle(found.page.title);
    await showIn(main, found.page, { id: found.id, signal, setTitle, ...readState() });
  } catch (reason) {
    if (signal.aborted || reason.status === 401) return;
    report(reason);
    put(main, failure(reason));
  } finally {
    if (!signal.aborted) main.ariaBusy = null;
  }
  if (signal.aborted) return;
  arrive(main);
  announce(document.title);
}

// At the place that the page marks as what the address is about; after "back", where the reader was.
function arrive(main) {
  const target = history.state?.scroll === undefined ? main.querySelector("[data-target]") : null;
  if (!target) return scrollTo(0, history.state?.scroll ?? 0);
  target.scrollIntoView();
  target.focus({ preventScroll: true });
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

function setTitle(title) {
  document.title = `${title} · crewkit-sessions`;
}

function pageOf(path) {
  for (const [pattern, page] of routes) {
    const match = pattern.exec(path);
    if (match) return { page, id: match[1] };
  }
  return null;
}
