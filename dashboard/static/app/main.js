// Starts the dashboard: signs in by the token or code in the address, then shows the page or a form for a token.

import { credential } from "./credentials.js";
import { put } from "./dom.js";
import { startKeys } from "./keys.js";
import * as overview from "./pages/overview.js";
import * as session from "./pages/session.js";
import * as sessions from "./pages/sessions.js";
import * as team from "./pages/team.js";
import * as trust from "./pages/trust.js";
import { showPage, startRouter } from "./router.js";
import { drawShell, markPage } from "./shell.js";
import { signInForm } from "./sign_in.js";
import { signInByLink } from "./sign_in_link.js";
import { askOtherTabs, listenToTabs, offerToken } from "./tabs.js";

// Pages import the router, so the router does not import them: it gets this table.
const ROUTES = [
  [/^\/$/, overview],
  [/^\/sessions$/, sessions],
  [/^\/sessions\/([0-9a-f-]{36})$/, session],
  [/^\/team$/, team],
  [/^\/trust$/, trust],
];

let isRunning = false;

async function start() {
  const why = await signInByLink();
  await askOtherTabs();
  const held = credential("org") ?? credential("operator");
  drawShell(document.getElementById("top"), Boolean(held));
  if (!held) {
    askForToken(why);
    return;
  }
  offerToken();
  if (!credential("org") && location.pathname !== "/trust") history.replaceState(null, "", "/trust");
  if (isRunning) {
    showPage();
    return;
  }
  isRunning = true;
  startKeys();
  startRouter(ROUTES, markPage);
}

function askForToken(why) {
  document.title = "Sign in · crewkit-sessions";
  put(document.getElementById("main"), signInForm(why, start));
  document.querySelector("#token")?.focus();
}

addEventListener("signedout", (event) => {
  drawShell(document.getElementById("top"), false);
  askForToken(event.detail ?? "Your token has expired. Sign in to return to the same page.");
});
for (const event of ["signedin", "zonechange"])
  addEventListener(event, () => drawShell(document.getElementById("top"), true));
addEventListener("hashchange", () => {
  if (/[#&](code|token|operator)=/.test(location.hash)) start();
});

listenToTabs(start);
start();
