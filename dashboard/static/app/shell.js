// The frame of every page: navigation, freshness, and who is signed in.

import { credential, may } from "./credentials.js";
import { el, put } from "./dom.js";
import { moment } from "./format.js";
import { freshnessBadge } from "./freshness.js";
import { PALETTE_KEYS } from "./keys.js";
import { showPalette } from "./palette.js";
import { problemLine } from "./problem.js";
import { signOut } from "./tabs.js";
import { icon } from "./ui/icons.js";
import { zoneSwitch } from "./ui/zone_switch.js";
import { href, readState } from "./url.js";

let badge = null;
let line = null;

/** The pages that this role may open: [path, name]. */
function pages() {
  const org = Boolean(credential("org"));
  return [
    ...(org
      ? [
          ["/", "Overview"],
          ["/sessions", "Sessions"],
        ]
      : []),
    ...(may("byUser") ? [["/team", "Team"]] : []),
    ["/trust", "Trust"],
  ];
}

// A press elsewhere closes the menus, and so does Escape, which gives the focus back.
const MENUS = "details.account[open], details.menu-of[open]";
document.addEventListener(
  "pointerdown",
  ({ target }) => {
    for (const menu of document.querySelectorAll(MENUS)) if (!menu.contains(target)) menu.open = false;
  },
  true, // the chart keeps clicks for itself
);
document.addEventListener("keydown", ({ key, target }) => {
  const menu = key === "Escape" && target.closest?.(MENUS);
  if (!menu) return;
  menu.open = false;
  menu.querySelector("summary").focus();
});

/** Draw the header; without a credential it has only the name. */
export function drawShell(top, isSignedIn) {
  badge ??= freshnessBadge();
  line ??= problemLine();
  put(
    top,
    el(
      "div",
      { class: "bar" },
      el(
        "a",
        { class: "brand", href: "/" },
        el("img", { src: iconAddress(), alt: "", width: 22, height: 22 }),
        "crewkit-sessions",
      ),
      isSignedIn &&
        el(
          "nav",
          { "aria-label": "Pages" },
          pages().map(([path, name]) => el("a", { href: path }, name)),
        ),
      el("span", { class: "grow" }),
      isSignedIn && badge,
      isSignedIn && paletteButton(),
      themeButton(),
      isSignedIn && account(),
    ),
    line,
  );
  if (isSignedIn) markPage(location.pathname);
}

/** Mark the open page, and make the links keep the range and the filters. */
export function markPage(path) {
  const state = readState();
  for (const link of document.querySelectorAll("#top nav a")) {
    const own = new URL(link.href).pathname;
    const isHere = own === path || (own === "/sessions" && path.startsWith("/sessions/"));
    link.ariaCurrent = isHere ? "page" : null;
    link.setAttribute("href", own === "/trust" ? own : href(own, state));
  }
}

function iconAddress() {
  return document.querySelector("link[rel=icon]").href;
}

function themeButton() {
  return el(
    "button",
    {
      type: "button",
      class: "plain",
      "aria-label": "Switch between light and dark",
      title: "Light or dark",
      onclick: () => window.crewkitTheme.toggle(),
    },
    icon("contrast"),
  );
}

function paletteButton() {
  return el(
    "button",
    {
      type: "button",
      class: "plain",
      "aria-label": "Go to a page, an agent or a session",
      "aria-keyshortcuts": "Control+K Meta+K",
      title: `Go to … (${PALETTE_KEYS})`,
      onclick: showPalette,
    },
    icon("search"),
  );
}

function account() {
  const held = credential("org") ?? credential("operator");
  const { sub, org_id: org, role, exp } = held.claims;
  const until = moment(new Date(exp * 1000).toISOString());
  return el(
    "details",
    { class: "account" },
    el("summary", { "aria-label": `Signed in as ${sub}` }, sub),
    el(
      "div",
      { class: "menu" },
      el("p", {}, el("strong", {}, sub), el("br"), `${role} of ${org}`, el("br"), `until ${until}`),
      el("p", {}, "Times are in ", zoneSwitch("account")),
      credential("operator") && credential("org") && el("p", {}, "and operator of the installation"),
      el("p", {}, el("a", { href: "/schema" }, "API reference")),
      el("button", { type: "button", onclick: signOut }, "Sign out"),
    ),
  );
}
