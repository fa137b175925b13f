// @ts-check
/** Training steps by onnxruntime-web: graphs that the library exported, on one WASM thread. */

import { litOf, oneHot, pixelsOf } from "./batches.js";

/** @typedef {import("./numbers.js").Named} Named */
/** @typedef {Record<string, Named>} State */

/** Images times replicas that are classified together. */
const CLASSIFIED = 2048;
/** Hidden units from which a step on lit pixels alone is quicker, if it is of one image. */
const LIT_FROM = 16;

/** @param {any} ort @param {Float32Array|Int32Array} data @param {number[]} shape */
export function tensorOf(ort, data, shape) {
  return new ort.Tensor(data instanceof Int32Array ? "int32" : "float32", data, shape);
}

/** The tensors of a state that a graph takes, by their names. @param {string[]} names */
export function fed(ort, /** @type {State} */ state, names) {
  return Object.fromEntries(Object.entries(state).filter(([name]) => names.includes(name))
    .map(([name, { shape, data }]) => [name, tensorOf(ort, data, shape)]));
}

/**
 * Logits of some images, as a Runner's `classify` has them.
 * @param {any} ort @param {any} session of a graph `classify` @param {State} state
 * @param {Uint8Array|Float32Array} images @param {ArrayLike<number>} index
 * @param {any} [options] of onnxruntime-web for each run
 */
export async function classified(ort, session, state, images, index, options = {}) {
  const [{ shape: [R] }] = Object.values(state);
  const M = index.length;
  const out = new Float32Array(R * M * 10);
  const most = Math.max(16, Math.floor(CLASSIFIED / R));
  const given = fed(ort, state, session.inputNames);
  for (let from = 0; from < M; from += most) {
    const some = Array.prototype.slice.call(index, from, from + most);
    const pixels = images instanceof Float32Array ? images : pixelsOf(images, some);
    const { logits } = await session.run(
      { ...given, images: tensorOf(ort, pixels, [some.length, 784]) }, options);
    for (let r = 0; r < R; r++) {
      const own = logits.data.subarray(r * some.length * 10, (r + 1) * some.length * 10);
      out.set(own, (r * M + from) * 10);
    }
  }
  return out;
}

/**
 * @param {any} ort the module onnxruntime-web
 * @param {(name: string) => Promise<ArrayBuffer>} graph an exported file by its name
 * @returns {import("./course.js").Runner}
 */
export function ortRunner(ort, graph) {
  /** @type {Record<string, any>} */
  let sessions = {};
  let opened = "";
  let lit = false;
  const tensor = (/** @type {any} */ data, /** @type {number[]} */ shape) =>
    tensorOf(ort, data, shape);

  function onlyLit(/** @type {Uint8Array} */ images, /** @type {Uint32Array} */ picks,
    /** @type {number} */ steps) {
    const { pixels, values, bounds } = litOf(images, picks, steps);
    return {
      images: tensor(values, [pixels.length, picks.length / steps]),
      pixels: tensor(pixels, [pixels.length]), bounds: tensor(bounds, [steps + 1]),
    };
  }

  async function close() {
    const old = Object.values(sessions);
    sessions = {};
    opened = "";
    for (const session of old) await session.release();
  }

  return {
    async open({ network, rule, hidden, replicas, batch }) {
      const wanted = JSON.stringify([network, rule, hidden, replicas, batch]);
      if (wanted === opened) return;
      await close();
      // Sizes that are known make constants of all shapes: half of a small network's nodes.
      const sizes = { R: replicas, ...(network === "mlp" ? { H: hidden } : {}) };
      const make = async (/** @type {string} */ name, /** @type {any} */ known) =>
        ort.InferenceSession.create(new Uint8Array(await graph(name)), {
          executionProviders: ["wasm"], freeDimensionOverrides: known, logSeverityLevel: 3,
        });
      lit = network === "mlp" && rule === "dlr" && batch === 1 && hidden >= LIT_FROM;
      const kind = lit ? "lit" : "advance";
      sessions.advance = await make(`${network}_${rule}_${kind}`, { ...sizes, B: batch });
      sessions.classify = await make(`${network}_classify`, sizes);
      opened = wanted;
    },

    async advance(state, part, picks, { eta, alpha, loss, steps }) {
      const B = picks.length / steps;
      const R = eta.length;
      const found = await sessions.advance.run({
        ...fed(ort, state, Object.keys(state)),
        ...(lit ? onlyLit(part.images, picks, steps)
          : { images: tensor(pixelsOf(part.images, picks), [steps, B, 784]) }),
        target: tensor(oneHot(part.labels, picks), [steps, B, 10]),
        eta: tensor(eta, [R]), alpha: tensor(alpha, [R]), loss: tensor(new Int32Array([loss]), [1]),
      });
      const after = Object.fromEntries(Object.entries(state).map(
        ([name, { shape }]) => [name, { shape, data: found[`next.${name}`].data }]));
      const { loss_seen: seen, accuracy, finite } = found;
      return {
        state: after,
        seen: { loss: seen.data, accuracy: accuracy.data, finite: finite.data },
      };
    },

    classify: (state, images, index) =>
      classified(ort, sessions.classify, state, images, index),

    close,
  };
}
