// @ts-check
// What a plane is made of: menus, numbers, the ranges of η and α, and how many cells.
import { settingsOf } from "./controls.js";
import { element, labelled, write } from "./dom.js";
import { isWide } from "./plane_settings.js";
import { warningOf } from "./plane_say.js";
import { clamped, rangeOf } from "./settings.js";

/** The two exact numbers of a range. */
function rangeFields(desk, name) {
  const fields = ["from", "to"].map((word, end) => {
    const input = element("input", { type: "number", step: "any", inputmode: "decimal",
      on: { change: () => take(end, input.valueAsNumber) } });
    return { word, input, root: labelled("", input) };
  });

  function take(end, value) {
    if (Number.isFinite(value)) {
      const range = [...desk.chosen[name]];
      range[end] = clamped(value, rangeOf(desk.table, name, desk.chosen.rule));
      if (isWide(desk.table, name, desk.chosen.rule, range)) {
        desk.messages = [];
        desk.choose({ [name]: range });
      } else {
        desk.messages = [`The range of ${name === "eta" ? "η" : "α"} must go from a number to a `
          + `larger one, got ${range[0]} to ${range[1]}.`];
      }
      desk.tell("status");
    }
    show();
  }

  function show() {
    const symbol = name === "alpha" ? "α" : desk.table.rules[desk.chosen.rule] === "dlr" ? "η₀" : "η";
    const [least, most] = rangeOf(desk.table, name, desk.chosen.rule);
    fields.forEach(({ word, input, root }, end) => {
      write(root.querySelector("label"), `${symbol} ${word}`);
      Object.assign(input, { min: String(least), max: String(most) });
      input.value = String(desk.chosen[name][end]);
    });
  }

  return { roots: fields.map(({ root }) => root), show };
}

/** How many cells a side; a plane from a link may have another number. */
function cellsMenu(desk) {
  const { label, menu: counts } = desk.table.plane.cells;
  const select = element("select", { on: { change: () => desk.choose({ cells: Number(select.value) }) } });
  const add = (count) => select.append(element("option", { value: count }, `${count} × ${count}`));
  counts.forEach(add);
  const root = labelled(label, select);
  function show() {
    const { cells } = desk.chosen;
    if (![...select.options].some(({ value }) => value === String(cells))) add(cells);
    select.value = String(cells);
  }
  return { roots: [root], show };
}

/**
 * All settings of a plane; each change is another plane.
 * @param {import("./plane_desk.js").PlaneDesk} desk
 */
export function buildPlaneControls(desk) {
  const plain = settingsOf(desk).map(({ root, show }) => ({ roots: [root], show }));
  const all = [rangeFields(desk, "eta"), rangeFields(desk, "alpha"), cellsMenu(desk), ...plain];
  const warning = element("p", { class: "gl-note gp-warning", role: "status" });
  const root = element("fieldset", { class: "gl-settings" }, element("legend", {}, "The plane"),
    ...all.flatMap(({ roots }) => roots), warning);
  function show() {
    all.forEach((control) => control.show());
    write(warning, warningOf(desk.chosen));
  }
  show();
  return { root, show };
}
