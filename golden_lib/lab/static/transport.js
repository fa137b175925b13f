// @ts-check
// Run, pause, one step, one epoch, reset, rewind.
import { button, element, labelled, write } from "./dom.js";
import { position } from "./say.js";
import { counted } from "./settings.js";

const KEYS_REST = 700; // ms without another key, after which a rewind by keys is meant

/**
 * @param {import("./desk.js").Desk} desk
 */
export function buildTransport(desk) {
  const train = button("Train", () => desk.toggle(), { class: "gl-button gl-primary" });
  const step = button("One step", () => desk.advance("step"));
  const epoch = button("One epoch", () => desk.advance("epoch"));
  const reset = button("Reset", () => desk.reset());
  const where = element("output", { class: "gl-where", "aria-live": "off" });
  const bar = element("progress", { class: "gl-progress", max: 1, value: 0,
    "aria-label": "Share of the run that is trained" });
  const root = element("div", { class: "gl-transport", role: "group", "aria-label": "Training" },
    element("div", { class: "gl-buttons" }, train, step, epoch, reset), where, bar);

  // Each key fires a change, and each step back forgets what came after: keys act when they rest.
  let aimed = false;
  let resting = 0;
  const rewind = element("input", {
    type: "range", min: 0, max: 0, step: 1, value: 0, class: "gl-slider",
    on: {
      input: () => {
        aimed = true;
        said();
      },
      pointerup: () => later(0),
      change: () => later(KEYS_REST),
      keydown: (event) => event.key === "Enter" && goBack(),
    },
  });
  const target = element("output", { class: "gl-target", "aria-live": "off" });
  const back = labelled("Rewind to", rewind, { class: "gl-field gl-rewind" });
  back.append(target);

  function later(rest) {
    window.clearTimeout(resting);
    resting = window.setTimeout(goBack, rest);
  }

  function goBack() {
    window.clearTimeout(resting);
    const at = desk.story.moments[Number(rewind.value)];
    if (aimed && at !== undefined) desk.rewind(at);
    aimed = false;
  }

  function said() {
    const { moments, step: now } = desk.story;
    const at = moments[Number(rewind.value)];
    const there = aimed && at !== undefined;
    write(target, `step ${counted(there ? at : now)}${there ? "" : ", now"}`);
    rewind.setAttribute("aria-valuetext", target.textContent);
  }

  function show() {
    const { story, loading } = desk;
    write(train, story.running ? "Pause" : loading ? "Loading …" : "Train");
    root.setAttribute("aria-busy", String(loading));
    write(where, position(story, desk.total));
    bar.value = desk.total ? Math.min(1, story.step / desk.total) : 0;
    const { moments } = story;
    rewind.disabled = !desk.live || moments.length < 1 || story.step === 0;
    rewind.max = String(Math.max(0, moments.length - 1));
    if (rewind.disabled) aimed = false;
    if (!aimed) {
      // Behind the last moment there may be more steps: the slider then stands at its end.
      const reached = moments.filter((at) => at <= story.step).length - 1;
      rewind.value = String(Math.max(0, reached));
    }
    said();
  }

  show();
  return { root, back, show, remove: () => window.clearTimeout(resting) };
}
