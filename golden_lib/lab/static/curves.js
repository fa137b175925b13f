// @ts-check
// Live curves of loss and accuracy, drawn by Plotly; a pinned run lies under them.
import { element, paced } from "./dom.js";
import { figureOf, layoutOf, LINES, SIDES, tracesOf } from "./figure.js";
import { sentenceOf } from "./say.js";
import { counted, percent, shown } from "./settings.js";

const PAUSE = 250; // ms at least between two drawings of a plot
const SPARE = 8; // times as long as a drawing took, the page has for everything else
const ROWS = 12; // of the table
const CONFIG = { responsive: false, displaylogo: false, showSendToCloud: false,
  modeBarButtonsToRemove: ["lasso2d", "select2d", "autoScale2d", "toImage"] };

/** The curves as a table, for those who do not see them. */
function tableOf(columns) {
  const count = columns.step.length;
  const rows = new Set(Array.from({ length: Math.min(ROWS, count) },
    (_, k) => Math.round(((k + 1) * count) / Math.min(ROWS, count)) - 1));
  const cell = (text) => element("td", {}, text);
  const head = ["step", "loss", "training accuracy", "test accuracy", "η", "α"];
  const tested = (at) => {
    for (let k = at; k >= 0; k--) if (columns.test_accuracy[k] !== null) return columns.test_accuracy[k];
    return NaN;
  };
  return element("table", {},
    element("thead", {}, element("tr", {}, ...head.map((text) => element("th", { scope: "col" }, text)))),
    element("tbody", {}, ...[...rows].map((k) => element("tr", {},
      element("th", { scope: "row" }, counted(columns.step[k])),
      cell(columns.loss[k] === null ? "not finite" : shown(columns.loss[k])),
      cell(percent(columns.train_accuracy[k] ?? NaN)), cell(percent(tested(k))),
      cell(shown(columns.eta[k])), cell(shown(columns.alpha[k]))))));
}

/** What the lines mean, for the page: those that are there. */
function legendOf(desk) {
  const names = ["train_accuracy", "test_accuracy"];
  if (desk.pinned) names.push("pinned", "pinned_test");
  if (desk.story.moves.length) names.push("moves");
  return names.map((name) => {
    const item = element("li", {}, element("span", { class: "gl-line" }), LINES[name].name);
    const style = { solid: "solid", dot: "dotted", dash: "dashed" }[LINES[name].dash];
    item.firstChild.style.borderTop = `3px ${style} ${LINES[name].color}`;
    return item;
  });
}

/**
 * The curves of a lab; Plotly is loaded when they come into view.
 * @param {import("./desk.js").Desk} desk
 */
export function buildCurves(desk) {
  const plots = SIDES.map(() => element("div", { class: "gl-plot", role: "group" }));
  const legend = element("ul", { class: "gl-legend", "aria-hidden": "true" });
  const data = element("div", { class: "gl-table" });
  const table = element("details", { class: "gl-more", on: { toggle: () => fill() } },
    element("summary", {}, "The curves as a table"), data);
  const root = element("div", { class: "gl-curves" },
    element("div", { class: "gl-plots" }, ...plots), legend, table);
  /** @type {any} */
  let Plotly = null;
  let layouts = [null, null];
  let inView = false;
  let removed = false;
  let timer = 0;
  let next = 0;
  let due = [true, true];
  let told = "";

  /** Draws one plot that is due, and leaves the other to a task of its own. */
  function draw() {
    timer = 0;
    const side = due.indexOf(true);
    if (removed || !Plotly || !inView || side < 0 || !root.isConnected) return;
    const width = Math.floor(plots[side].clientWidth);
    if (width < 50) return;
    const began = performance.now();
    due[side] = false;
    layouts[side] ??= layoutOf(root, side, width);
    Plotly.react(plots[side], tracesOf(desk, side), layouts[side], CONFIG);
    const took = performance.now() - began;
    const other = due.includes(true);
    next = performance.now() + (other ? took : Math.max(PAUSE, SPARE * took));
    if (other) schedule();
  }

  function schedule() {
    if (!timer) timer = window.setTimeout(draw, Math.max(0, next - performance.now()));
  }

  function stale() {
    due = [true, true];
    schedule();
  }

  function fill() {
    if (table.open) data.replaceChildren(tableOf(desk.story.columns));
  }

  function restyle() {
    layouts = [null, null];
    stale();
  }

  async function load() {
    try {
      Plotly = await desk.plotly();
      stale();
    } catch {
      plots[0].textContent = "The curves could not be drawn: Plotly did not load. The table has them.";
    }
  }

  const seen = new IntersectionObserver((entries) => {
    inView = entries[entries.length - 1].isIntersecting;
    if (inView && !Plotly) load();
    else if (inView) schedule();
  }, { rootMargin: "200px" });
  seen.observe(root);
  const sized = new ResizeObserver(() => {
    if (plots.some((plot, k) => layouts[k]?.width !== Math.floor(plot.clientWidth))) restyle();
  });
  sized.observe(root);
  const retabled = paced(() => !desk.story.running && fill(), 300);

  return {
    root,
    restyle,
    show() {
      stale();
      retabled.call();
      const kinds = `${Boolean(desk.pinned)} ${desk.story.moves.length > 0}`;
      if (kinds !== told) legend.replaceChildren(...legendOf(desk));
      told = kinds;
    },
    /** Says in words what the plots show. */
    say() {
      const words = sentenceOf(desk.table, desk.story);
      plots.forEach((plot, side) => plot.setAttribute("aria-label",
        `Curve of the ${SIDES[side].title} over the steps. ${words}`));
    },
    /** The figure as a file, in the colours of the page. */
    async save(format) {
      Plotly ??= await desk.plotly();
      await Plotly.downloadImage(figureOf(desk, root),
        { format, filename: "lab", width: 900, height: 380, scale: 2 });
    },
    remove() {
      removed = true;
      window.clearTimeout(timer);
      retabled.stop();
      seen.disconnect();
      sized.disconnect();
      if (Plotly) for (const plot of plots) Plotly.purge(plot);
    },
  };
}
