// @ts-check
/**
 * The entry of the page's Web Worker. It is made of a Blob, has no address to load from, and needs
 * no isolation: its first message brings onnxruntime-web, later ones what it asks for.
 *
 * To it: `{type: "assets", ort: {js, wasm: ArrayBuffer|WebAssembly.Module}, graphs: {name: ArrayBuffer}, digits: {name: {images,
 * labels, test_images?, test_labels?}}, runtimes: {webgpu: {js, wasm}}, missing: [name], why}`, each
 * part where there is one; `{type: "engine", name: "wasm"|"webgpu"}`; and the commands of a session,
 * with `arrays: {image: {shape, data}}` where there are some. From it: the events of a session with
 * their arrays; `{type: "need", kind, name}` for an asset that it lacks; `{type: "loaded"}` when
 * onnxruntime-web runs; and `{type: "engine", name}` for what computes from now on.
 */

import { eitherRunner } from "./engines.js";
import { ortRunner } from "./runner.js";
import { Session, sentenceOf } from "./session.js";
import { webgpuRunner } from "./webgpu_runner.js";

/** @type {any} */
const scope = globalThis;

/** @typedef {"graphs"|"digits"|"runtimes"} Kind */

/** Assets by kind and name, and who waits for one. */
class Store {
  constructor() {
    this.known = { graphs: new Map(), digits: new Map(), runtimes: new Map() };
    this.waiting = new Map();
  }

  /** @param {Kind} kind @param {string} name @returns {Promise<any>} */
  find(kind, name) {
    const known = this.known[kind].get(name);
    if (known) return Promise.resolve(known);
    if (!this.waiting.has(name)) {
      const asked = /** @type {any} */ ({});
      asked.coming = new Promise((resolve, reject) => Object.assign(asked, { resolve, reject }));
      this.waiting.set(name, asked);
      scope.postMessage({ type: "need", kind, name });
    }
    return this.waiting.get(name).coming;
  }

  /** @param {any} assets */
  take(assets) {
    for (const kind of /** @type {Kind[]} */ (Object.keys(this.known))) {
      for (const [name, asset] of Object.entries(assets[kind] ?? {})) {
        this.known[kind].set(name, asset);
        this.waiting.get(name)?.resolve(asset);
        this.waiting.delete(name);
      }
    }
    for (const name of assets.missing ?? []) {
      this.waiting.get(name)?.reject(
        new Error(assets.why ?? `${name} must be part of this page, got none`));
      this.waiting.delete(name);
    }
  }
}

/**
 * A stand-in for a module's bytes: onnxruntime-web takes these alone, and compiles them.
 * @param {WebAssembly.Module} module
 */
function standIn(module) {
  const bytes = new ArrayBuffer(8);
  const compile = WebAssembly.instantiate;
  /** @type {any} */ (WebAssembly).instantiate = async (
    /** @type {any} */ source, /** @type {any} */ imports) => ((source.buffer ?? source) === bytes
    ? { module, instance: await compile(module, imports) } : compile(source, imports));
  return bytes;
}

/** @typedef {{js: string|ArrayBuffer, wasm: ArrayBuffer|WebAssembly.Module}} Runtime */

/** @param {Runtime} parts @param {string} log least level */
async function loaded({ js, wasm }, log = "error") {
  if (typeof WebAssembly !== "object") {
    throw new Error("this browser must run WebAssembly to train in the page, got none");
  }
  const address = URL.createObjectURL(new Blob([js], { type: "text/javascript" }));
  try {
    const ort = await import(/* webpackIgnore: true */ address);
    ort.env.wasm.wasmBinary = wasm instanceof WebAssembly.Module ? standIn(wasm) : wasm;
    // More threads need a page that is isolated from all others, which static hosts do not offer.
    ort.env.wasm.numThreads = 1;
    ort.env.logLevel = log;
    return ort;
  } finally {
    URL.revokeObjectURL(address);
  }
}

const store = new Store();
const channel = new MessageChannel();
/** @type {(() => void)[]} */
const breaths = [];
channel.port1.onmessage = () => breaths.shift()?.();

/** WebGPU's runner, in a runtime of its own: one whose GPU was lost cannot get another. */
async function loadedWebgpu() {
  if (!(await scope.navigator.gpu?.requestAdapter())) {
    throw new Error("this browser must offer WebGPU, got none");
  }
  const ort = await loaded(await store.find("runtimes", "webgpu"), "fatal");
  return webgpuRunner(ort, (name) => store.find("graphs", name));
}

/** @type {Session|null} */
let session = null;
/** @type {ReturnType<typeof eitherRunner>|null} */
let runner = null;
/** @type {any[]} */
let early = [];
let failed = "";

/** @param {any} command */
function command({ arrays, ...message }) {
  if (failed) scope.postMessage({ type: "error", message: failed });
  else if (runner && message.type === "engine") runner.choose(message.name);
  else if (session) session.post(message, arrays);
  else {
    early.push({ arrays, ...message });
    // The page unpacks the digits while this thread compiles; a failure comes again when it counts.
    if (message.type === "start") store.find("digits", message.settings.data).catch(() => {});
  }
}

/** @param {Runtime} parts */
async function begin(parts) {
  try {
    const ort = await loaded(parts);
    runner = eitherRunner(
      ortRunner(ort, (name) => store.find("graphs", name)), loadedWebgpu,
      (name) => scope.postMessage({ type: "engine", name }));
    session = new Session({
      runner,
      digits: (name) => store.find("digits", name),
      emit: (message, arrays) => scope.postMessage({ ...message, arrays }),
      breathe: () => new Promise((resolve) => {
        breaths.push(resolve);
        channel.port2.postMessage(null);
      }),
    });
    scope.postMessage({ type: "loaded" });
  } catch (error) {
    failed = `the page's engine did not start: ${sentenceOf(error)}`;
    scope.postMessage({ type: "error", message: failed });
  }
  const waiting = early;
  early = [];
  if (!failed) waiting.forEach(command);
}

scope.onmessage = (/** @type {MessageEvent} */ { data }) => {
  if (data.type !== "assets") {
    command(data);
    return;
  }
  store.take(data);
  if (data.ort) begin(data.ort);
};
