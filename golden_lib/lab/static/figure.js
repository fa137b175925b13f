// @ts-check
// The curves as Plotly takes them: what is drawn on the page, and the figure that one takes along.
import { counted, shown } from "./settings.js";

const POINTS = 300; // of a curve: more than there are pixels for
const MARKS = 200; // moves that are marked one by one
const INK = { run: "#2f7fc1", test: "#b97f00", pinned: "#a864ab", mark: "#7d828a" };
const CLEAR = "rgba(0,0,0,0)";

/** The two plots: what they show, by which column, and how the numbers read. */
export const SIDES = [
  { title: "loss", curves: ["loss"], format: "%{y:.4g}" },
  { title: "accuracy", curves: ["train_accuracy", "test_accuracy"], format: "%{y:.1%}" },
];

/** What the lines mean: name, colour and dash, as drawn by Plotly and by the legend. */
export const LINES = {
  loss: { name: "training", color: INK.run, dash: "solid" },
  train_accuracy: { name: "training", color: INK.run, dash: "solid" },
  test_accuracy: { name: "test digits", color: INK.test, dash: "solid" },
  pinned: { name: "pinned run, training", color: INK.pinned, dash: "dot" },
  pinned_test: { name: "pinned run, test digits", color: INK.pinned, dash: "dash" },
  moves: { name: "η or α moved", color: INK.mark, dash: "dot" },
};

/** A curve with at most `POINTS` points: means of neighbours, without what was not measured. */
export function thinned(steps, values) {
  const x = [];
  const y = [];
  for (let k = 0; k < steps.length; k++) {
    if (values[k] === null || values[k] === undefined) continue;
    x.push(steps[k]);
    y.push(values[k]);
  }
  const size = Math.ceil(x.length / POINTS);
  if (size <= 1) return { x, y };
  const fewX = [];
  const fewY = [];
  for (let from = 0; from < x.length; from += size) {
    const to = Math.min(x.length, from + size);
    let sum = 0;
    for (let k = from; k < to; k++) sum += y[k];
    fewX.push(x[to - 1]);
    fewY.push(sum / (to - from));
  }
  return { x: fewX, y: fewY };
}

/** Vertical lines at the moves, each with what was set there. */
function marksOf(moves) {
  const apart = Math.ceil(moves.length / MARKS);
  const x = [];
  const y = [];
  const text = [];
  moves.forEach(([step, eta, alpha], k) => {
    if (k % apart && k !== moves.length - 1) return;
    const said = `from step ${counted(step)}:<br>η = ${shown(eta)}, α = ${shown(alpha)}`;
    x.push(step, step, null);
    y.push(0, 1, null);
    text.push(said, said, "");
  });
  return { x, y, text };
}

/**
 * The traces of one plot: no empty ones, as Plotly takes its time for each.
 * @param {import("./desk.js").Desk} desk
 * @param {number} side
 */
export function tracesOf(desk, side) {
  const { columns, moves } = desk.story;
  const { curves, format } = SIDES[side];
  const traces = [];
  const add = (from, name, { color, dash, name: label }) => {
    const points = thinned(from.step, from[name]);
    if (!points.x.length) return;
    traces.push({ ...points, type: "scatter", mode: points.x.length > 1 ? "lines" : "markers",
      name: label, line: { color, width: 2, dash }, marker: { color },
      hovertemplate: `step %{x}: ${format}<extra></extra>` });
  };
  if (moves.length) {
    const { color, dash, name } = LINES.moves;
    traces.push({ ...marksOf(moves), type: "scatter", mode: "lines", name, yaxis: "y2",
      line: { color, width: 1, dash }, hovertemplate: "%{text}<extra></extra>" });
  }
  for (const name of desk.pinned ? curves : []) {
    add(desk.pinned.columns, name, name === "test_accuracy" ? LINES.pinned_test : LINES.pinned);
  }
  for (const name of curves) add(columns, name, LINES[name]);
  return traces;
}

/** The page's colours, read where they are set. */
function coloursOf(root) {
  const style = getComputedStyle(root);
  return (name) => style.getPropertyValue(`--lab-${name}`).trim();
}

/** Angles and overflow are fixed as margins are: Plotly takes a third of a drawing to settle them. */
function axisOf(colour) {
  return { color: colour("text"), gridcolor: colour("grid"), linecolor: colour("muted"),
    tickcolor: colour("muted"), zeroline: false, ticks: "outside", ticklen: 3, showline: true,
    nticks: 6, tickangle: 0, ticklabeloverflow: "allow" };
}

/** What all layouts have in common, in the colours of the page. */
function lookOf(colour) {
  const font = { color: colour("text"), size: 12 };
  return {
    font, paper_bgcolor: CLEAR, plot_bgcolor: CLEAR, hovermode: "closest", showlegend: false,
    dragmode: matchMedia("(pointer: fine)").matches ? "zoom" : false,
    hoverlabel: { bgcolor: colour("surface"), bordercolor: colour("muted"), font },
    modebar: { bgcolor: CLEAR, color: colour("muted"), activecolor: colour("text") },
  };
}

const byTitle = (text, x, colour) => ({ text, showarrow: false, xref: "paper", yref: "paper", x, y: 1,
  xanchor: "left", yanchor: "bottom", font: { size: 13, color: colour("text") } });

const overlay = (over) => ({ range: [0, 1], visible: false, fixedrange: true, overlaying: over });

/**
 * The layout of one plot. Its margins are fixed: measuring them doubles the time of a drawing.
 * @param {HTMLElement} root @param {number} side @param {number} width
 */
export function layoutOf(root, side, width) {
  const colour = coloursOf(root);
  const axis = axisOf(colour);
  const yaxis = side ? { ...axis, tickformat: ".0%", range: [0, 1.01] } : axis;
  return {
    ...lookOf(colour), width, height: 230,
    margin: { l: 46, r: 8, t: 24, b: 38, autoexpand: false },
    // The axis' title is no title of Plotly's, for which it looks for room anew each time.
    annotations: [byTitle(SIDES[side].title, 0, colour),
      { ...byTitle("step", 0.5, colour), xanchor: "center", y: 0, yanchor: "top", yshift: -18,
        font: { size: 12, color: colour("text") } }],
    xaxis: { ...axis, rangemode: "tozero" },
    yaxis, yaxis2: overlay("y"),
  };
}

/**
 * Both plots as one figure with a legend, to be taken along.
 * @param {import("./desk.js").Desk} desk
 * @param {HTMLElement} root
 */
export function figureOf(desk, root) {
  const colour = coloursOf(root);
  const axis = axisOf(colour);
  const step = { ...axis, rangemode: "tozero", title: { text: "step" } };
  const own = { x: "x2", y: "y3", y2: "y4" };
  const data = [
    ...tracesOf(desk, 0).map((trace) => ({ ...trace, showlegend: false })),
    ...tracesOf(desk, 1).map((trace) => (
      { ...trace, xaxis: own.x, yaxis: own[trace.yaxis ?? "y"], showlegend: true })),
  ];
  const layout = {
    ...lookOf(colour), paper_bgcolor: colour("surface"), width: 900, height: 380, showlegend: true,
    margin: { l: 50, r: 14, t: 34, b: 80 },
    legend: { orientation: "h", y: -0.22, x: 0, font: { color: colour("text") } },
    annotations: SIDES.map(({ title }, side) => byTitle(title, side ? 0.55 : 0, colour)),
    xaxis: { ...step, domain: [0, 0.45] },
    yaxis: axis,
    yaxis2: overlay("y"),
    xaxis2: { ...step, domain: [0.55, 1], anchor: "y3" },
    yaxis3: { ...axis, tickformat: ".0%", range: [0, 1.01], anchor: "x2" },
    yaxis4: { ...overlay("y3"), anchor: "x2" },
  };
  return { data, layout };
}
