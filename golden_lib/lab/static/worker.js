// @ts-check
/**
 * The entry of the page's Web Worker. It is made of a Blob, has no address to load from, and needs
 * no isolation: its first message brings onnxruntime-web, later ones what it asks for.
 *
 * To it: `{type: "assets", ort: {js, wasm}, graphs: {name: ArrayBuffer}, digits: {name: {images,
 * labels, test_images?, test_labels?}}, missing: [name]}`, each part where there is one, and the
 * commands of a session, with `arrays: {image: {shape, data}}` where there are some. From it: the
 * events of a session with their arrays; `{type: "need", kind: "graphs"|"digits", name}` for an
 * asset that it lacks, and `{type: "loaded"}` when onnxruntime-web runs.
 */

import { ortRunner } from "./runner.js";
import { Session, sentenceOf } from "./session.js";

/** @type {any} */
const scope = globalThis;

/** Assets by kind and name, and who waits for one. */
class Store {
  constructor() {
    this.known = { graphs: new Map(), digits: new Map() };
    this.waiting = new Map();
  }

  /** @param {"graphs"|"digits"} kind @param {string} name @returns {Promise<any>} */
  find(kind, name) {
    const known = this.known[kind].get(name);
    if (known) return Promise.resolve(known);
    return new Promise((resolve, reject) => {
      this.waiting.set(name, { resolve, reject });
      scope.postMessage({ type: "need", kind, name });
    });
  }

  /** @param {any} assets */
  take(assets) {
    for (const kind of /** @type {("graphs"|"digits")[]} */ (["graphs", "digits"])) {
      for (const [name, asset] of Object.entries(assets[kind] ?? {})) {
        this.known[kind].set(name, asset);
        this.waiting.get(name)?.resolve(asset);
        this.waiting.delete(name);
      }
    }
    for (const name of assets.missing ?? []) {
      this.waiting.get(name)?.reject(new Error(`${name} must be part of this page, got none`));
      this.waiting.delete(name);
    }
  }
}

/** @param {{js: string|ArrayBuffer, wasm: ArrayBuffer}} parts */
async function loaded({ js, wasm }) {
  if (typeof WebAssembly !== "object") {
    throw new Error("this browser must run WebAssembly to train in the page, got none");
  }
  const address = URL.createObjectURL(new Blob([js], { type: "text/javascript" }));
  try {
    const ort = await import(/* webpackIgnore: true */ address);
    ort.env.wasm.wasmBinary = wasm;
    // More threads need a page that is isolated from all others, which static hosts do not offer.
    ort.env.wasm.numThreads = 1;
    ort.env.logLevel = "error";
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

/** @type {Session|null} */
let session = null;
/** @type {any[]} */
let early = [];
let failed = "";

/** @param {any} command */
function command({ arrays, ...message }) {
  if (failed) scope.postMessage({ type: "error", message: failed });
  else if (session) session.post(message, arrays);
  else early.push({ arrays, ...message });
}

/** @param {{js: string|ArrayBuffer, wasm: ArrayBuffer}} parts */
async function begin(parts) {
  try {
    const ort = await loaded(parts);
    session = new Session({
      runner: ortRunner(ort, (name) => store.find("graphs", name)),
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
