// @ts-check
// Brings the labs of a page to life when they come into view, without a server or a kernel.
// A classic script, and all that it loads are classic scripts that hold text: a page opened from a
// folder (file://) may load nothing else. Each part is fetched when it is first needed. What
// computes is there twice: a page from a server compiles it while it comes.
(() => {
  "use strict";
  const folder = /** @type {HTMLScriptElement} */ (document.currentScript).src.replace(/[^/]*$/, "");

  /** @typedef {{text?: string, gzip?: string, counts?: number[]}} Part  Text as it is, or bytes: gzipped, in base64. */
  /** @type {Map<string, Part>} */
  const arrived = new Map();
  /** @type {Map<string, Promise<Part>>} */
  const asked = new Map();

  /** What the parts call: `goldenLab.provide("wasm", {gzip: "H4sI…"})`. */
  Object.assign(window, { goldenLab: { provide: (name, part) => arrived.set(name, part) } });

  /** @returns {Promise<void>} when a script of this site has run */
  function load(path) {
    return new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = folder + path;
      script.onload = () => resolve();
      script.onerror = () => reject(new Error(`${path} did not load; try again when you are online`));
      document.head.append(script);
    });
  }

  /** @returns {Promise<Part>} a part of the lab; asked for again after a failure */
  function part(name) {
    if (!asked.has(name)) {
      const coming = load(`lab/${name}.js`).then(() => /** @type {Part} */ (arrived.get(name)));
      asked.set(name, coming);
      coming.catch(() => asked.delete(name));
    }
    return /** @type {Promise<Part>} */ (asked.get(name));
  }

  /** @returns {Uint8Array} the bytes of a text in base64 */
  function decodedBase64(text) {
    const Bytes = /** @type {any} */ (Uint8Array);
    if (Bytes.fromBase64) return Bytes.fromBase64(text);
    const binary = atob(text);
    const bytes = new Uint8Array(binary.length);
    for (let k = 0; k < binary.length; k++) bytes[k] = binary.charCodeAt(k);
    return bytes;
  }

  /** @returns {Promise<ArrayBuffer>} bytes of a part; in pieces, so that the page answers meanwhile */
  async function bytes(name) {
    const { gzip = "" } = await part(name);
    const PIECE = 2 ** 18;  // characters, a multiple of 4: a few milliseconds each
    let at = 0;
    const packed = new ReadableStream({
      async pull(controller) {
        await new Promise((resolve) => setTimeout(resolve));
        const decoded = decodedBase64(gzip.slice(at, at + PIECE));
        controller.enqueue(decoded);
        at += PIECE;
        if (at >= gzip.length) controller.close();
      },
    });
    return new Response(packed.pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
  }

  /** @type {Promise<WebAssembly.Module> | undefined} */
  let compiled;

  /**
   * What computes: compiled while it comes, which the browser keeps for the reader's next visit; or
   * its bytes, where a page may not fetch, as one from a folder.
   * @returns {Promise<WebAssembly.Module | ArrayBuffer>}
   */
  async function code() {
    if (location.protocol.startsWith("http") && typeof WebAssembly === "object") {
      try {
        compiled ??= WebAssembly.compileStreaming(fetch(`${folder}lab/engine.wasm`));
        return await compiled;
      } catch {
        compiled = undefined;
      }
    }
    return bytes("wasm");
  }

  /** @returns {string} the address of a script that is text */
  const addressOf = (text) => URL.createObjectURL(new Blob([text], { type: "text/javascript" }));

  /** Imports a module that is text. */
  async function moduleOf(text) {
    const address = addressOf(text);
    try {
      return await import(address);
    } finally {
      URL.revokeObjectURL(address);
    }
  }

  /** @type {Promise<any> | undefined} */
  let plotly;

  /** Plotly, the one that the page's figures are drawn with. */
  function loadPlotly() {
    const there = () => /** @type {any} */ (window).Plotly;
    if (there()) return Promise.resolve(there());
    plotly ??= load("plotly.min.js").then(there);
    plotly.catch(() => { plotly = undefined; });
    return plotly;
  }

  /** A set of digits as the worker takes it: images and labels, and those to test on if it has some. */
  async function digitsOf(name) {
    const { counts = [] } = await part(`data-${name}`);
    const all = new Uint8Array(await bytes(`data-${name}`));
    const SIZE = 28 * 28;
    const sizes = [...counts.map((n) => n * SIZE), ...counts];
    let at = 0;
    const arrays = sizes.map((size) => all.slice(at, at += size));
    const names = counts.length === 1 ? ["images", "labels"]
      : ["images", "test_images", "labels", "test_labels"];
    return Object.fromEntries(names.map((key, k) => [key, arrays[k]]));
  }

  /** A worker with the engine, which is given what it asks for. */
  async function openPort() {
    const [worker, runtime, wasm] = await Promise.all([part("worker"), part("runtime"), code()]);
    const address = addressOf(worker.text);
    const engine = new Worker(address, { name: "golden-lab" });
    const callbacks = new Set();
    const tell = (event) => { for (const callback of [...callbacks]) callback(event); };

    /** What the engine asks for, and the buffers of it that are its own from then on. */
    const found = {
      async graphs(name) {
        const graph = await bytes(`graph-${name}`);
        return [graph, graph];
      },
      async digits(name) {
        const set = await digitsOf(name);
        return [set, ...Object.values(set).map((array) => array.buffer)];
      },
      async runtimes(name) {
        const [js, code] = await Promise.all([part(`runtime-${name}`), bytes(`wasm-${name}`)]);
        return [{ js: js.text, wasm: code }, code];
      },
    };

    async function give({ kind, name }) {
      try {
        const [asset, ...owned] = await found[kind](name);
        engine.postMessage({ type: "assets", [kind]: { [name]: asset } }, owned);
      } catch (error) {
        // The engine says why where it cannot do without.
        engine.postMessage({ type: "assets", missing: [name], why: error.message });
      }
    }

    engine.onmessage = ({ data }) => {
      if (data.type === "need") give(data);
      else tell(data);
    };
    engine.onerror = (event) => {
      event.preventDefault();
      const why = event.message ? `: ${event.message}` : "";
      tell({ type: "error", message: `the engine stopped${why}; load the page again to train` });
    };
    const owned = wasm instanceof ArrayBuffer ? [wasm] : [];
    engine.postMessage({ type: "assets", ort: { js: runtime.text, wasm } }, owned);
    return {
      post(message, arrays = {}) {
        const described = Object.fromEntries(
          Object.entries(arrays).map(([name, data]) => [name, { shape: [data.length], data }]));
        engine.postMessage({ ...message, arrays: described });
      },
      listen(callback) {
        callbacks.add(callback);
        return () => callbacks.delete(callback);
      },
      close() {
        callbacks.clear();
        engine.terminate();
        URL.revokeObjectURL(address);
      },
    };
  }

  /** What an anywidget asks of its model, without anybody behind it. */
  class Model {
    constructor(values) {
      this.values = values;
      this.listeners = new Map();
      this.host = { port: openPort, plotly: loadPlotly };
    }

    get(name) { return this.values[name]; }

    set(name, value) {
      if (this.values[name] === value) return;
      this.values[name] = value;
      for (const callback of [...(this.listeners.get(`change:${name}`) ?? [])]) callback();
    }

    on(name, callback) {
      if (!this.listeners.has(name)) this.listeners.set(name, new Set());
      this.listeners.get(name).add(callback);
    }

    off(name, callback) { this.listeners.get(name)?.delete(callback); }

    save_changes() {}

    send() {}
  }

  /** The link in the page's address, if it is meant for the lab of this name. */
  function linkFor(id, alone) {
    const given = location.hash.slice(1);
    if (!/(^|&)lab=/.test(given)) return "";
    const meant = new URLSearchParams(given).get("id");
    return meant === id || (meant === null && alone) ? given : "";
  }

  /** The front ends that are there, by the kind of lab. @type {Map<string, Promise<any>>} */
  const fronts = new Map();
  const sections = [.../** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".golden-lab"))];

  /** Shows one lab, once; where that fails, its picture stays. */
  async function show(section, index) {
    if (section.dataset.state) return;
    section.dataset.state = "loading";
    try {
      const lab = JSON.parse(section.querySelector("script").textContent);
      const { text, style, settings } = await part(`front-${lab.kind}`);
      if (fronts.size === 0) {  // one style sheet is for all kinds
        const sheet = document.createElement("style");
        sheet.textContent = style;
        document.head.append(sheet);
      }
      if (!fronts.has(lab.kind)) fronts.set(lab.kind, moduleOf(text));
      const widget = (await fronts.get(lab.kind)).default;
      const id = section.id || `lab-${index + 1}`;
      section.id = id;
      const model = new Model({
        ...lab.settings, title: lab.title, _kind: lab.kind, _state: lab.state, _settings: settings,
        _id: id, _link: linkFor(id, index === 0),
      });
      await widget.render({ model, el: section.querySelector(".golden-lab-live") });
      section.dataset.state = "shown";
    } catch (error) {
      section.dataset.state = "failed";
      throw error;
    }
  }

  const seen = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      seen.unobserve(target);
      show(target, sections.indexOf(/** @type {HTMLElement} */ (target)));
    }
  }, { rootMargin: "400px" });
  for (const section of sections) seen.observe(section);
  const meant = sections.findIndex((section, k) => linkFor(section.id || `lab-${k + 1}`, k === 0));
  if (meant >= 0) sections[meant].scrollIntoView();
})();
