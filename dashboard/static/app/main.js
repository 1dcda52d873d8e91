// Starts the dashboard: takes tokens out of the address, then shows the page, or a form that asks for a token.

import { credential } from "./credentials.js";
import { put } from "./dom.js";
import { loadAllPages, showPage, startRouter } from "./router.js";
import { drawShell, markPage } from "./shell.js";
import { signInForm } from "./sign_in.js";
import { signInByLink } from "./sign_in_link.js";

// Pages import the router, so the router does not import them: it gets this table.
const ROUTES = [
  [/^\/$/, () => import("./pages/overview.js")],
  [/^\/sessions$/, () => import("./pages/sessions.js")],
  [/^\/sessions\/([0-9a-f-]{36})$/, () => import("./pages/session.js")],
  [/^\/team$/, () => import("./pages/team.js")],
  [/^\/trust$/, () => import("./pages/trust.js")],
];

let isRunning = false;

async function start() {
  await signInByLink();
  const held = credential("org") ?? credential("operator");
  drawShell(document.getElementById("top"), Boolean(held));
  if (!held) {
    askForToken(null);
    return;
  }
  if (!credential("org") && location.pathname !== "/trust") history.replaceState(null, "", "/trust");
  if (isRunning) {
    showPage();
    return;
  }
  isRunning = true;
  startRouter(ROUTES, markPage).then(loadAllPages);
}

function askForToken(why) {
  document.title = "Sign in · crewkit-sessions";
  put(document.getElementById("main"), signInForm(why, start));
  document.querySelector("#token")?.focus();
}

addEventListener("signedout", (event) => {
  drawShell(document.getElementById("top"), false);
  askForToken(event.detail ?? "Your token has expired, or was revoked. Sign in to return to the same page.");
});
addEventListener("signedin", () => drawShell(document.getElementById("top"), true));
addEventListener("hashchange", () => {
  if (/[#&](token|operator)=/.test(location.hash)) start();
});

start();
