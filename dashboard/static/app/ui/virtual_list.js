// A list of any length: only the rows in view are in the document. All rows have the same height, and more rows are
// loaded near the end.

import { el, put } from "../dom.js";

const OVERSCAN = 12;

/**
 * Return `{element, append(items, isAll), select(index), items}`. Rows in view are drawn again after each `append`, as
 * what follows may change them. `row(item)` returns the content of a row of `height` px;
 * `onOpen(item)` handles a click or Enter. Until `isAll`, `loadMore()` is called when the reader comes near the end; it
 * returns whether it succeeded.
 */
export function virtualList({ label, height, row, onOpen, loadMore, name }) {
  const items = [];
  const shown = new Map(); // index -> element
  const space = el("div", { class: "virtual-space" });
  const element = el(
    "div",
    {
      class: "virtual",
      tabindex: 0,
      role: "listbox",
      "aria-label": label,
      "data-list": name,
      onscroll: () => schedule(),
      onkeydown: (event) => key(event),
    },
    space,
  );
  let isAll = false;
  let isLoading = false;
  let active = 0;
  let frame = 0;

  function schedule() {
    frame ||= requestAnimationFrame(() => {
      frame = 0;
      draw();
    });
  }

  function draw() {
    const first = Math.max(0, Math.floor(element.scrollTop / height) - OVERSCAN);
    const last = Math.min(items.length, Math.ceil((element.scrollTop + element.clientHeight) / height) + OVERSCAN);
    for (const [index, node] of shown)
      if (index < first || index >= last) {
        node.remove();
        shown.delete(index);
      }
    for (let index = first; index < last; index += 1) if (!shown.has(index)) add(index);
    if (!isAll && !isLoading && last > items.length - 3 * OVERSCAN) more();
  }

  function add(index) {
    const node = el(
      "div",
      {
        class: "virtual-row",
        role: "option",
        id: `${name}-${index}`,
        "aria-posinset": index + 1,
        "aria-setsize": isAll ? items.length : -1,
        "aria-selected": String(index === active),
        style: { top: `${index * height}px`, height: `${height}px` },
        onclick: () => {
          select(index);
          onOpen(items[index]);
        },
      },
      row(items[index]),
    );
    shown.set(index, node);
    space.append(node);
  }

  async function more() {
    isLoading = true;
    const isLoaded = await loadMore();
    isLoading = false;
    if (isLoaded) schedule();
  }

  function select(index) {
    shown.get(active)?.setAttribute("aria-selected", "false");
    active = Math.max(0, Math.min(items.length - 1, index));
    shown.get(active)?.setAttribute("aria-selected", "true");
    element.setAttribute("aria-activedescendant", `${name}-${active}`);
  }

  function key(event) {
    const page = Math.max(1, Math.floor(element.clientHeight / height) - 1);
    const moves = { ArrowDown: 1, ArrowUp: -1, PageDown: page, PageUp: -page, Home: -items.length, End: items.length };
    if (event.key === "Enter" && items[active] !== undefined) onOpen(items[active]);
    else if (moves[event.key]) goTo(active + moves[event.key]);
    else return;
    event.preventDefault();
  }

  function goTo(index) {
    select(index);
    if (active * height < element.scrollTop) element.scrollTop = active * height;
    const bottom = (active + 1) * height - element.clientHeight;
    if (bottom > element.scrollTop) element.scrollTop = bottom;
    draw();
    select(active);
  }

  new ResizeObserver(schedule).observe(element);
  return {
    element,
    append(more, all) {
      items.push(...more);
      isAll = all;
      space.style.height = `${items.length * height}px`;
      element.hidden = items.length === 0;
      if (items.length) select(active);
      for (const [index, node] of shown) put(node, row(items[index]));
      schedule();
    },
    select: goTo,
    items,
  };
}
