// Saves a text as a file on the reader's device.

import { el } from "../dom.js";

/** Save `text` under `name`. */
export function save(name, text, type) {
  const address = URL.createObjectURL(new Blob([text], { type }));
  const link = el("a", { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
