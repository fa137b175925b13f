// @ts-check
// One cell of the plane: its η and α, its numbers, its curve.
import { buildCurves } from "./curves.js";
import { element, write } from "./dom.js";
import { cellSaid, pairSaid } from "./plane_say.js";
import { pairsOfPlane, sharedOf } from "./plane_settings.js";
import { columnsOfCell, latestOf, METRICS } from "./plane_story.js";

/**
 * @param {import("./plane_desk.js").PlaneDesk} desk
 */
export function buildCell(desk) {
  const title = element("p", { class: "gl-panel-title" });
  const numbers = Object.fromEntries(Object.keys(METRICS).map((name) => [name, element("dd")]));
  const list = element("dl", { class: "gp-numbers" }, ...Object.entries(METRICS).map(
    ([name, { label }]) => element("div", {}, element("dt", {}, label), numbers[name])));
  let cell = 0;
  let kept = { key: "", story: /** @type {any} */ (null) };

  /** The cell as the run that it is. */
  const run = {
    table: desk.table,
    pinned: null,
    plotly: () => desk.plotly(),
    get story() {
      const { story } = desk;
      const { plane, columns, diverged, running, ready } = story;
      const key = [cell, plane.eta, plane.alpha, plane.cells, columns.step.length,
        columns.step[columns.step.length - 1], diverged[cell], running].join(" ");
      if (key !== kept.key || kept.story.ready !== ready) {
        const pairs = pairsOfPlane(desk.table, plane);
        kept = { key, story: {
          settings: { ...sharedOf(desk.table, plane), eta: pairs.eta[cell], alpha: pairs.alpha[cell] },
          columns: columnsOfCell(story, cell, pairs), moves: [], running, ready,
          diverged: diverged[cell] >= 0 ? diverged[cell] : null,
        } };
      }
      return kept.story;
    },
  };
  const curves = buildCurves(/** @type {any} */ (run));
  const root = element("div", { class: "gp-cell-view" }, title, list, curves.root);

  return {
    root,
    curves,
    /** @param {number} now the cell to show */
    show(now) {
      cell = now < desk.story.diverged.length ? now : 0;
      write(title, pairSaid(desk.table, desk.story.plane, cell));
      for (const name of Object.keys(METRICS)) {
        write(numbers[name], cellSaid(desk.story, latestOf(desk.story, name), name, cell));
      }
      curves.show();
    },
  };
}
