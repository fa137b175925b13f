// @ts-check
// What can be set, by the table that Python's settings.py sends along: ranges, defaults, words.

/**
 * @typedef {{label: string, link: string, range?: [number, number], menu?: number[],
 *   choices?: Record<string, string>}} Field
 * @typedef {{range: [number, number], log: boolean, mark: number, called: string}} Dial
 * @typedef {{version: number, fields: Record<string, Field>, rules: Record<string, string>,
 *   kinds: Record<string, any>, defaults: Record<string, any>,
 *   limits: {characters: number, moves: number, steps: number}}} Table
 * @typedef {{network: string, loss: string, rule: string, data: string, hidden: number,
 *   batch_size: number, seed: number, epochs: number, eta: number, alpha: number}} Settings
 * @typedef {[number, number, number]} Move  step, η, α
 */

/** Settings whose change begins another run; η, α and epochs act on the run as it goes. */
export const RESTARTING = ["network", "loss", "rule", "data", "hidden", "batch_size", "seed"];

/** Whether a setting is η or α, whose meaning depends on the rule. */
export const isDial = (name) => name === "eta" || name === "alpha";

/**
 * Range, mark and scale of η or α under a rule.
 * @param {Table} table @param {string} name @param {string} rule @returns {Dial}
 */
export function dialOf(table, name, rule) {
  return table.kinds[table.rules[rule]][name];
}

/**
 * Least and largest value of a number; undefined for a choice.
 * @param {Table} table @param {string} name @param {string} rule
 */
export function rangeOf(table, name, rule) {
  return isDial(name) ? dialOf(table, name, rule).range : table.fields[name].range;
}

/**
 * What a setting is where nobody says.
 * @param {Table} table @param {string} name @param {string} network @param {string} rule
 */
export function defaultOf(table, name, network, rule) {
  if (isDial(name)) return dialOf(table, name, rule).mark;
  const { all } = table.defaults;
  return name in all ? all[name] : table.defaults[network][name];
}

/**
 * These settings with others; η and α follow where the rule gives α another meaning.
 * @param {Table} table @param {Settings} settings @param {Partial<Settings>} given
 * @returns {Settings}
 */
export function changed(table, settings, given) {
  const made = { ...settings, ...given };
  if (table.rules[made.rule] !== table.rules[settings.rule]) {
    for (const name of ["eta", "alpha"]) {
      if (!(name in given)) made[name] = defaultOf(table, name, made.network, made.rule);
    }
  }
  return made;
}

/** A number within its bounds. */
export const clamped = (value, [least, most]) => Math.min(Math.max(value, least), most);

/** A number for the eye: three figures, no needless zeros. */
export function shown(value) {
  if (!Number.isFinite(value)) return "–";
  if (value !== 0 && (Math.abs(value) < 1e-4 || Math.abs(value) >= 1e6)) {
    return value.toExponential(2).replace("e-", "e−");
  }
  return String(Number(value.toPrecision(3)));
}

/** A whole number for the eye, with thin spaces between thousands. */
export const counted = (value) => String(value).replace(/\B(?=(\d{3})+$)/g, "\u202f");

/** A share as a percentage for the eye. */
export const percent = (share) => (Number.isFinite(share) ? `${(100 * share).toFixed(1)} %` : "–");
