// @ts-check
/**
 * Training steps by onnxruntime-web on WebGPU: one run of a graph a step, since its loops would
 * fetch the state back. The state stays on the GPU for the length of a slice.
 */

import { oneHot, pixelsOf } from "./batches.js";
import { classified, fed, tensorOf } from "./runner.js";

/** Kinds of errors that WebGPU does not throw: a broken step would go on with zeros. */
const ERRORS = ["validation", "out-of-memory", "internal"];
/** Flags of WebGPU's buffers, MAP_READ | COPY_DST, and of their mapping, READ. */
const READABLE = 9;
const READ = 1;
// A branch is chosen on the processor, so the nodes that choose it save a wait when they are there.
const PROVIDER = { name: "webgpu", forceCpuNodeNames: ["which"] };
// What fails here is done again elsewhere: nobody needs to read of it in the console.
const SILENT = { logSeverityLevel: 4 };
/** What a step tells of itself; a course knows its loss by a shorter name. */
const METRICS = ["loss_seen", "accuracy", "finite"];

/**
 * Fetches tensors from the GPU in one go: each wait for it costs about a millisecond.
 * @param {any} device @param {any[]} tensors of float32
 * @returns {Promise<Float32Array[]>}
 */
async function fetched(device, tensors) {
  const sizes = tensors.map(({ size }) => 4 * size);
  const starts = sizes.map((_, k) => sizes.slice(0, k).reduce((a, b) => a + b, 0));
  const size = sizes.reduce((a, b) => a + b, 0);
  const staging = device.createBuffer({ size, usage: READABLE });
  const encoder = device.createCommandEncoder();
  tensors.forEach(({ gpuBuffer }, k) =>
    encoder.copyBufferToBuffer(gpuBuffer, 0, staging, starts[k], sizes[k]));
  device.queue.submit([encoder.finish()]);
  await staging.mapAsync(READ);
  const all = staging.getMappedRange();
  const found = sizes.map((bytes, k) => new Float32Array(all.slice(starts[k], starts[k] + bytes)));
  staging.destroy();
  return found;
}

/**
 * A runner of the CNN that throws as soon as the GPU cannot be relied on; `drop` then lets go of
 * it at once.
 * @param {any} ort the module onnxruntime-web, its WebGPU build
 * @param {(name: string) => Promise<ArrayBuffer>} graph an exported file by its name
 * @returns {import("./course.js").Runner & {drop: () => void}}
 */
export function webgpuRunner(ort, graph) {
  /** @type {Record<string, any>} */
  let sessions = {};
  let opened = "";
  /** @type {any} */
  let device = null;
  /** @type {Promise<never>} */
  let lost;

  async function watched() {
    device = await ort.env.webgpu.device;
    lost = device.lost.then(() => {
      throw new Error("the GPU must stay, got none");
    });
    lost.catch(() => {});
  }

  /**
   * What `work` finds; throws where an error of the GPU's stood behind it, or the GPU is lost, in
   * which case the work may never end.
   * @template T @param {() => Promise<T>} work @returns {Promise<T>}
   */
  async function sound(work) {
    ERRORS.forEach((kind) => device.pushErrorScope(kind));
    const found = await Promise.race([work(), lost]);
    const errors = await Promise.race([
      Promise.all(ERRORS.map(() => device.popErrorScope())), lost]);
    const error = errors.find((/** @type {any} */ each) => each);
    if (error) throw new Error(error.message);
    return found;
  }

  async function close() {
    const old = Object.values(sessions);
    sessions = {};
    opened = "";
    for (const session of old) await session.release();
  }

  return {
    async open({ network, rule, replicas, batch }) {
      const wanted = JSON.stringify([network, rule, replicas, batch]);
      if (wanted === opened) return;
      await close();
      const make = async (/** @type {string} */ name, /** @type {any} */ more) => {
        const bytes = new Uint8Array(await graph(name));
        const create = () => ort.InferenceSession.create(
          bytes, { executionProviders: [PROVIDER], ...SILENT, ...more });
        if (device) return sound(create);
        const session = await create();
        await watched();
        return session;
      };
      sessions.step = await make(`${network}_${rule}_step`, {
        freeDimensionOverrides: { R: replicas, B: batch }, preferredOutputLocation: "gpu-buffer",
      });
      sessions.classify = await make(
        `${network}_classify`, { freeDimensionOverrides: { R: replicas } });
      opened = wanted;
    },

    advance: (state, part, picks, { eta, alpha, loss, steps }) => sound(async () => {
      const [B, R, names] = [picks.length / steps, eta.length, Object.keys(state)];
      const [images, target] = [pixelsOf(part.images, picks), oneHot(part.labels, picks)];
      const same = {
        eta: tensorOf(ort, eta, [R]), alpha: tensorOf(ort, alpha, [R]),
        loss: tensorOf(ort, new Int32Array([loss]), [1]),
      };
      /** @param {Float32Array} all @param {number} t @param {number} size */
      const ofStep = (all, t, size) =>
        tensorOf(ort, all.subarray(t * B * size, (t + 1) * B * size), [B, size]);
      let now = fed(ort, state, names);
      /** @type {any[]} */
      const told = [];
      for (let t = 0; t < steps; t++) {
        const found = await sessions.step.run(
          { ...now, ...same, images: ofStep(images, t, 784), target: ofStep(target, t, 10) },
          SILENT);
        if (t > 0) Object.values(now).forEach((tensor) => tensor.dispose());
        now = Object.fromEntries(names.map((name) => [name, found[`next.${name}`]]));
        told.push(...METRICS.map((name) => found[name]));
      }
      const tensors = [...names.map((name) => now[name]), ...told];
      const data = await fetched(device, tensors);
      tensors.forEach((tensor) => tensor.dispose());
      const seen = METRICS.map((_, m) => {
        const all = new Float32Array(steps * R);
        for (let t = 0; t < steps; t++) all.set(data[names.length + t * METRICS.length + m], t * R);
        return all;
      });
      return {
        state: Object.fromEntries(names.map(
          (name, k) => [name, { shape: state[name].shape, data: data[k] }])),
        seen: { loss: seen[0], accuracy: seen[1], finite: seen[2] },
      };
    }),

    classify: (state, images, index) =>
      sound(() => classified(ort, sessions.classify, state, images, index, SILENT)),

    close,

    drop() {
      // Sessions of a GPU that is gone may never answer: nothing waits for them.
      sessions = {};
      opened = "";
      device?.destroy();
    },
  };
}
