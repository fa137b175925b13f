// @ts-check
// A link is a run: its settings, the moves of η and α, and how far it went, as one string.
// Python's link.py reads and writes the same; tests/lab_links.json holds the two together.
import { defaultOf, isDial, rangeOf } from "./settings.js";

/** @typedef {import("./settings.js").Table} Table */

const NUMBER = /^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?$/;
const ESCAPE = /%([0-7][0-9A-Fa-f])/g;
const ID = /^[A-Za-z0-9_-]{1,40}$/;
const SHOWN = 40;

/** A stranger's text in a message: short, in quotes. */
export function quoted(text) {
  const characters = Array.from(text);
  return `"${characters.slice(0, SHOWN).join("")}${characters.length > SHOWN ? "…" : ""}"`;
}

/**
 * The names and values of a link of this version; of two of a name, the first.
 * @param {Table} table @param {string} text
 * @param {string[]} others names that are known beside the settings'
 * @param {string[]} messages takes a sentence for each pair that is ignored
 * @returns {Map<string, string>}
 * @throws {Error} if the text is too long, or no link of this version
 */
export function pairsOf(table, text, others, messages) {
  const length = Array.from(text).length;
  if (length > table.limits.characters) {
    throw new Error(`a link must have at most ${table.limits.characters} characters, got ${length}`);
  }
  const known = new Set(Object.values(table.fields).map((field) => field.link));
  for (const name of ["lab", ...others]) known.add(name);
  const given = new Map();
  const bare = text.trim();
  for (const part of bare.slice(bare.indexOf("#") + 1).split("&").filter(Boolean)) {
    const plain = part.replace(ESCAPE, (_, code) => String.fromCharCode(parseInt(code, 16)));
    const at = plain.indexOf("=");
    const name = at < 0 ? plain : plain.slice(0, at);
    if (!known.has(name)) messages.push(`${quoted(name)} is no setting of the lab and is ignored`);
    else if (given.has(name)) messages.push(`${name} is given twice: the first counts`);
    else given.set(name, at < 0 ? "" : plain.slice(at + 1));
  }
  if (given.get("lab") !== String(table.version)) {
    const found = given.has("lab") ? quoted(given.get("lab")) : "none";
    throw new Error(`a link must say lab=${table.version}, got ${found}`);
  }
  return given;
}

/**
 * One of the choices: the default, with a message, where the text is none.
 * @param {string} name @param {string} value @param {Record<string, string>} choices
 * @param {string} fallback @param {string[]} messages
 */
export function choiceIn(name, value, choices, fallback, messages) {
  if (Object.hasOwn(choices, value)) return value;
  messages.push(`${name} must be one of ${Object.keys(choices).join(", ")}, got ${quoted(value)}: `
    + `${fallback} is taken`);
  return fallback;
}

/** Which lab of a page is meant; empty where the link does not say, or says no name. */
export function idIn(given, messages) {
  const id = given.get("id") ?? "";
  if (!id || ID.test(id)) return id;
  messages.push(`id must be letters and digits, got ${quoted(id)}: it is ignored`);
  return "";
}

/**
 * The number in a text, clamped to its bounds; refused where it is none.
 * @param {string} name @param {string} text @param {[number, number]} bounds
 * @param {boolean} whole @param {string[]} messages
 */
export function numberIn(name, text, [least, most], whole, messages) {
  const value = NUMBER.test(text) ? Number(text) : NaN;
  if (!Number.isFinite(value)) throw new Error(`${name} must be a number, got ${quoted(text)}`);
  if (whole && !Number.isInteger(value)) {
    throw new Error(`${name} must be a whole number, got ${quoted(text)}`);
  }
  const kept = Math.min(Math.max(value, least), most);
  if (kept !== value) {
    messages.push(`${name} must be from ${least} to ${most}, got ${value}: ${kept} is taken`);
  }
  return kept === 0 ? 0 : kept;
}

/**
 * @param {Table} table @param {string} text @param {string} rule @param {string[]} messages
 * @returns {import("./settings.js").Move[]}
 */
function movesIn(table, text, rule, messages) {
  const parts = text ? text.split(",") : [];
  if (parts.length > table.limits.moves) {
    throw new Error(`moves must be at most ${table.limits.moves}, got ${parts.length}`);
  }
  const moves = [];
  for (const part of parts) {
    const numbers = part.split(":");
    if (numbers.length !== 3) {
      throw new Error(`a move must be step:eta:alpha, got ${quoted(part)}`);
    }
    const step = numberIn("a move's step", numbers[0], [0, table.limits.steps], true, messages);
    const before = moves.length ? moves[moves.length - 1][0] : -1;
    if (step <= before) {
      throw new Error(`the steps of moves must ascend, got ${step} after ${before}`);
    }
    const [eta, alpha] = ["eta", "alpha"].map((name, k) =>
      numberIn(`a move's ${name}`, numbers[k + 1], rangeOf(table, name, rule), false, messages));
    moves.push([step, eta, alpha]);
  }
  return moves;
}

/**
 * Read a link: the part from # on, or a whole address.
 *
 * What is missing takes its default, the golden values for η and α. A value out of range is clamped
 * and an unknown name ignored, each with a message.
 * @param {Table} table
 * @param {string} text
 * @throws {Error} if it is no link of this version, or a value is nonsense
 */
export function readLink(table, text) {
  /** @type {string[]} */
  const messages = [];
  const given = pairsOf(table, text, ["kind", "steps", "moves", "id"], messages);
  if (given.has("kind")) {
    const kind = quoted(given.get("kind"));
    throw new Error(`a link to a run must say no kind, got ${kind}: another lab reads it`);
  }
  /** @type {any} */
  const settings = {};
  for (const [name, field] of Object.entries(table.fields)) {
    const { network = "cnn", rule = "delta" } = settings;
    const fallback = defaultOf(table, name, network, rule);
    const value = given.get(field.link);
    if (value === undefined) {
      settings[name] = fallback;
    } else if (field.choices) {
      settings[name] = choiceIn(name, value, field.choices, fallback, messages);
    } else {
      settings[name] =
        numberIn(name, value, rangeOf(table, name, rule), !isDial(name), messages);
    }
  }
  const steps =
    numberIn("steps", given.get("steps") ?? "0", [0, table.limits.steps], true, messages);
  const moves = movesIn(table, given.get("moves") ?? "", settings.rule, messages);
  const id = idIn(given, messages);
  return { settings, moves, steps, id, messages };
}

/** The settings that count: an MLP alone has hidden units. */
function fieldsOf(table, settings) {
  return Object.entries(table.fields).filter(
    ([name]) => name !== "hidden" || settings.network === "mlp");
}

/**
 * Write a link, beginning with #; `readLink` gives the same numbers back, exactly.
 * @param {Table} table
 * @param {{settings: any, moves?: import("./settings.js").Move[], steps?: number, id?: string}} run
 */
export function writeLink(table, { settings, moves = [], steps = 0, id = "" }) {
  const pairs = [["lab", table.version]];
  for (const [name, field] of fieldsOf(table, settings)) pairs.push([field.link, settings[name]]);
  pairs.push(["steps", steps]);
  if (moves.length) pairs.push(["moves", moves.map((move) => move.join(":")).join(",")]);
  if (id) pairs.push(["id", id]);
  return `#${pairs.map(([name, value]) => `${name}=${value}`).join("&")}`;
}

/** The fields of `Settings` in the order in which Python writes them. */
const IN_CODE = ["network", "loss", "rule", "data", "hidden", "batch_size", "seed", "epochs",
  "eta", "alpha"];

/**
 * Python that repeats a run: the same numbers, move by move.
 * @param {{settings: any, moves?: import("./settings.js").Move[], steps?: number}} run
 */
export function repeatingCode({ settings, moves = [], steps = 0 }) {
  const lines = ["from golden_lib.lab import TrainingLab", "", "lab = TrainingLab("];
  for (const name of IN_CODE) {
    const value = settings[name];
    if (name === "hidden" && settings.network !== "mlp") continue;
    lines.push(`    ${name}=${typeof value === "string" ? `"${value}"` : value},`);
  }
  lines.push(")");
  if (moves.length) {
    lines.push("for step, eta, alpha in [");
    for (const move of moves) lines.push(`    (${move.join(", ")}),`);
    lines.push("]:", "    lab.train(steps=step - lab.step)",
      "    lab.eta, lab.alpha = eta, alpha");
  }
  lines.push(`lab.train(steps=${steps} - lab.step)`, "lab.history", "");
  return lines.join("\n");
}
