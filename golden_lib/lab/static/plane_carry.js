// @ts-check
// What is carried from plane to plane: the link, in and out.
import { readPlane, writePlane } from "./plane_link.js";
import { newPlaneStory } from "./plane_story.js";
import { hasKernel } from "./port.js";

/** @typedef {import("./plane_desk.js").PlaneDesk} PlaneDesk */

/** What a link, or code, repeats: the plane so far, or the one chosen. @param {PlaneDesk} desk */
export function toldOfPlane(desk) {
  const { plane, step } = desk.story;
  return step > 0 && desk.isShown ? { plane, steps: step }
    : { plane: desk.chosen, steps: desk.planned };
}

/** The address to hand on: of this page with the link, or the link alone in a notebook. @param {PlaneDesk} desk */
export function addressOfPlane(desk) {
  const { model } = desk;
  const link = writePlane(desk.table, { ...toldOfPlane(desk), id: model.get("_id") ?? "" });
  if (model.host?.address) return model.host.address(link);
  return hasKernel(model) ? link : location.href.replace(/#.*/, "") + link;
}

/**
 * Takes over a link's plane, to be repeated when Train is pressed; says what was wrong with it.
 * @param {PlaneDesk} desk @param {string} text
 * @returns {boolean} whether it was one
 */
export function openPlaneLink(desk, text) {
  let read;
  try {
    read = readPlane(desk.table, text);
  } catch (error) {
    desk.messages = [`The link is not used: ${error.message}.`];
    desk.tell("status");
    return false;
  }
  desk.outer = [];
  desk.lay(newPlaneStory(read.plane));
  desk.planned = read.steps;
  desk.tellPython();
  const repeat = read.steps ? `Press Train to repeat a plane of ${read.steps} steps.` : "";
  desk.messages = [...read.messages, repeat].filter(Boolean);
  desk.tell("status");
  return true;
}
