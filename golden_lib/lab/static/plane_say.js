// @ts-check
// The words of a plane: for the eye, for a screen reader, and for print.
import { bestOf, latestOf } from "./plane_story.js";
import { nearestOf, valuesOf } from "./plane_settings.js";
import { counted, percent, shown } from "./settings.js";

const SLOW = 16; // CNNs that train at a bearable pace

const symbolOf = (table, rule) => (table.rules[rule] === "dlr" ? "η₀" : "η");

const manyOf = ({ network, hidden, cells }) => (network === "cnn" ? `${cells} × ${cells} CNNs`
  : `${cells} × ${cells} MLPs with ${hidden} units`);

/** η and α of a cell. */
export function pairSaid(table, plane, cell) {
  const eta = valuesOf(table, plane, "eta")[Math.floor(cell / plane.cells)];
  const alpha = valuesOf(table, plane, "alpha")[cell % plane.cells];
  return `${symbolOf(table, plane.rule)} = ${shown(eta)}, α = ${shown(alpha)}`;
}

/** A range of η and one of α. */
export function rangesSaid(table, rule, { eta, alpha }) {
  return `${symbolOf(table, rule)} from ${shown(eta[0])} to ${shown(eta[1])}, `
    + `α from ${shown(alpha[0])} to ${shown(alpha[1])}`;
}

/** What a cell came to. @returns {string} */
function cameTo(story, values, metric, cell) {
  const value = values[cell];
  if (story.diverged[cell] >= 0) return "diverged";
  if (value === null) return "has no finite loss";
  if (metric === "loss") return `has a loss of ${shown(value)}`;
  return `gets ${percent(value)} of ${counted(story.ready.test_images)} test digits right`;
}

/** The best cell, and the one nearest to the marked pair. */
function bestSaid(table, story) {
  const { plane } = story;
  let metric = "test_accuracy";
  let values = latestOf(story, metric);
  if (bestOf(values, metric) < 0) {
    metric = "loss";
    values = latestOf(story, metric);
  }
  const best = bestOf(values, metric);
  if (best < 0) return [];
  const parts = [`The best cell, ${pairSaid(table, plane, best)}, `
    + `${cameTo(story, values, metric, best)}.`];
  const near = nearestOf(table, plane);
  if (near !== null) {
    const { called } = table.kinds[table.rules[plane.rule]].eta;
    parts.push(`The cell nearest to the ${called === "golden" ? "golden" : "marked"} pair, `
      + `${pairSaid(table, plane, near)}, ${cameTo(story, values, metric, near)}.`);
  }
  return parts;
}

/** How many cells diverged, in a sentence; empty for none. */
export function divergedSaid({ diverged }) {
  const gone = diverged.filter((at) => at >= 0).length;
  return gone ? `${counted(gone)} of ${counted(diverged.length)} cells diverged.` : "";
}

/**
 * What a plane came to, in words; Python's plane_still.py says the same in print.
 * @param {any} table @param {import("./plane_story.js").PlaneStory} story
 */
export function planeSentence(table, story) {
  const { plane, columns } = story;
  const parts = [];
  const count = columns.step.length;
  if (!count) {
    parts.push(`${manyOf(plane)}, untrained.`);
  } else {
    const epochs = shown(columns.epoch[count - 1]);
    parts.push(`${manyOf(plane)} after ${counted(columns.step[count - 1])} steps `
      + `(${epochs} epoch${epochs === "1" ? "" : "s"}).`);
    parts.push(...bestSaid(table, story), divergedSaid(story));
  }
  const { fields } = table;
  parts.push(`${rangesSaid(table, plane.rule, plane)}; loss: ${fields.loss.choices[plane.loss]}; `
    + `rule: ${fields.rule.choices[plane.rule]}; ${fields.data.choices[plane.data]}, `
    + `batch size ${plane.batch_size}, seed ${plane.seed}.`);
  return parts.filter(Boolean).join(" ");
}

/** What a screen reader hears when a plane pauses: short. */
export function planeArrival(table, story) {
  const [best = ""] = story.ready ? bestSaid(table, story) : [];
  return [`Stopped at step ${counted(story.step)}.`, best, divergedSaid(story)].filter(Boolean).join(" ");
}

/** A value of a metric, for the eye. */
export const valueSaid = (metric, value) => (metric === "loss" ? shown(value) : percent(value));

/** What a cell of the grid says. */
export function cellSaid(story, values, metric, cell) {
  const gone = story.diverged[cell];
  if (gone >= 0) return `diverged at step ${counted(gone)}`;
  return values[cell] === null ? "not measured" : valueSaid(metric, values[cell]);
}

/** What is slow about a plane; empty where nothing is. @param {import("./plane_settings.js").Plane} plane */
export function warningOf(plane) {
  const many = plane.cells ** 2;
  if (plane.network !== "cnn" || many <= SLOW) return "";
  return `${counted(many)} CNNs at once are slow: a step may take seconds in a page, `
    + "and much memory. A small batch and fewer cells help.";
}
