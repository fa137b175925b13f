// @ts-check
// What is carried from plane to plane: the link, in and out.
import { readPlane, writePlane } from "./plane_link.js";
import { newPlaneStory } from "./plane_story.js";
import { addressWith, takeOver } from "./shared_carry.js";

/** @typedef {import("./plane_desk.js").PlaneDesk} PlaneDesk */

/** What a link, or code, repeats: the plane so far, or the one chosen. @param {PlaneDesk} desk */
export function toldOfPlane(desk) {
  const { plane, step } = desk.story;
  return step > 0 && desk.isShown ? { plane, steps: step }
    : { plane: desk.chosen, steps: desk.planned };
}

/** The address to hand on. @param {PlaneDesk} desk */
export function addressOfPlane(desk) {
  const id = desk.model.get("_id") ?? "";
  return addressWith(desk.model, writePlane(desk.table, { ...toldOfPlane(desk), id }));
}

/**
 * Takes over a link's plane.
 * @param {PlaneDesk} desk @param {string} text
 * @returns {boolean} whether it was one
 */
export function openPlaneLink(desk, text) {
  return takeOver(desk, "plane", () => readPlane(desk.table, text), (read) => {
    desk.outer = [];
    desk.lay(newPlaneStory(read.plane));
    desk.planned = read.steps;
    desk.tellPython();
  });
}
