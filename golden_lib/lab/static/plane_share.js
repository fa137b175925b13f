// @ts-check
// What one takes along from a plane: a link, the numbers, the Python code.
import { button } from "./dom.js";
import { addressOfPlane, openPlaneLink, toldOfPlane } from "./plane_carry.js";
import { planeCode } from "./plane_link.js";
import { pairsOfPlane } from "./plane_settings.js";
import { csvOfPlane } from "./plane_story.js";
import { buildSharing, download } from "./shared_share.js";

/** @param {import("./plane_desk.js").PlaneDesk} desk */
export function buildPlaneShare(desk) {
  const csv = () => csvOfPlane(desk.story, pairsOfPlane(desk.table, desk.story.plane));
  return buildSharing("plane", {
    placeholder: "#lab=1&kind=plane&…",
    address: () => addressOfPlane(desk),
    code: () => planeCode(toldOfPlane(desk)),
    open: (text) => openPlaneLink(desk, text),
    files: () => [button("Plane as CSV", () => download("plane.csv", "text/csv", csv()))],
  });
}
