// @ts-check
// What is carried from lab to lab: the run as a link, in and out.
import { readLink, writeLink } from "./link.js";
import { isDial } from "./settings.js";
import { addressWith, takeOver } from "./shared_carry.js";
import { newStory } from "./story.js";

/** @typedef {import("./desk.js").Desk} Desk */

/**
 * What a link, or code, repeats: the run so far, or where there is none, the one chosen.
 * @param {Desk} desk
 */
export function toldOf(desk) {
  const { settings, moves, step } = desk.story;
  const same = Object.keys(settings).every(
    (name) => isDial(name) || settings[name] === desk.chosen[name]);
  if (step > 0 && same) return { settings, moves, steps: step };
  return { settings: desk.chosen, ...desk.planned };
}

/** The address to hand on. @param {Desk} desk */
export function addressOf(desk) {
  const id = desk.model.get("_id") ?? "";
  return addressWith(desk.model, writeLink(desk.table, { ...toldOf(desk), id }));
}

/**
 * Takes over a link's run.
 * @param {Desk} desk @param {string} text
 * @returns {boolean} whether it was one
 */
export function openLink(desk, text) {
  return takeOver(desk, "run", () => readLink(desk.table, text), (read) => {
    desk.chosen = read.settings;
    desk.planned = { moves: read.moves, steps: read.steps };
    desk.live = false;
    desk.story = newStory(read.settings);
    for (const what of ["state", "chosen"]) desk.tell(what);
  });
}
