// @ts-check
/** What panels show of one network, as the library's views do: plain arrays with their shapes. */

import { likeliest } from "./course.js";
import { PIXELS } from "./numbers.js";

/**
 * @typedef {import("./course.js").Course} Course
 * @typedef {Record<string, {shape: number[], data: Float32Array|Uint8Array}>} Arrays
 */

export const PANELS = ["filters", "mistakes", "rates"];
/** Mistakes that are shown, of all that there are. */
const SHOWN = 24;
/** Bars of a layer's histogram. */
const BINS = 40;
/** Class that a network whose numbers are not finite gives to a digit. */
const NOTHING = 255;

/**
 * Probabilities from ten logits: each unit's own under `logistic_sse`, else the softmax.
 * @param {Float32Array} logits @param {number} from @param {string} loss
 */
export function probabilities(logits, from, loss) {
  const z = logits.subarray(from, from + 10);
  if (loss === "logistic_sse") return Float32Array.from(z, (v) => 1 / (1 + Math.exp(-v)));
  const top = Math.max(...z);
  const shares = Array.from(z, (v) => Math.exp(v - top));
  const total = shares.reduce((a, b) => a + b, 0);
  return Float32Array.from(shares, (v) => v / total);
}

/** @param {Course} course @returns {Arrays} the first layer's weights of the first replica */
function filters({ state, settings }) {
  const { shape, data } = state[settings.network === "cnn" ? "params.conv.weight"
    : "params.hidden.weight"];
  const side = settings.network === "cnn" ? 5 : 28;
  return { filters: { shape: [shape[1], side, side], data: data.slice(0, shape[1] * side * side) } };
}

/** @param {Course} course */
async function mistakes(course) {
  const { images, labels, index } = course.test;
  const logits = await course.logits();
  const wrong = [];
  for (let m = 0; m < index.length; m++) {
    if (likeliest(logits, m * 10) !== labels[index[m]]) wrong.push(m);
  }
  const shown = wrong.slice(0, SHOWN);
  const n = shown.length;
  const found = new Uint8Array(n * PIXELS);
  const given = new Float32Array(n * 10);
  shown.forEach((m, k) => {
    found.set(images.subarray(index[m] * PIXELS, (index[m] + 1) * PIXELS), k * PIXELS);
    given.set(probabilities(logits, m * 10, course.settings.loss), k * 10);
  });
  const said = Uint8Array.from(shown, (m) => {
    const best = likeliest(logits, m * 10);
    return best < 0 ? NOTHING : best;
  });
  return {
    more: { wrong: wrong.length, tested: index.length },
    arrays: {
      images: { shape: [n, 28, 28], data: found },
      said: { shape: [n], data: said },
      labels: { shape: [n], data: Uint8Array.from(shown, (m) => labels[index[m]]) },
      probabilities: { shape: [n, 10], data: given },
    },
  };
}

/**
 * The learning rate of each synapse, as `golden_lib.optim.dlr_rate`: η₀ (|w| + α)/(‖w‖ + α), the
 * norm over a unit's outgoing weights, or over its incoming ones.
 * @param {Float32Array} weights (units, inputs) @param {number} units
 * @param {number} eta @param {number} alpha @param {boolean} incoming
 */
export function dlrRates(weights, units, eta, alpha, incoming) {
  const inputs = weights.length / units;
  const squares = new Float64Array(incoming ? units : inputs);
  for (let i = 0, at = 0; i < units; i++) {
    for (let j = 0; j < inputs; j++, at++) squares[incoming ? i : j] += weights[at] * weights[at];
  }
  const pace = squares.map((square) => eta / (Math.sqrt(square) + alpha));
  const rates = new Float32Array(weights.length);
  for (let i = 0, at = 0; i < units; i++) {
    for (let j = 0; j < inputs; j++, at++) {
      rates[at] = (Math.abs(weights[at]) + alpha) * pace[incoming ? i : j];
    }
  }
  return rates;
}

/**
 * A histogram over what there is; what is not finite is left out.
 * @param {Float32Array} values @param {number} eta what the edges stand around if all are equal
 */
function histogram(values, eta) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  if (low > high) [low, high] = [0, eta];
  if (!(high > low)) [low, high] = [low - 0.005 * eta, high + 0.005 * eta];
  const counts = new Float32Array(BINS);
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    counts[Math.min(BINS - 1, Math.floor(((value - low) / (high - low)) * BINS))]++;
  }
  const edges = Float32Array.from({ length: BINS + 1 }, (_, k) => low + ((high - low) * k) / BINS);
  return { counts, edges };
}

/** @param {Course} course */
function rates({ state, settings, eta, alpha, replicas }) {
  const layers = settings.network === "cnn" ? ["conv", "head"] : ["hidden", "output"];
  const counts = new Float32Array(layers.length * BINS);
  const edges = new Float32Array(layers.length * (BINS + 1));
  layers.forEach((layer, k) => {
    const { shape, data } = state[`params.${layer}.weight`];
    const own = data.subarray(0, data.length / replicas);
    const found = histogram(
      dlrRates(own, shape[1], eta[0], alpha[0], settings.rule === "dlr_incoming"), eta[0]);
    counts.set(found.counts, k * BINS);
    edges.set(found.edges, k * (BINS + 1));
  });
  return {
    more: { layers },
    arrays: {
      rate_counts: { shape: [layers.length, BINS], data: counts },
      rate_edges: { shape: [layers.length, BINS + 1], data: edges },
    },
  };
}

/**
 * The event that shows some panels.
 * @param {Course} course @param {string[]} asked
 * @returns {Promise<{message: any, arrays: Arrays}>}
 */
export async function picture(course, asked) {
  const dlr = course.settings.rule.startsWith("dlr");
  const panels = PANELS.filter((name) => asked.includes(name) && (name !== "rates" || dlr));
  const message = { type: "view", step: course.step, panels };
  /** @type {Arrays} */
  const arrays = {};
  for (const name of panels) {
    const { more, arrays: found } = name === "filters" ? { more: {}, arrays: filters(course) }
      : name === "rates" ? rates(course) : await mistakes(course);
    Object.assign(message, more);
    Object.assign(arrays, found);
  }
  return { message, arrays };
}
