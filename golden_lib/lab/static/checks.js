// @ts-check
/** What no run can have is refused in a sentence. */

/** The losses in the order of their numbers in a graph: that of the library's LOSSES. */
export const LOSSES = [
  "sse", "information", "squared_information", "energy", "divergence", "cross_entropy",
  "logistic_sse",
];
export const RULES = ["delta", "nesterov", "adam", "dlr", "dlr_incoming"];

/** @param {string} name @param {unknown} value @param {number} least @param {number} most */
export function whole(name, value, least, most) {
  if (!Number.isInteger(value) || Number(value) < least || Number(value) > most) {
    throw new Error(`${name} must be a whole number from ${least} to ${most}, got ${value}`);
  }
}

/**
 * Refuses settings that no run can have.
 * @param {import("./course.js").Settings} s
 */
export function checkSettings(s) {
  for (const [name, known] of /** @type {[string, string[]][]} */ (
    [["network", ["cnn", "mlp"]], ["loss", LOSSES], ["rule", RULES]])) {
    if (!known.includes(s[name])) {
      throw new Error(`${name} must be one of ${known.join(", ")}, got ${s[name]}`);
    }
  }
  if (s.network === "mlp") whole("hidden", s.hidden, 1, 300);
  whole("seed", s.seed, 0, 2 ** 32 - 1);
  whole("epochs", s.epochs, 1, 100);
}

/** @param {string} name @param {unknown} value @param {string} rule */
export function checkDial(name, value, rule) {
  const share = name === "alpha" && !rule.startsWith("dlr");
  const fits = share ? Number(value) >= 0 && Number(value) < 1
    : Number(value) > 0 && Number.isFinite(value);
  if (typeof value !== "number" || !fits) {
    const range = share ? "in [0, 1)" : "> 0 and finite";
    throw new Error(`${name} must be ${range} for ${rule}, got ${value}`);
  }
  return value;
}
