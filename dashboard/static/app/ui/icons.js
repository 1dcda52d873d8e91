// Icons of one set: 16 px, lines in the colour of the text. They are decoration; the control around them has a name.

import { svg } from "../dom.js";

const PATHS = {
  alert: ["M8 3v6.5", "M8 12.5v.01"],
  check: ["M3 8.5l3.5 3.5L13 4.5"],
  contrast: ["M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2Z", "M8 2v12", "M9.5 3v10", "M11 4v8", "M12.5 6v4"],
  cross: ["M4 4l8 8", "M12 4l-8 8"],
  dash: ["M4 8h8"],
  filter: ["M2 4h12", "M4.5 8h7", "M7 12h2"],
  question: ["M5.5 6a2.5 2.5 0 1 1 3.7 2.2c-.8.45-1.2.9-1.2 1.8", "M8 12.5v.01"],
  search: ["M7 2.5a4.5 4.5 0 1 0 0 9a4.5 4.5 0 0 0 0-9Z", "M10.5 10.5L14 14"],
  wait: ["M3.5 8v.01", "M8 8v.01", "M12.5 8v.01"],
};

/** Return the icon `name` of `PATHS`. */
export function icon(name) {
  return svg(
    "svg",
    { class: "icon", viewBox: "0 0 16 16", width: 16, height: 16, "aria-hidden": "true" },
    PATHS[name].map((d) => svg("path", { d })),
  );
}
