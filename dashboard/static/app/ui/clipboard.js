// Access to the clipboard of the reader's device.

/** Copy a text; return whether it worked. The browser wants permission, and a page from localhost or over HTTPS. */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
