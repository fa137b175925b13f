// @ts-check
// What a plane is: settings, a range of η and one of α, the cells between, and where things lie.
// Pure numbers; Python's plane_settings.py has the same.
import { dialOf } from "./settings.js";

/**
 * @typedef {[number, number]} Range
 * @typedef {{network: string, loss: string, rule: string, data: string, hidden: number,
 *   batch_size: number, seed: number, epochs: number, eta: Range, alpha: Range,
 *   cells: number}} Plane
 * @typedef {{rows: [number, number], columns: [number, number]}} Part  first and last, ascending
 */

const FIGURES = 6; // digits of a cell's η and α

/** Whether an axis is logarithmic: η always, α under DLR. */
export const isLog = (table, name, rule) => dialOf(table, name, rule).log;

/** Whether a range is wide enough for its cells to differ. */
export function isWide(table, name, rule, [low, high]) {
  const { ratio, width } = table.plane.narrowest;
  return isLog(table, name, rule) ? high >= low * ratio : high - low >= width;
}

/** What a setting of a plane is where nobody says. */
export function defaultOfPlane(table, name, network, rule) {
  const { defaults, ranges } = table.plane;
  if (name === "eta" || name === "alpha") return [...ranges[rule][name]];
  return name in defaults.all ? defaults.all[name] : defaults[network][name];
}

/**
 * This plane with other settings: ranges that were the old rule's own, or mean something else under
 * the new, become its own.
 * @param {any} table @param {Plane} plane @param {Partial<Plane>} given @returns {Plane}
 */
export function changedPlane(table, plane, given) {
  const made = { ...plane, ...given };
  for (const name of ["eta", "alpha"]) {
    if (name in given || made.rule === plane.rule) continue;
    const own = table.plane.ranges[plane.rule][name].every((v, k) => v === plane[name][k]);
    if (own || table.rules[made.rule] !== table.rules[plane.rule]) {
      made[name] = defaultOfPlane(table, name, made.network, made.rule);
    }
  }
  return made;
}

/** The settings that all cells share, as the engine takes them. @param {any} table @param {Plane} plane */
export function sharedOf(table, plane) {
  const { cells, ...settings } = plane;
  const marks = ["eta", "alpha"].map((name) => dialOf(table, name, plane.rule).mark);
  return { ...settings, eta: marks[0], alpha: marks[1] };
}

/** Where a place of 0 … 1 on an axis is, and back. */
function valueAtShare([low, high], share, log) {
  return log ? low * (high / low) ** share : low + (high - low) * share;
}

/** The place of a value on an axis: 0 in the middle of the first cell, 1 in that of the last. */
export function shareOf([low, high], value, log) {
  return log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
}

/** The values of the cells along an axis, ascending, both ends of the range included. */
export function valuesOf(table, plane, name) {
  const log = isLog(table, name, plane.rule);
  const last = plane.cells - 1;
  return Array.from({ length: plane.cells }, (_, k) => {
    if (k === 0) return plane[name][0];
    if (k === last) return plane[name][1];
    return Number(valueAtShare(plane[name], k / last, log).toPrecision(FIGURES));
  });
}

/** η and α of each cell, row after row. */
export function pairsOfPlane(table, plane) {
  const [etas, alphas] = [valuesOf(table, plane, "eta"), valuesOf(table, plane, "alpha")];
  return {
    eta: etas.flatMap((eta) => alphas.map(() => eta)),
    alpha: etas.flatMap(() => alphas),
  };
}

/** Row and column of the marked pair, between cells; null where it lies outside. */
export function markOf(table, plane) {
  const [row, column] = ["eta", "alpha"].map((name) => {
    const { mark } = dialOf(table, name, plane.rule);
    const [low, high] = plane[name];
    if (mark < low || mark > high) return NaN;
    return shareOf(plane[name], mark, isLog(table, name, plane.rule)) * (plane.cells - 1);
  });
  return Number.isFinite(row) && Number.isFinite(column) ? { row, column } : null;
}

/** The cell nearest to the marked pair; null where that lies outside. */
export function nearestOf(table, plane) {
  const mark = markOf(table, plane);
  return mark && Math.round(mark.row) * plane.cells + Math.round(mark.column);
}

/**
 * The ranges of a part of a plane, from the outer edges of its cells, within the plane's own.
 * @param {any} table @param {Plane} plane @param {Part} part
 * @returns {{eta: Range, alpha: Range} | null} null where it is too narrow to be trained
 */
export function rangesOf(table, plane, part) {
  const made = {};
  for (const [name, key] of [["eta", "rows"], ["alpha", "columns"]]) {
    const log = isLog(table, name, plane.rule);
    const edges = [part[key][0] - 0.5, part[key][1] + 0.5];
    made[name] = edges.map((edge) => {
      const share = edge / (plane.cells - 1);
      if (share <= 0 || share >= 1) return plane[name][Number(share > 0)];
      return Number(valueAtShare(plane[name], share, log).toPrecision(FIGURES));
    });
    if (!isWide(table, name, plane.rule, made[name])) return null;
  }
  return /** @type {any} */ (made);
}

/** Three by three cells, or fewer at an edge, around one. @returns {Part} */
export function around(plane, index) {
  const within = (at) => /** @type {[number, number]} */ (
    [Math.max(0, at - 1), Math.min(plane.cells - 1, at + 1)]);
  return { rows: within(Math.floor(index / plane.cells)), columns: within(index % plane.cells) };
}
