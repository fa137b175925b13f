// @ts-check
// The way to the engine: a worker of the static page, or the kernel behind a notebook. Both take
// the same commands and give the same events; arrays come as typed arrays with their shapes.

/**
 * @typedef {{post: (message: any, arrays?: Record<string, Float32Array>) => void,
 *   listen: (callback: (event: any) => void) => (() => void), close: () => void}} Port
 */

const KINDS = { float32: Float32Array, uint8: Uint8Array, int32: Int32Array };

/** Copies the bytes of an array: a message's buffer may begin anywhere. */
function typed(kind, bytes) {
  const Kind = KINDS[kind];
  if (!Kind) throw new Error(`an array must be one of ${Object.keys(KINDS)}, got ${kind}`);
  return new Kind(bytes.slice().buffer);
}

/**
 * The arrays of a message from the kernel by name.
 * @param {any} message its `arrays` are [name, shape, type] in the order of the buffers
 * @param {DataView[]} buffers
 */
export function withArrays(message, buffers = []) {
  const arrays = {};
  (message.arrays ?? []).forEach(([name, shape, kind], k) => {
    const view = buffers[k];
    const bytes = view instanceof ArrayBuffer ? new Uint8Array(view)
      : new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
    arrays[name] = { shape, data: typed(kind, bytes) };
  });
  return { ...message, arrays };
}

/** The arrays of a message as plain JSON, written as base64. */
export function fromJson(message) {
  const arrays = {};
  for (const [name, { shape, dtype, data }] of Object.entries(message.arrays ?? {})) {
    arrays[name] = { shape, data: typed(dtype, Uint8Array.from(atob(data), (c) => c.charCodeAt(0))) };
  }
  return { ...message, arrays };
}

/**
 * A port to Python's engine through the widget's messages.
 * @returns {Port}
 */
function kernelPort(model) {
  const callbacks = new Set();
  const hear = (message, buffers) => {
    const event = withArrays(message, buffers);
    for (const callback of [...callbacks]) callback(event);
  };
  model.on("msg:custom", hear);
  return {
    post(message, arrays = {}) {
      const names = Object.keys(arrays);
      const described = names.map((name) => [name, [arrays[name].length], "float32"]);
      model.send({ ...message, arrays: described }, undefined,
        names.map((name) => arrays[name].slice().buffer));
    },
    listen(callback) {
      callbacks.add(callback);
      return () => callbacks.delete(callback);
    },
    close() {
      callbacks.clear();
      model.off("msg:custom", hear);
    },
  };
}

/** Whether Python answers, rather than a worker that is still to be loaded. */
export const hasKernel = (model) => !model.host;

/** @returns {Promise<Port>} */
export async function openPort(model) {
  return hasKernel(model) ? kernelPort(model) : model.host.port();
}

const SHARED = Symbol.for("golden.lab.plotly");

/**
 * Plotly, loaded once for all labs of a page: by the static page's host, or from Python, which has
 * it in a wheel.
 * @param {any} model @param {() => Promise<Port>} port
 */
export function plotlyOf(model, port) {
  if (!hasKernel(model)) return model.host.plotly();
  globalThis[SHARED] ??= fromPython(port).catch((error) => {
    delete globalThis[SHARED];
    throw error;
  });
  return globalThis[SHARED];
}

async function fromPython(port) {
  const opened = await port();
  const zipped = await new Promise((resolve) => {
    const stop = opened.listen((event) => {
      if (event.type !== "asset") return;
      stop();
      resolve(event.arrays.asset.data);
    });
    opened.post({ type: "asset", name: "plotly" });
  });
  const plain = new Blob([zipped]).stream().pipeThrough(new DecompressionStream("gzip"));
  const code = await new Response(plain).text();
  // As a module of its own: it meets no other module system of the page, such as require.js.
  const text = `const module = { exports: {} };\n${code}\nexport default module.exports;`;
  const address = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  try {
    return (await import(/* webpackIgnore: true */ address)).default;
  } finally {
    URL.revokeObjectURL(address);
  }
}
