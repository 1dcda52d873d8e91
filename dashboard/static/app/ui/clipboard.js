// Access to the clipboard of the reader's device.

import { announce, el, put } from "../dom.js";

/** Copy a text; return whether it worked. The browser wants permission, and a page from localhost or over HTTPS. */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

/** Return a button that copies a text, and says whether it worked. */
export function copyButton(text, attributes = {}) {
  const button = el(
    "button",
    {
      type: "button",
      ...attributes,
      async onclick() {
        put(button, (await copyText(text)) ? "Copied" : "Not copied");
        announce(button.textContent);
      },
    },
    "Copy",
  );
  return button;
}
