// Marks what a search found, without changing the document: the style sheet colours the highlights by their names.

const [FOUND, CURRENT] = ["found", "found-current"];
const MARKS_MAX = 10_000;
const WORD = /[\p{L}\p{M}\p{N}]+/gu;

/** Mark all matches of a global `pattern` in these elements, those in `current` more clearly; none unmarks all. */
export function mark(elements, pattern, current) {
  if (!CSS.highlights) return; // an older browser: what is found is unfolded and scrolled to, but not coloured
  const ranges = [];
  for (const element of elements) {
    if (ranges.length >= MARKS_MAX) break;
    ranges.push(...rangesIn(element, pattern));
  }
  CSS.highlights.set(FOUND, new Highlight(...ranges));
  const strong = new Highlight(...(current ? rangesIn(current, pattern) : []));
  strong.priority = 1;
  CSS.highlights.set(CURRENT, strong);
}

/** Return a pattern for `mark`: the words of a search query. As in the API, case and accents do not matter. */
export function wordsOf(q) {
  const wanted = new Set((q.match(WORD) ?? []).map(folded));
  return {
    test: (text) => (text.match(WORD) ?? []).some((word) => wanted.has(folded(word))),
    *[Symbol.matchAll](text) {
      for (const match of text.matchAll(WORD)) if (wanted.has(folded(match[0]))) yield match;
    },
  };
}

function folded(word) {
  return word.normalize("NFKD").replaceAll(/\p{M}/gu, "").toLowerCase();
}

/** Scroll to the first mark in an element, or to its beginning. */
export function scrollToMark(element) {
  const [first] = CSS.highlights?.get(CURRENT) ?? [];
  const place = first?.startContainer.parentElement ?? element;
  place.scrollIntoView({ block: "center" });
  const inner = place.closest("pre");
  if (!first || !inner) return;
  const range = new Range();
  range.setStart(first.startContainer, first.startOffset);
  const [at, box] = [range.getBoundingClientRect(), inner.getBoundingClientRect()];
  if (at.bottom > box.bottom || at.top < box.top) inner.scrollTop += at.top - box.top - box.height / 2;
}

function rangesIn(element, pattern) {
  const ranges = [];
  const texts = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const node = texts.currentNode;
    for (const { index, 0: found } of node.data.matchAll(pattern)) {
      const [start, end] = [index, index + found.length];
      ranges.push(new StaticRange({ startContainer: node, startOffset: start, endContainer: node, endOffset: end }));
    }
  }
  return ranges;
}
