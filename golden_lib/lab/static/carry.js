// @ts-check
// What is carried from lab to lab: the run as a link, in and out.
import { readLink, writeLink } from "./link.js";
import { hasKernel } from "./port.js";
import { isDial } from "./settings.js";
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

/**
 * The address to hand on: of this page with the link, or the link alone in a notebook.
 * @param {Desk} desk
 */
export function addressOf(desk) {
  const link = writeLink(desk.table, { ...toldOf(desk), id: desk.model.get("_id") ?? "" });
  if (desk.model.host?.address) return desk.model.host.address(link);
  return hasKernel(desk.model) ? link : location.href.replace(/#.*/, "") + link;
}

/**
 * Takes over a link's run, to be repeated when Train is pressed; says what was wrong with it.
 * @param {Desk} desk @param {string} text
 * @returns {boolean} whether it was one
 */
export function openLink(desk, text) {
  let read;
  try {
    read = readLink(desk.table, text);
  } catch (error) {
    desk.messages = [`The link is not used: ${error.message}.`];
    desk.tell("status");
    return false;
  }
  desk.chosen = read.settings;
  desk.planned = { moves: read.moves, steps: read.steps };
  desk.live = false;
  desk.story = newStory(read.settings);
  const repeat = read.steps ? `Press Train to repeat a run of ${read.steps} steps.` : "";
  desk.messages = [...read.messages, repeat].filter(Boolean);
  for (const what of ["state", "chosen", "status"]) desk.tell(what);
  return true;
}
