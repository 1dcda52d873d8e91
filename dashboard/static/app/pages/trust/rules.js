// Which work can be requested for a generation, and its effect. Pure functions; the API has the last word.

/** Return why this can't be requested for `generation` now, or null. `live` is the name of the live generation. */
export function whyNot(kind, generation, live) {
  const { name, state, paused, switches, proof } = generation;
  if (state === "dropped") return `${name} was dropped.`;
  switch (kind) {
    case "prove":
      return state === "filling" ? `${name} is still filling.` : null;
    case "pause":
      return paused ? `${name} is paused already.` : null;
    case "resume":
      return paused ? null : `${name} is not paused.`;
    case "drop":
      return state === "live" ? `${name} is live: switch to another one first.` : null;
    case "switch":
      if (state === "live") return `${name} is live already.`;
      if (state === "filling") return `${name} is still filling.`;
      if (paused) return `${name} is paused: resume it first.`;
      if (switches.length > 0) return null; // it was live before, and needs no new proof
      if (!proof) return `${name} is not proved: prove it first.`;
      return proof.compared_with === live
        ? null
        : `${name} was proved against ${proof.compared_with}, but ${live} is live: prove it again.`;
    default:
      return `Unknown work: ${kind}.`;
  }
}

/** Return what the work does, in paragraphs. */
export function effectOf(kind, { name, state, paused }, live) {
  switch (kind) {
    case "prove":
      return [
        name === live
          ? `This compares ${name} with itself: its receipts, facts, sessions and sums.`
          : `This compares ${name} with the live generation ${live}, and both with themselves.`,
        "It changes nothing. Writes and reads go on meanwhile. The longer the log, the longer it takes.",
      ];
    case "switch":
      return [
        `All readers of all orgs see ${name} instead of ${live}, within a second. No request fails.`,
        `${live} keeps following the log, so you can switch back.`,
      ];
    case "drop":
      return [
        `This deletes the tables of ${name}. It can't be undone.`,
        "The log keeps every fact: a replay can rebuild the tables under a new name.",
      ];
    case "pause":
      return [
        `Nothing more is projected into ${name} until you resume it; the pause survives restarts. Writes are accepted, and wait in the log.`,
        state === "live" && `${name} is live: readers will see nothing new meanwhile.`,
      ];
    case "resume":
      return [`Projection into ${name} goes on from where it stopped.`];
    case "repair":
      return [
        `The projectors of ${name} project missing positions from the log, and compute sessions and sums again from the facts.`,
        "Correct rows stay as they are. Writes and reads go on.",
        paused && `${name} is paused: resume it first.`,
      ];
    default:
      return [];
  }
}

/** Whether the last proof says that `generation` equals the live one. */
export function isProvedEqual({ proof }, live) {
  return Boolean(proof?.equal && proof.compared_with === live);
}
