// The clipboard of the reader's device.

/** Copy a text; return whether that was possible. It needs a permission, and a page from this device or over HTTPS. */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
