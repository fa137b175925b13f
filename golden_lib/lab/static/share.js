// @ts-check
// What one takes along: a link, the numbers, the figure, the Python code. And a run to race against.
import { addressOf, openLink, toldOf } from "./carry.js";
import { button, element, write } from "./dom.js";
import { repeatingCode } from "./link.js";
import { raceSentence } from "./say.js";
import { buildSharing, download } from "./shared_share.js";
import { csvOf } from "./story.js";

/**
 * @param {import("./desk.js").Desk} desk
 * @param {(format: string) => Promise<void>} saveFigure
 */
export function buildShare(desk, saveFigure) {
  const runs = () => [{ name: "this", columns: desk.story.columns },
    ...(desk.pinned ? [{ name: "pinned", columns: desk.pinned.columns }] : [])];
  return buildSharing("run", {
    placeholder: "#lab=1&…",
    address: () => addressOf(desk),
    code: () => repeatingCode(toldOf(desk)),
    open: (text) => openLink(desk, text),
    files: (say) => {
      const failed = (error) => say(`The figure could not be saved: ${error?.message ?? error}`);
      return [button("Curves as CSV", () => download("lab.csv", "text/csv", csvOf(runs()))),
        button("Figure as PNG", () => saveFigure("png").catch(failed)),
        button("Figure as SVG", () => saveFigure("svg").catch(failed))];
    },
  });
}

/**
 * Pin a run, and start another on the same seed and batches.
 * @param {import("./desk.js").Desk} desk
 */
export function buildRace(desk) {
  const pin = button("Pin this run", () => desk.pin());
  const race = button("Race", () => desk.race());
  const unpin = button("Unpin", () => desk.unpin());
  const said = element("p", { class: "gl-note" });
  const root = element("div", { class: "gl-race", role: "group", "aria-label": "Race" },
    element("div", { class: "gl-buttons" }, pin, race, unpin), said);
  function show() {
    const there = desk.pinned !== null;
    pin.disabled = !desk.story.columns.step.length;
    race.hidden = unpin.hidden = !there;
    write(said, there ? raceSentence(desk.table, desk.story, desk.pinned)
      : "Pin a run, change a setting, and race the two on the same seed and batches.");
  }
  return { root, show };
}
