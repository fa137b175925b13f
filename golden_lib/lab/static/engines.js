// @ts-check
/** Who computes: WebAssembly, or WebGPU where a reader has chosen it and for as long as it works. */

/**
 * @typedef {import("./course.js").Runner} Runner
 * @typedef {Runner & {drop: () => void}} Droppable
 */

/** Networks that are worth it: a step of the MLP, online, is over before a GPU has begun. */
const WORTH = ["cnn"];

/**
 * A runner of two. Where WebGPU fails, WebAssembly does the same once more, and goes on: a state
 * is whole after each slice, so nobody notices but the one who is told.
 * @param {Runner} wasm
 * @param {() => Promise<Droppable>} load WebGPU's runner, or throws
 * @param {(name: "wasm"|"webgpu") => void} tell hears who computes from now on
 * @returns {Runner & {choose: (name: string) => void}}
 */
export function eitherRunner(wasm, load, tell) {
  /** @type {Droppable|null} */
  let webgpu = null;
  let chosen = "wasm";
  let loading = false;
  /** @type {any} */
  let shape = null;
  const fits = () => shape && WORTH.includes(shape.network);

  function fall() {
    webgpu?.drop();
    webgpu = null;
    chosen = "wasm";
    tell("wasm");
  }

  /** Loads WebGPU while WebAssembly goes on. */
  async function prepare() {
    loading = true;
    /** @type {Droppable|null} */
    let coming = null;
    try {
      coming = await load();
      if (fits()) await coming.open(shape);
      webgpu = coming;
      if (chosen === "webgpu") tell("webgpu");
    } catch {
      coming?.drop();
      fall();
    }
    loading = false;
  }

  /**
   * Does something on WebGPU where that is chosen and works, else on WebAssembly.
   * @template T @param {(runner: Runner) => Promise<T>} act @returns {Promise<T>}
   */
  async function done(act) {
    const used = chosen === "webgpu" && fits() ? webgpu : null;
    try {
      if (used) {
        await used.open(shape);
        return await act(used);
      }
    } catch {
      fall();
    }
    await wasm.open(shape);
    return act(wasm);
  }

  return {
    choose(name) {
      chosen = name === "webgpu" ? name : "wasm";
      if (chosen === "wasm" || webgpu) tell(chosen);
      else if (!loading) prepare();
    },
    open(wanted) {
      shape = wanted;
      return done(async () => {});
    },
    advance: (...given) => done((runner) => runner.advance(...given)),
    classify: (...given) => done((runner) => runner.classify(...given)),
    async close() {
      await Promise.all([wasm.close(), webgpu?.close()]);
    },
  };
}
