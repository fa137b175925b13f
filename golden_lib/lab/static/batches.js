// @ts-check
/** Digits as a step takes them: which train, which test, in which order, and as float32. */

import { CLASSES, PIXELS, epochOrder, split } from "./numbers.js";

/**
 * @typedef {{images: Uint8Array, labels: Uint8Array, test_images?: Uint8Array,
 *   test_labels?: Uint8Array}} Digits  grey levels 0 … 255, 784 an image, and classes
 * @typedef {{images: Uint8Array, labels: Uint8Array, index: Uint32Array}} Part
 */

// As NumPy divides float32 by float32 in Digits.from_bytes: rounded once.
const GREY = Float32Array.from({ length: 256 }, (_, level) => level / 255);

/**
 * Which digits train and which test, as `golden_lib.training.feed.divide` settles it: the test set
 * that came along, or a tenth chosen by the seed.
 * @param {Digits} digits @param {number} seed
 * @returns {{train: Part, test: Part}}
 */
export function divided({ images, labels, test_images, test_labels }, seed) {
  const n = labels.length;
  if (test_images && test_labels) {
    const all = (/** @type {number} */ size) => new Uint32Array(size).map((_, i) => i);
    return {
      train: { images, labels, index: all(n) },
      test: { images: test_images, labels: test_labels, index: all(test_labels.length) },
    };
  }
  const { train, test } = split(n, Math.max(1, Math.floor(n / 10)), seed);
  return { train: { images, labels, index: train }, test: { images, labels, index: test } };
}

/** The order of the training digits, epoch after epoch: a function of seed and epoch alone. */
export class Feed {
  /** @param {Part} part @param {number} batch B @param {number} seed */
  constructor(part, batch, seed) {
    this.part = part;
    this.batch = batch;
    this.seed = seed;
    this.steps = Math.floor(part.index.length / batch);
    this.epoch = -1;
    this.order = part.index;
  }

  /**
   * The digits of some steps of one epoch.
   * @param {number} step the first @param {number} count how many, not past the epoch's end
   * @returns {Uint32Array} (count · B)
   */
  picks(step, count) {
    const epoch = Math.floor(step / this.steps);
    if (epoch !== this.epoch) {
      this.order = epochOrder(this.part.index, this.seed, epoch);
      this.epoch = epoch;
    }
    const from = (step - epoch * this.steps) * this.batch;
    return this.order.subarray(from, from + count * this.batch);
  }
}

/** @param {Uint8Array} images @param {ArrayLike<number>} picks @returns {Float32Array} */
export function pixelsOf(images, picks) {
  const out = new Float32Array(picks.length * PIXELS);
  for (let k = 0, at = 0; k < picks.length; k++) {
    const from = picks[k] * PIXELS;
    for (let i = from; i < from + PIXELS; i++) out[at++] = GREY[images[i]];
  }
  return out;
}

/** @param {Uint8Array} labels @param {ArrayLike<number>} picks @returns {Float32Array} */
export function oneHot(labels, picks) {
  const out = new Float32Array(picks.length * CLASSES);
  for (let k = 0; k < picks.length; k++) out[k * CLASSES + labels[picks[k]]] = 1;
  return out;
}

/**
 * Steps on lit pixels alone: which pixels are lit somewhere in a step's batch, one at least, and
 * the images at these.
 * @param {Uint8Array} images @param {ArrayLike<number>} picks (T · B) @param {number} steps T
 * @returns {{pixels: Int32Array, values: Float32Array, bounds: Int32Array}} (N), (N, B), and (T + 1)
 *   from where to where the rows of each step go
 */
export function litOf(images, picks, steps) {
  const B = picks.length / steps;
  const bounds = new Int32Array(steps + 1);
  /** @type {number[]} */
  const pixels = [];
  for (let t = 0; t < steps; t++) {
    const own = Array.from({ length: B }, (_, b) => picks[t * B + b] * PIXELS);
    for (let j = 0; j < PIXELS; j++) if (own.some((from) => images[from + j])) pixels.push(j);
    if (pixels.length === bounds[t]) pixels.push(0);
    bounds[t + 1] = pixels.length;
  }
  const values = new Float32Array(pixels.length * B);
  for (let t = 0; t < steps; t++) {
    for (let n = bounds[t]; n < bounds[t + 1]; n++) {
      for (let b = 0; b < B; b++) {
        values[n * B + b] = GREY[images[picks[t * B + b] * PIXELS + pixels[n]]];
      }
    }
  }
  return { pixels: Int32Array.from(pixels), values, bounds };
}
