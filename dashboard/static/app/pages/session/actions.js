// What a reader takes along: a link to the session, the command that resumes it, a file, or a digest.

import { announce, el, put } from "../../dom.js";
import { count } from "../../format.js";
import { copyText } from "../../ui/clipboard.js";
import { fileMenu } from "../../ui/file_menu.js";
import { showText } from "../../ui/text_dialog.js";
import { contextButton } from "./context.js";
import { KINDS, readWhole } from "./download.js";

const RESUME = { "claude-code": "claude --resume", codex: "codex resume" };

/** Return a function that returns the buttons for a state of the session; all states share them. */
export function sessionActions(id, signal) {
  const link = copyButton("Copy link", () => location.origin + location.pathname + location.search);
  const context = contextButton(signal);
  const files = downloads(id, signal);
  let resume = null;
  return (session) => {
    const command = resumeOf(session);
    resume ??= command && copyButton("Copy resume command", () => command);
    return [link, resume, files, context(session)];
  };
}

/** The command that resumes a session where it ran; null if its client has none. */
function resumeOf({ external_id: id, client }) {
  const own = id?.startsWith(`${client}:`) && id.slice(client.length + 1);
  return own && RESUME[client] && /^[\w-]+$/.test(own) ? `${RESUME[client]} ${own}` : null;
}

function copyButton(name, textOf) {
  const button = el(
    "button",
    {
      type: "button",
      async onclick() {
        const text = textOf();
        if (await copyText(text)) announce((button.textContent = "Copied"));
        else showText(name, text);
        setTimeout(() => put(button, name), 2_000);
      },
    },
    name,
  );
  return button;
}

function downloads(id, signal) {
  return fileMenu({
    label: "Download",
    kinds: KINDS,
    file: `session-${id.slice(0, 8)}`,
    signal,
    read: (tell) => readWhole(id, signal, (read) => tell(`${count(read)} events …`)),
    note: () => "Saved. A later erasure does not reach the file.",
  });
}
