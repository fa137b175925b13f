// @ts-check
// Colours of cells: Cividis, which colour-blind readers see as others do, in Plotly's ten stops.
import { METRICS } from "./plane_story.js";

const CIVIDIS = ["#00224e", "#123570", "#3b496c", "#575d6d", "#707173", "#8a8678", "#a59c74",
  "#c3b369", "#e1cc55", "#fee838"].map((hex) =>
  [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16)));

/** The colour at a place of 0 … 1. @param {number} place @returns {string} */
export function colorAt(place) {
  const at = Math.min(Math.max(place, 0), 1) * (CIVIDIS.length - 1);
  const from = Math.min(Math.floor(at), CIVIDIS.length - 2);
  const mixed = CIVIDIS[from].map((v, k) => v + (CIVIDIS[from + 1][k] - v) * (at - from));
  return `rgb(${mixed.map(Math.round).join(", ")})`;
}

/** The scale as a gradient, dark to bright. */
export const GRADIENT = `linear-gradient(to right, ${
  CIVIDIS.map((_, k) => colorAt(k / (CIVIDIS.length - 1))).join(", ")})`;

/**
 * The values that are darkest and brightest. Accuracies have the same scale always, unless it is
 * to be stretched; a loss, from what the networks began with to the best.
 * @param {import("./plane_story.js").PlaneStory} story @param {string} metric
 * @param {(number | null)[]} values @param {boolean} stretched
 * @returns {[number, number]}
 */
export function scaleOf(story, metric, values, stretched) {
  const there = /** @type {number[]} */ (values.filter((value) => value !== null));
  if (!there.length) return METRICS[metric].share ? [0, 1] : [1, 0];
  const [least, most] = [Math.min(...there), Math.max(...there)];
  if (METRICS[metric].share) return stretched ? [least, most] : [0, 1];
  const first = (story.columns.loss[0] ?? []).filter((value) => value !== null).sort((a, b) => a - b);
  const began = first.length ? first[Math.floor(first.length / 2)] : most;
  return [stretched ? most : Math.max(began, least), least];
}

/** The place of a value between the darkest and the brightest. */
export const placeIn = ([dark, bright], value) =>
  (bright === dark ? 1 : (value - dark) / (bright - dark));
