// A verdict in one or two words, green or red, with its icon.

import { el } from "../dom.js";
import { icon } from "./icons.js";

export function verdictTag(isGood, text) {
  return el("span", { class: `tag ${isGood ? "good" : "bad"}` }, icon(isGood ? "check" : "cross"), ` ${text}`);
}
