// @ts-check
// The plane as a grid of cells: coloured, pointed at, walked over with keys, and a part of it chosen.
import { element, paced, write } from "./dom.js";
import { colorAt, placeIn } from "./plane_colors.js";
import { cellSaid } from "./plane_say.js";
import { markOf, valuesOf } from "./plane_settings.js";
import { shown } from "./settings.js";

const WORDS_EVERY = 1000; // ms between two versions of what the cells say
const LABELS = 8; // of an axis at most

/** @typedef {{values: (number | null)[], metric: string, scale: [number, number]}} Look */

/**
 * @param {import("./plane_desk.js").PlaneDesk} desk
 * @param {{point: (cell: number) => void, choose: (cell: number) => void,
 *   select: (part: import("./plane_settings.js").Part | null) => void, zoom: () => void}} does
 */
export function buildMap(desk, does) {
  const grid = element("div", { class: "gp-cells", role: "grid", "aria-multiselectable": "true",
    on: { keydown: onKey, focusin: onFocus } });
  const star = element("span", { class: "gp-star" }, "★");
  const frame = element("div", { class: "gp-frame" });
  const over = element("div", { class: "gp-over", "aria-hidden": "true" }, frame, star);
  const eta = element("p", { class: "gp-axis" });
  const alpha = element("span");
  const marked = element("span");
  const across = element("p", { class: "gp-axis gp-across" }, alpha, marked);
  const plane = element("div", { class: "gp-plane", on: {
    pointermove: onMove, pointerleave: () => does.point(at), pointerdown: onDown, pointerup: onUp,
    pointercancel: () => { dragged = null; },
  } }, grid, over);
  const root = element("div", { class: "gp-map" }, eta, plane, across);

  /** @type {any[]} */
  let cells = [];
  let side = 0;
  let at = 0; // the cell that is chosen
  let anchor = -1; // where a part begins
  /** @type {import("./plane_settings.js").Part | null} */
  let part = null;
  /** @type {{from: number, moved: boolean} | null} */
  let dragged = null;
  /** @type {Look | null} */
  let look = null;
  let built = "";

  /** Builds the grid for a plane: cells, and what stands at the axes. */
  function build() {
    const { plane: now } = desk.story;
    const told = JSON.stringify([now.cells, now.eta, now.alpha, now.rule]);
    if (told === built) return;
    built = told;
    const hadFocus = grid.contains(document.activeElement);
    const [etas, alphas] = ["eta", "alpha"].map((name) => valuesOf(desk.table, now, name));
    if (side !== now.cells) at = 0;
    side = now.cells;
    const few = Math.ceil(side / LABELS);
    const { labels, eta: dial } = desk.table.kinds[desk.table.rules[now.rule]];
    write(eta, `↑ ${labels.eta}`);
    write(alpha, `${labels.alpha} →`);
    grid.setAttribute("aria-label", `${labels.eta} over ${labels.alpha}`);
    grid.style.setProperty("--cells", String(side));
    const place = (made, row, column) => {
      made.style.gridArea = `${row} / ${column}`;
      return made;
    };
    const label = (value, k) => element("span", { class: k % few ? "gp-quiet" : "" }, shown(value));
    const corner = element("div", { role: "columnheader", class: "gl-hidden" }, labels.eta);
    const head = element("div", { role: "row", class: "gp-row" }, corner,
      ...alphas.map((value, k) => place(element("div", { role: "columnheader", class: "gp-column",
        "aria-label": `α ${shown(value)}` }, label(value, k)), side + 1, k + 2)));
    cells = new Array(side * side);
    const rows = etas.map((value, row) => element("div", { role: "row", class: "gp-row" },
      place(element("div", { role: "rowheader", class: "gp-side",
        "aria-label": `η ${shown(value)}` }, label(value, row)), side - row, 1),
      ...alphas.map((_, column) => {
        const cell = element("div", { role: "gridcell", class: "gp-cell", tabindex: -1,
          "aria-selected": "false", "data-cell": row * side + column });
        cells[row * side + column] = cell;
        return place(cell, side - row, column + 2);
      })));
    // Read from the top, as it is seen: the largest η first.
    grid.replaceChildren(head, ...rows.reverse());
    const mark = markOf(desk.table, now);
    star.hidden = !mark;
    write(marked, mark ? `★ ${dial.called === "golden" ? "the golden" : "the marked"} pair` : "");
    if (mark) {
      star.style.left = `${(100 * (mark.column + 0.5)) / side}%`;
      star.style.bottom = `${(100 * (mark.row + 0.5)) / side}%`;
    }
    choosePart(null);
    at = Math.min(at, side * side - 1);
    cells[at].tabIndex = 0;
    if (hadFocus) cells[at].focus();
  }

  const speak = paced(() => {
    if (!look) return;
    const { values, metric } = look;
    cells.forEach((cell, k) => {
      const said = cellSaid(desk.story, values, metric, k);
      if (cell.ariaLabel !== said) cell.ariaLabel = said;
    });
  }, WORDS_EVERY);

  /** @param {Look} now */
  function show(now) {
    build();
    look = now;
    cells.forEach((cell, k) => {
      const value = now.values[k];
      const gone = desk.story.diverged[k] >= 0;
      cell.classList.toggle("gp-gone", gone);
      cell.classList.toggle("gp-none", value === null && !gone);
      const color = value === null ? "" : colorAt(placeIn(now.scale, value));
      if (cell.dataset.color !== color) {
        cell.dataset.color = color;
        cell.style.backgroundColor = color;
      }
    });
    speak.call();
  }

  /** Makes a cell the chosen one, with or without the keyboard's focus. */
  function walk(cell, focus) {
    cells[at].tabIndex = -1;
    cells[at].classList.remove("gp-at");
    at = cell;
    cells[at].tabIndex = 0;
    cells[at].classList.add("gp-at");
    if (focus) cells[at].focus();
    does.choose(at);
  }

  function choosePart(now) {
    part = now;
    if (!now) anchor = -1;
    cells.forEach((cell, k) => {
      const [row, column] = [Math.floor(k / side), k % side];
      cell.setAttribute("aria-selected", String(Boolean(now) && row >= now.rows[0]
        && row <= now.rows[1] && column >= now.columns[0] && column <= now.columns[1]));
    });
    frame.hidden = !now;
    if (now) {
      const percent = (count) => `${(100 * count) / side}%`;
      frame.style.left = percent(now.columns[0]);
      frame.style.bottom = percent(now.rows[0]);
      frame.style.width = percent(now.columns[1] - now.columns[0] + 1);
      frame.style.height = percent(now.rows[1] - now.rows[0] + 1);
    }
    does.select(now);
  }

  /** The part from one cell to another. */
  function span(from, to) {
    const order = (a, b) => /** @type {[number, number]} */ (a < b ? [a, b] : [b, a]);
    choosePart({
      rows: order(Math.floor(from / side), Math.floor(to / side)),
      columns: order(from % side, to % side),
    });
  }

  function onKey(event) {
    const [row, column] = [Math.floor(at / side), at % side];
    const within = (value) => Math.min(Math.max(value, 0), side - 1);
    const far = event.ctrlKey || event.metaKey;
    const ways = {
      ArrowUp: [row + 1, column], ArrowDown: [row - 1, column],
      ArrowLeft: [row, column - 1], ArrowRight: [row, column + 1],
      Home: [far ? side : row, 0], End: [far ? 0 : row, side],
      PageUp: [side, column], PageDown: [0, column],
    };
    if (Object.hasOwn(ways, event.key) && !event.altKey) {
      event.preventDefault();
      const [up, along] = ways[event.key].map(within);
      if (event.shiftKey && anchor < 0) anchor = at;
      walk(up * side + along, true);
      if (event.shiftKey) span(anchor, at);
      else if (part) choosePart(null);
    } else if (event.key === "Escape" && part) {
      choosePart(null);
    } else if (event.key === "Enter" && !event.repeat) {
      event.preventDefault();
      does.zoom();
    }
  }

  function onFocus({ target }) {
    const cell = Number(target.dataset?.cell);
    if (Number.isInteger(cell) && cell !== at) walk(cell, false);
  }

  /** The cell under the pointer; −1 outside of all. */
  function under({ clientX, clientY }) {
    const box = over.getBoundingClientRect();
    const column = Math.floor((side * (clientX - box.left)) / box.width);
    const row = Math.floor((side * (box.bottom - clientY)) / box.height);
    const inside = row >= 0 && row < side && column >= 0 && column < side;
    return inside ? row * side + column : -1;
  }

  function onMove(event) {
    const cell = under(event);
    if (cell < 0) return;
    if (!dragged) {
      does.point(cell);
    } else if (dragged.moved || cell !== dragged.from) {
      dragged.moved = true;
      span(dragged.from, cell);
      does.point(cell);
    }
  }

  function onDown(event) {
    const cell = under(event);
    if (cell < 0 || event.button !== 0) return;
    event.preventDefault(); // no text is marked, and no picture dragged
    plane.setPointerCapture(event.pointerId);
    if (event.shiftKey) {
      anchor = at;
      span(at, cell);
      return;
    }
    dragged = { from: cell, moved: false };
    if (part) choosePart(null);
    walk(cell, true);
  }

  function onUp() {
    if (dragged?.moved) anchor = dragged.from;
    dragged = null;
  }

  return {
    root,
    show,
    get at() { return at; },
    get part() { return part; },
    walk: (cell) => walk(cell, false),
    clear: () => choosePart(null),
    stop: () => speak.stop(),
  };
}
