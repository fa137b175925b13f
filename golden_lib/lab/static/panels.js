// @ts-check
// What the network of this moment looks like: filters, mistakes, the rates of its synapses.
import { drawing, element, write } from "./dom.js";
import { counted, percent, shown } from "./settings.js";

const BLUE = [33, 102, 172];
const WHITE = [247, 247, 247];
const RED = [178, 24, 43];

/** Blue below 0, red above, white at 0. */
function paint(pixels, at, share) {
  const end = share < 0 ? BLUE : RED;
  const much = Math.min(1, Math.abs(share));
  for (let k = 0; k < 3; k++) pixels[at + k] = WHITE[k] + much * (end[k] - WHITE[k]);
  pixels[at + 3] = 255;
}

/** Draws weights as tiles on a canvas, one pixel each. */
function drawTiles(canvas, { shape: [count, height, width], data }) {
  const columns = Math.ceil(Math.sqrt(count * 1.25));
  const rows = Math.ceil(count / columns);
  const wide = columns * (width + 1) - 1;
  const high = rows * (height + 1) - 1;
  if (canvas.width !== wide || canvas.height !== high) [canvas.width, canvas.height] = [wide, high];
  let reach = 0;
  for (const value of data) if (Math.abs(value) > reach) reach = Math.abs(value);
  const context = canvas.getContext("2d");
  const image = context.createImageData(wide, high);
  for (let k = 0, from = 0; k < count; k++) {
    const left = (k % columns) * (width + 1);
    const top = Math.floor(k / columns) * (height + 1);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++, from++) {
        paint(image.data, 4 * ((top + y) * wide + left + x), data[from] / (reach || 1));
      }
    }
  }
  context.putImageData(image, 0, 0);
}

/** Draws a digit in grey levels 0 … 255: dark ink on paper, in both modes. */
export function drawDigit(canvas, levels) {
  const context = canvas.getContext("2d");
  const image = context.createImageData(28, 28);
  for (let k = 0; k < 784; k++) {
    const grey = 255 - levels[k];
    image.data.set([grey, grey, grey, 255], 4 * k);
  }
  context.putImageData(image, 0, 0);
}

/** A titled box; its body is hidden until there is something to show. */
function panel(title, note, ...body) {
  return element("section", { class: "gl-panel", hidden: true },
    element("h4", { class: "gl-panel-title" }, title), ...body, note);
}

function filtersPanel() {
  const canvas = element("canvas", { class: "gl-tiles", role: "img" });
  const note = element("p", { class: "gl-note" });
  const root = panel("First layer", note, canvas);
  return {
    root,
    show({ arrays }, settings) {
      drawTiles(canvas, arrays.filters);
      const [count] = arrays.filters.shape;
      const what = settings.network === "cnn" ? `${count} filters of 5 × 5 weights`
        : `Weights into ${count} hidden units`;
      canvas.setAttribute("aria-label", `${what}, drawn in colour`);
      write(note, `${what}: blue below 0, red above.`);
    },
  };
}

function mistakesPanel() {
  const list = element("ul", { class: "gl-mistakes" });
  const note = element("p", { class: "gl-note" });
  const root = panel("Test digits it gets wrong", note, list);
  return {
    root,
    show({ arrays: { images, said, labels, probabilities }, wrong, tested }) {
      const count = labels.data.length;
      while (list.children.length > count) list.lastChild.remove();
      for (let k = 0; k < count; k++) {
        const item = list.children[k] ?? list.appendChild(element("li", {},
          element("canvas", { width: 28, height: 28, class: "gl-digit", "aria-hidden": "true" }),
          element("span")));
        const level = images.data.subarray(784 * k, 784 * (k + 1));
        drawDigit(item.firstChild, images.data instanceof Uint8Array ? level
          : level.map((value) => 255 * value));
        const answer = said.data[k] > 9 ? "–" : String(said.data[k]);
        write(item.lastChild, `${labels.data[k]} → ${answer}`);
        const sure = probabilities.data[10 * k + said.data[k]];
        item.title = `a ${labels.data[k]}, taken for ${answer}`
          + (Number.isFinite(sure) ? `, ${percent(sure)} sure` : "");
      }
      const share = tested ? `${counted(wrong)} of ${counted(tested)}` : counted(count);
      write(note, count < wrong ? `${share}; the first ${count} are shown, digit → answer.`
        : `${share}, digit → answer.`);
    },
  };
}

/** Size of the histogram of one layer, in its own units. */
const WIDE = 240;
const HIGH = 70;

function ratesPanel() {
  const plots = element("div", { class: "gl-rates" });
  const note = element("p", { class: "gl-note" });
  const root = panel("Learning rate of each synapse", note, plots);

  function plot(name) {
    const bars = drawing("path", { class: "gl-bars" });
    const ends = [0, WIDE].map((x) => drawing("text", {
      x, y: HIGH + 14, "text-anchor": x ? "end" : "start", class: "gl-tick" }));
    const svg = drawing("svg", { viewBox: `0 0 ${WIDE} ${HIGH + 18}`, role: "img" }, bars,
      drawing("path", { d: `M0 ${HIGH}H${WIDE}`, class: "gl-axis" }), ...ends);
    return { name, bars, ends, svg, box: element("div", {}, element("p", { class: "gl-tick" }, `${name} layer`), svg) };
  }

  let shownPlots = [];
  return {
    root,
    show({ arrays: { rate_counts: counts, rate_edges: edges }, layers }, settings, eta) {
      if (shownPlots.map(({ name }) => name).join() !== layers.join()) {
        shownPlots = layers.map(plot);
        plots.replaceChildren(...shownPlots.map(({ box }) => box));
      }
      shownPlots.forEach(({ name, bars, ends, svg }, layer) => {
        const bins = counts.shape[1];
        const heights = counts.data.subarray(layer * bins, (layer + 1) * bins);
        const most = Math.max(1, ...heights);
        const width = WIDE / bins;
        // A root: the few synapses with large rates stay visible beside the many with small ones.
        bars.setAttribute("d", Array.from(heights, (count, k) => {
          const high = HIGH * Math.sqrt(count / most);
          return `M${(k * width).toFixed(1)} ${HIGH}v${(-high).toFixed(1)}h${(width - 0.6).toFixed(1)}V${HIGH}z`;
        }).join(""));
        const [low, high] = [layer * (bins + 1), (layer + 1) * (bins + 1) - 1]
          .map((at) => shown(edges.data[at]));
        write(ends[0], low);
        write(ends[1], high);
        svg.setAttribute("aria-label", `Rates of the ${name} layer, from ${low} to ${high}`);
      });
      write(note, `At most η₀ = ${shown(eta)}; heights are on a root scale.`);
    },
  };
}

/**
 * The panels that follow a run.
 * @param {import("./desk.js").Desk} desk
 */
export function buildPanels(desk) {
  const panels = { filters: filtersPanel(), mistakes: mistakesPanel(), rates: ratesPanel() };
  const drawn = {};

  /** Draws what has come since the last time. */
  function show() {
    for (const [name, { root, show: draw }] of Object.entries(panels)) {
      const view = desk.story.views[name];
      const there = Boolean(view) && (name !== "rates" || desk.table.rules[desk.story.settings.rule] === "dlr");
      root.hidden = !there;
      if (!there || drawn[name] === view) continue;
      draw(view, desk.story.settings, desk.story.eta);
      drawn[name] = view;
    }
  }

  return { roots: Object.values(panels).map(({ root }) => root), show, names: Object.keys(panels) };
}
