// @ts-check
// Who computes: a matter of the reader's machine, so it is no setting of a run and in no link.
import { element, labelled, write } from "./dom.js";
import { hasKernel } from "./port.js";

const NAMES = { wasm: "WebAssembly", webgpu: "WebGPU" };
/** @type {Promise<boolean>|undefined} */
let there;

/** Whether this browser has a GPU for pages; asked once, as each question wakes the GPU. */
async function hasAdapter() {
  try {
    return Boolean(await /** @type {any} */ (navigator).gpu?.requestAdapter());
  } catch {
    return false;
  }
}

/**
 * A menu of the two, where there are two: in the static page, for the CNN, on a machine whose GPU
 * answers. Steps of the MLP are too small for a GPU.
 * @param {import("./desk.js").Desk} desk
 */
export function buildEngine(desk) {
  const { line } = desk;
  const options = Object.entries(NAMES).map(
    ([value, name]) => element("option", { value }, name));
  const select = element("select", { on: { change: () => {
    line.compute(select.value);
    show();
  } } }, ...options);
  const root = labelled("Computed by", select, { class: "gl-field gl-engine", hidden: true });
  let offered = false;

  function show() {
    root.hidden = !offered || desk.chosen.network !== "cnn";
    select.value = line.engine;
    const loading = line.engine === "webgpu" && line.changing;
    write(options[1], loading ? `${NAMES.webgpu}, loading …` : NAMES.webgpu);
  }

  if (!hasKernel(desk.model)) {
    there ??= hasAdapter();
    there.then((found) => {
      offered = found;
      show();
    });
  }
  return { root, show };
}
