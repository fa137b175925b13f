// @ts-check
// What runs and planes have in common where they are handed on: an address out, a link in.
import { hasKernel } from "./port.js";

/** The address to hand on: of this page with the link, or the link alone in a notebook. */
export function addressWith(model, link) {
  if (model.host?.address) return model.host.address(link);
  return hasKernel(model) ? link : location.href.replace(/#.*/, "") + link;
}

/**
 * Takes over what a link says, to be repeated when Train is pressed; says what was wrong with it.
 * @template {{steps: number, messages: string[]}} T
 * @param {import("./shared_desk.js").SharedDesk} desk
 * @param {string} what what a link repeats: "run"
 * @param {() => T} read
 * @param {(read: T) => void} lay puts it on the desk
 * @returns {boolean} whether it was a link
 */
export function takeOver(desk, what, read, lay) {
  let found;
  try {
    found = read();
  } catch (error) {
    desk.messages = [`The link is not used: ${error.message}.`];
    desk.tell("status");
    return false;
  }
  lay(found);
  const repeat = found.steps ? `Press Train to repeat a ${what} of ${found.steps} steps.` : "";
  desk.messages = [...found.messages, repeat].filter(Boolean);
  desk.tell("status");
  return true;
}
