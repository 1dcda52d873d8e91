// The events of a session in log order, page by page. The last page may grow while the session is active.

import { get } from "../../api.js";

/** Return `{isEnd, next()}`; `next` returns the events that follow those read so far. `options` are those of `get`. */
export function eventPages(path, params, signal, options = {}) {
  let cursor = null;
  let atEnd = 0; // events read so far of the last page, if that page was not full
  const pages = {
    isEnd: false,
    async next() {
      const { data, meta } = await get(path, { ...params, cursor }, { ...options, signal });
      const fresh = data.slice(atEnd);
      pages.isEnd = meta.next_cursor === null;
      atEnd = pages.isEnd ? data.length : 0;
      cursor = meta.next_cursor ?? cursor;
      return fresh;
    },
  };
  return pages;
}
