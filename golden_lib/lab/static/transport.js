// @ts-check
// Run, pause, one step, one epoch, reset, rewind.
import { button, element, labelled, write } from "./dom.js";
import { position } from "./say.js";
import { counted } from "./settings.js";

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

  let dragging = false;
  const rewind = element("input", {
    type: "range", min: 0, max: 0, step: 1, value: 0, class: "gl-slider",
    on: {
      input: () => {
        dragging = true;
        said();
      },
      change: () => {
        dragging = false;
        const at = desk.story.moments[Number(rewind.value)];
        if (at !== undefined) desk.rewind(at);
      },
    },
  });
  const target = element("output", { class: "gl-target", "aria-live": "off" });
  const back = labelled("Rewind to", rewind, { class: "gl-field gl-rewind" });
  back.append(target);

  function said() {
    const { moments, step: now } = desk.story;
    const at = moments[Number(rewind.value)];
    const text = at === undefined ? "–" : `step ${counted(at)}`;
    write(target, dragging || at === now ? text : `step ${counted(now)}, now`);
    rewind.setAttribute("aria-valuetext", text);
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
    if (!dragging) {
      // Behind the last moment there may be more steps: the slider then stands at its end.
      const reached = moments.filter((at) => at <= story.step).length - 1;
      rewind.value = String(Math.max(0, reached));
    }
    said();
  }

  show();
  return { root, back, show };
}
