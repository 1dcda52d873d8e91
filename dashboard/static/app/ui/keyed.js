// Keeps the elements of a list from one drawing to the next: only what is new or has changed is made again.

/**
 * Return a function that draws `items` as the children of `parent`. `make(item, before)` returns `{node}`, and gets
 * what it returned last time. It is called again when `stampOf(item)` changes. `keyOf` identifies an item.
 */
export function keyed(parent, { keyOf = (item) => item, stampOf, make }) {
  let known = new Map(); // key -> {stamp, made}
  return (items) => {
    const drawn = new Map();
    for (const item of items) {
      const [key, stamp] = [keyOf(item), stampOf(item)];
      const before = known.get(key);
      drawn.set(key, before?.stamp === stamp ? before : { stamp, made: make(item, before?.made) });
    }
    keepingFocus(parent, () => place(parent, known, drawn));
    known = drawn;
  };
}

function place(parent, known, drawn) {
  for (const [key, { made }] of known) if (drawn.get(key)?.made.node !== made.node) made.node.remove();
  let at = parent.firstChild;
  for (const { made } of drawn.values()) {
    if (made.node === at) at = at.nextSibling;
    else parent.insertBefore(made.node, at);
  }
}

// The successor of a focused element has its `data-key`.
function keepingFocus(parent, change) {
  const key = parent.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  const focused = document.activeElement;
  change();
  if (!key || focused.isConnected) return;
  parent.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
}
