// @ts-check
// A link to a plane: kind=plane, ranges as eta=lo:hi, and cells; else as link.js has it.
// Python's plane_link.py reads and writes the same; tests/lab_planes.json holds the two together.
import { choiceIn, idIn, numberIn, pairsOf, quoted } from "./link.js";
import { isDial, rangeOf } from "./settings.js";
import { defaultOfPlane, isLog, isWide } from "./plane_settings.js";

/** @typedef {import("./plane_settings.js").Plane} Plane */

const KIND = "plane";

/** A range low:high, each end clamped; refused where it is none, or too narrow. */
function rangeIn(table, name, text, rule, messages) {
  const ends = text.split(":");
  if (ends.length !== 2) throw new Error(`${name} must be low:high, got ${quoted(text)}`);
  const bounds = /** @type {[number, number]} */ (rangeOf(table, name, rule));
  const given = ends.map((end) => numberIn(name, end, bounds, false, messages));
  if (isWide(table, name, rule, given)) return given;
  const { ratio, width } = table.plane.narrowest;
  const apart = isLog(table, name, rule) ? `a factor of ${ratio}` : String(width);
  throw new Error(`${name} must go from a number to one at least ${apart} above, `
    + `got ${given.join(":")}`);
}

/**
 * Read a link to a plane: the part from # on, or a whole address.
 * @param {any} table @param {string} text
 * @returns {{plane: Plane, steps: number, id: string, messages: string[]}}
 * @throws {Error} if it is no link to a plane of this version, or a value is nonsense
 */
export function readPlane(table, text) {
  /** @type {string[]} */
  const messages = [];
  const given = pairsOf(table, text, ["kind", "cells", "steps", "id"], messages);
  if (given.get("kind") !== KIND) {
    const found = given.has("kind") ? quoted(given.get("kind")) : "none";
    throw new Error(`a link to a plane must say kind=${KIND}, got ${found}`);
  }
  /** @type {any} */
  const plane = {};
  for (const [name, field] of Object.entries({ ...table.fields, cells: table.plane.cells })) {
    const fallback = defaultOfPlane(table, name, plane.network, plane.rule);
    const value = given.get(field.link);
    if (value === undefined) plane[name] = fallback;
    else if (field.choices) plane[name] = choiceIn(name, value, field.choices, fallback, messages);
    else if (isDial(name)) plane[name] = rangeIn(table, name, value, plane.rule, messages);
    else plane[name] = numberIn(name, value, field.range, true, messages);
  }
  const most = table.limits.steps;
  const steps = numberIn("steps", given.get("steps") ?? "0", [0, most], true, messages);
  return { plane, steps, id: idIn(given, messages), messages };
}

const written = (value) => (Array.isArray(value) ? value.join(":") : String(value));

/**
 * Write a link, beginning with #; `readPlane` gives the same numbers back, exactly.
 * @param {any} table @param {{plane: Plane, steps?: number, id?: string}} told
 */
export function writePlane(table, { plane, steps = 0, id = "" }) {
  const pairs = [["lab", table.version], ["kind", KIND]];
  for (const [name, field] of Object.entries(table.fields)) {
    if (name !== "hidden" || plane.network === "mlp") pairs.push([field.link, written(plane[name])]);
  }
  pairs.push(["cells", plane.cells], ["steps", steps]);
  if (id) pairs.push(["id", id]);
  return `#${pairs.map(([name, value]) => `${name}=${value}`).join("&")}`;
}

/** The fields of Python's `Plane` in their order. */
const FIELDS = ["network", "loss", "rule", "data", "hidden", "batch_size", "seed", "epochs", "eta",
  "alpha", "cells"];

/** Python that repeats a plane. @param {{plane: Plane, steps?: number}} told */
export function planeCode({ plane, steps = 0 }) {
  const lines = ["from golden_lib.lab import PlaneLab", "", "lab = PlaneLab("];
  for (const name of FIELDS) {
    const value = plane[name];
    if (name === "hidden" && plane.network !== "mlp") continue;
    const said = Array.isArray(value) ? `(${value.join(", ")})` : value;
    lines.push(`    ${name}=${typeof value === "string" ? `"${value}"` : said},`);
  }
  lines.push(")", `lab.train(steps=${steps} - lab.step)`, 'lab.plane["test_accuracy"]', "");
  return lines.join("\n");
}
