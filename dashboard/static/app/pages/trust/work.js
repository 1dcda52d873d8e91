// Jobs of the installation: ask for confirmation, request one, and follow it to its end.

import { getOperator, postOperator } from "../../api.js";
import { announce, el, put } from "../../dom.js";
import { count, percent } from "../../format.js";
import { ask, warning } from "./dialog.js";
import { refusal } from "./parts.js";
import { effectOf, isProvedEqual } from "./rules.js";

const LOOK_EVERY_MS = 1_000;
const LOOK_MAX_MS = 15_000;
const ENDED = ["done", "failed"];

/** Return `{element, request(kind, generation, live), follow(job)}`; `refresh()` is called when a job has ended. */
export function workPlace(signal, refresh) {
  const element = el("div", { class: "work", role: "status", "data-testid": "work" });
  const followed = new Set();

  async function request(kind, generation, live) {
    const isUnproved = kind === "switch" && !isProvedEqual(generation, live);
    const agreed = await ask({
      signal,
      title: `${buttonName(kind)} ${generation.name}?`,
      action: buttonName(kind),
      isDanger: kind === "drop",
      text: [...effectOf(kind, generation, live), isUnproved && unproved(generation, live)],
      fields:
        isUnproved && generation.proof && !generation.proof.equal && generation.switches.length === 0 ? [accept()] : [],
    });
    if (!agreed) return;
    const options = agreed.accept_differences ? { accept_differences: true } : {};
    try {
      const { data } = await postOperator("/jobs", { kind, generation: generation.name, ...options }, { signal });
      await follow(data);
    } catch (error) {
      if (!signal.aborted) element.prepend(el("div", { class: "work-line" }, refusal(error), dismiss()));
    }
  }

  async function follow(first) {
    if (followed.has(first.id)) return;
    followed.add(first.id);
    for (const over of element.querySelectorAll(".work-line:not([data-state=requested]):not([data-state=taken])"))
      over.remove();
    const line = el("div", { class: "work-line", "data-work": first.id });
    element.prepend(line);
    let job = first;
    let pause = LOOK_EVERY_MS;
    draw(line, job);
    while (!ENDED.includes(job.state)) {
      await new Promise((resolve) => setTimeout(resolve, pause));
      if (signal.aborted) return;
      try {
        job = (await getOperator(`/jobs/${job.id}`, {}, { signal })).data;
        pause = LOOK_EVERY_MS;
      } catch (error) {
        if (signal.aborted) return;
        if (!error.isTemporary) {
          put(line, refusal(error), dismiss());
          return;
        }
        pause = Math.min(pause * 2, LOOK_MAX_MS);
      }
      draw(line, job);
    }
    announce(`${job.kind} ${job.generation}: ${job.state}`);
    await refresh();
  }
  return { element, request, follow };
}

/** The label of the button for a kind of job. */
export function buttonName(kind) {
  return kind.charAt(0).toUpperCase() + kind.slice(1);
}

/** The progress and result of a job, as nodes. */
export function progressOf({ state, progress, results, waits_for: missing, reason }) {
  const isGoingOn = progress && !ENDED.includes(state);
  return [
    isGoingOn && [
      el("progress", { max: 1, value: progress.share, "aria-label": "Progress" }),
      progress.share !== null && ` ${percent(progress.share, 0)}`,
      ` ${progress.text}`,
    ],
    state === "done" && resultText(results),
    missing && el("span", { class: "warning" }, ` Waiting: ${missing}.`),
    reason && el("span", { class: "bad" }, ` ${reason}`),
  ];
}

function resultText(results) {
  return results
    .flatMap(Object.entries)
    .map(([name, value]) => `${name} ${typeof value === "number" ? count(value) : value}`)
    .join(", ");
}

/** The state of a job, in words and colour. */
export function stateTag(state) {
  return el("span", { class: `tag ${{ done: "good", failed: "bad" }[state] ?? "live"}` }, state);
}

function draw(line, job) {
  line.dataset.state = job.state;
  const isOver = ENDED.includes(job.state);
  put(
    line,
    el("strong", {}, `${job.kind} ${job.generation}`),
    " ",
    stateTag(job.state),
    " ",
    progressOf(job),
    isOver && dismiss(),
  );
}

function dismiss() {
  return el(
    "button",
    { type: "button", class: "small plain", onclick: (event) => event.target.closest(".work-line").remove() },
    "Dismiss",
  );
}

function unproved({ name, proof, switches }, live) {
  if (proof && !proof.equal)
    return warning(
      `The last proof found differences between ${name} and ${proof.compared_with}. Numbers will change. Read the proof first.`,
    );
  const why = proof
    ? `The last proof compared ${name} with ${proof.compared_with}, not with ${live}.`
    : `There is no proof of ${name}.`;
  return warning(
    `${why} Its numbers may differ from those of ${live}.${switches.length > 0 ? " It was live before, so no proof is required." : ""}`,
  );
}

function accept() {
  return el(
    "p",
    {},
    el(
      "label",
      { class: "check" },
      el("input", { type: "checkbox", name: "accept_differences", value: "yes", required: true }),
      "I have read the report, and accept the differences.",
    ),
  );
}
