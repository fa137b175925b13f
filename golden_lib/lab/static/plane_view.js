// @ts-check
// One view of a plane: its parts laid out, and each shown again when what it shows has changed.
import { element, button, labelled, paced, uniqueId, write } from "./dom.js";
import { buildCell } from "./plane_cell.js";
import { GRADIENT, scaleOf } from "./plane_colors.js";
import { buildPlaneControls } from "./plane_controls.js";
import { buildMap } from "./plane_map.js";
import { pairSaid, planeArrival, planeSentence, rangesSaid, valueSaid } from "./plane_say.js";
import { around, rangesOf } from "./plane_settings.js";
import { buildPlaneShare } from "./plane_share.js";
import { bestOf, latestOf, METRICS } from "./plane_story.js";
import { buildFrame, onColors } from "./shared_view.js";
import { buildTransport } from "./transport.js";

const MAP_PAUSE = 200; // ms between two looks of the plane
const SENTENCE_PAUSE = 1500; // ms between two versions of the sentence while a plane trains
const PART_PAUSE = 500; // ms until a part that grows is said
const HINT = "Drag over cells, or hold Shift with the arrow keys, to choose a part; or zoom in "
  + "around the cell that is chosen.";

/**
 * @param {import("./plane_desk.js").PlaneDesk} desk
 * @returns {{root: HTMLElement, remove: () => void}}
 */
export function buildPlaneView(desk) {
  const { table } = desk;
  let pointed = 0;
  const map = buildMap(desk, {
    point: (index) => showCell(index), choose: (index) => showCell(index),
    select: () => partly.call(), zoom: zoomIn,
  });
  const cell = buildCell(desk);
  const controls = buildPlaneControls(desk);
  const transport = buildTransport(/** @type {any} */ (desk));
  const share = buildPlaneShare(desk);

  const metric = element("select", { on: { change: show } },
    ...Object.entries(METRICS).map(([name, { label }]) => element("option", { value: name }, label)));
  const stretch = element("input", { type: "checkbox", id: uniqueId(), on: { change: show } });
  const dark = element("span");
  const bright = element("span");
  const bar = element("div", { class: "gp-bar", "aria-hidden": "true" });
  bar.style.background = GRADIENT;
  const colors = element("div", { class: "gp-colors" },
    labelled("Colour by", metric),
    element("div", { class: "gp-scale" }, bar,
      element("div", { class: "gp-ends" }, dark, bright)),
    element("div", { class: "gp-check" }, stretch,
      element("label", { for: stretch.id }, "Stretch the colours")));

  const zoom = button("Zoom in", zoomIn);
  const out = button("Back out", () => desk.zoomOut());
  const part = element("p", { class: "gl-note", role: "status" }, HINT);
  const best = button("Best cell", () => {
    const found = bestOf(latestOf(desk.story, metric.value), metric.value);
    if (found >= 0) map.walk(found);
  });
  const zooming = element("div", { class: "gp-zoom", role: "group", "aria-label": "Zoom" },
    element("div", { class: "gl-buttons" }, zoom, out, best), part);

  const other = element("p", { class: "gl-note", role: "status" });
  const frame = buildFrame(desk, "The plane of η and α", "gl-lab gp-lab");
  frame.lay(transport.root, other,
    element("div", { class: "gp-body" },
      element("div", { class: "gp-left" }, colors, map.root, zooming), cell.root),
    controls.root, share.root);

  function zoomIn() {
    desk.zoom(map.part ?? around(desk.story.plane, map.at));
  }

  function showCell(index) {
    pointed = index;
    cell.show(index);
  }

  const partly = paced(() => {
    const ranges = map.part && rangesOf(table, desk.story.plane, map.part);
    if (!map.part) return write(part, HINT);
    const [high, wide] = [map.part.rows, map.part.columns].map(([a, b]) => b - a + 1);
    const cells = `${high} × ${wide} cell${high * wide === 1 ? "" : "s"}`;
    return write(part, ranges ? `${cells} chosen: ${rangesSaid(table, desk.story.plane.rule, ranges)}. `
      + "Zoom in, or press Enter, to train this part; Escape lets it go." : `${cells} chosen.`);
  }, PART_PAUSE);

  function show() {
    const { story } = desk;
    const values = latestOf(story, metric.value);
    const scale = scaleOf(story, metric.value, values, stretch.checked);
    map.show({ values, metric: metric.value, scale });
    const known = values.some((value) => value !== null);
    write(dark, known || METRICS[metric.value].share ? valueSaid(metric.value, scale[0]) : "worst");
    write(bright, known || METRICS[metric.value].share ? valueSaid(metric.value, scale[1]) : "best");
    if (pointed >= values.length) pointed = map.at;
    cell.show(pointed);
    out.disabled = !desk.outer.length;
    best.disabled = !known;
    const around9 = pairSaid(table, story.plane, Math.min(map.at, values.length - 1));
    zoom.setAttribute("aria-description", `around ${around9}, or into the part that is chosen`);
    share.show();
  }

  function say() {
    frame.say(planeSentence(table, desk.story));
    cell.curves.say?.();
  }

  function showStatus() {
    frame.showStatus();
    transport.show();
    const shown = desk.isShown || !desk.story.columns.step.length;
    write(other, shown || desk.loading ? "" : "The settings have changed: Train begins another plane.");
  }

  const often = paced(() => {
    show();
    transport.show();
  }, MAP_PAUSE);
  const speak = paced(say, SENTENCE_PAUSE);

  function hear(what) {
    if (what === "status" || what === "chosen") {
      if (what === "chosen") controls.show();
      showStatus();
      share.show();
      return;
    }
    often.call();
    speak.call();
    showStatus();
    if (frame.showRunning(() => planeArrival(table, desk.story))) say();
  }

  show();
  map.walk(Math.max(0, bestOf(latestOf(desk.story, metric.value), metric.value)));
  say();
  showStatus();

  const stops = [desk.listen(hear), onColors(() => cell.curves.restyle())];

  return {
    root: frame.root,
    remove() {
      stops.forEach((stop) => stop());
      [often, speak, partly, map].forEach((each) => each.stop());
      cell.curves.remove();
    },
  };
}
