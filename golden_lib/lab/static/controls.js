// @ts-check
// The settings: dials for η and α with their marks, menus and numbers for the rest.
import { button, element, labelled, uniqueId, write } from "./dom.js";
import { clamped, dialOf, rangeOf, shown } from "./settings.js";

/** Share of a slider's way that an arrow key goes, with Shift, and Page Up. */
const STEPS = { small: 0.002, plain: 0.01, large: 0.1 };

/** From a value to its place on a slider, 0 … 1, and back; on a log scale where the dial has one. */
function placeOf({ range: [least, most], log }, value) {
  return log ? Math.log(value / least) / Math.log(most / least) : (value - least) / (most - least);
}

function valueAt({ range: [least, most], log }, place) {
  const value = log ? least * (most / least) ** place : least + (most - least) * place;
  return clamped(Number(value.toPrecision(3)), [least, most]);
}

/** A slider beside an exact number field, with a mark that one key, g, or a click goes to. */
function dial(desk, name) {
  const id = uniqueId();
  const label = element("label", { for: id });
  const exact = element("input", {
    type: "number", step: "any", class: "gl-exact", inputmode: "decimal",
    on: {
      change: () => take(exact.valueAsNumber),
      focus: () => { exact.value = String(desk.chosen[name]); },
      blur: () => show(),
    },
  });
  const slider = element("input", {
    id, type: "range", min: 0, max: 1, step: "any", class: "gl-slider",
    on: { input: () => take(valueAt(scale(), Number(slider.value))), keydown: onKey },
  });
  const mark = button("", () => take(scale().mark), { class: "gl-mark" });
  const root = element("div", { class: "gl-dial" },
    element("div", { class: "gl-dial-head" }, label, exact),
    element("div", { class: "gl-track" }, slider, mark));
  let least = NaN;

  function scale() {
    return dialOf(desk.table, name, desk.chosen.rule);
  }

  function take(value) {
    if (Number.isFinite(value)) desk.choose({ [name]: clamped(value, scale().range) });
    else show();
  }

  function onKey(event) {
    const size = event.shiftKey ? STEPS.small : STEPS.plain;
    const ways = {
      ArrowRight: size, ArrowUp: size, ArrowLeft: -size, ArrowDown: -size,
      PageUp: STEPS.large, PageDown: -STEPS.large, Home: -1, End: 1,
    };
    if (!(event.key in ways) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const from = placeOf(scale(), desk.chosen[name]);
    const to = clamped(from + ways[event.key], [0, 1]);
    const value = valueAt(scale(), to);
    // A step finer than the three figures that a slider keeps still moves.
    take(value === desk.chosen[name] ? valueAt(scale(), clamped(to + ways[event.key], [0, 1]))
      : value);
  }

  function show() {
    const now = scale();
    const value = desk.chosen[name];
    const said = desk.table.kinds[desk.table.rules[desk.chosen.rule]].labels[name];
    write(label, said);
    slider.value = String(clamped(placeOf(now, value), [0, 1]));
    slider.setAttribute("aria-valuetext", shown(value));
    exact.setAttribute("aria-label", `${said}, exact value`);
    if (least !== now.range[0]) {
      [exact.min, exact.max] = now.range.map(String);
      [least] = now.range;
    }
    if (document.activeElement !== exact) exact.value = shown(value);
    const at = placeOf(now, now.mark);
    write(mark, `${now.called} ${shown(now.mark)}`);
    mark.setAttribute("aria-label", `${now.called} ${shown(now.mark)}: set ${said}`);
    mark.style.setProperty("--at", String(at));
    mark.dataset.end = at > 0.75 ? "right" : at < 0.25 ? "left" : "middle";
    root.classList.toggle("gl-at-mark", Math.abs(value / now.mark - 1) < 0.005);
  }

  return { root, show, toMark: () => take(scale().mark) };
}

/** A menu of named choices, or of numbers that others may join. */
function menu(desk, name) {
  const field = desk.table.fields[name];
  const select = element("select", {
    on: { change: () => desk.choose({ [name]: field.choices ? select.value : Number(select.value) }) },
  });
  const there = () => new Set([...select.options].map((option) => option.value));
  const add = (value, text) => select.append(element("option", { value }, text));
  if (field.choices) {
    for (const [value, text] of Object.entries(field.choices)) add(value, text);
  } else {
    for (const value of field.menu) add(value, String(value));
  }
  const root = labelled(field.label, select);
  function show() {
    const value = String(desk.chosen[name]);
    if (!there().has(value)) add(value, field.choices?.[value] ?? value);
    if (select.value !== value) select.value = value;
    if (name === "hidden") root.hidden = desk.chosen.network !== "mlp";
  }
  return { root, show };
}

/** A whole number. */
function number(desk, name) {
  const field = desk.table.fields[name];
  const [least, most] = rangeOf(desk.table, name, "delta");
  const input = element("input", {
    type: "number", min: least, max: most, step: 1, inputmode: "numeric",
    on: {
      change: () => {
        const value = Math.round(input.valueAsNumber);
        if (Number.isFinite(value)) desk.choose({ [name]: clamped(value, [least, most]) });
        show();
      },
    },
  });
  const root = labelled(field.label, input);
  function show() {
    input.value = String(desk.chosen[name]);
  }
  return { root, show };
}

/** The settings that a run and a plane have in common. */
export function settingsOf(desk) {
  const names = ["network", "hidden", "loss", "rule", "data", "batch_size", "seed", "epochs"];
  return names.map((name) => {
    const { choices, menu: counts } = desk.table.fields[name];
    return choices || counts ? menu(desk, name) : number(desk, name);
  });
}

/**
 * All settings as two groups: what moves while it trains, and what begins another run.
 * @param {import("./desk.js").Desk} desk
 */
export function buildControls(desk) {
  const dials = [dial(desk, "eta"), dial(desk, "alpha")];
  const others = settingsOf(desk);
  const moving = element("fieldset", { class: "gl-dials" },
    element("legend", { class: "gl-hidden" }, "Act on the next step; g goes to the marked value"),
    ...dials.map(({ root }) => root));
  const run = element("fieldset", { class: "gl-settings" },
    element("legend", {}, "The run"), ...others.map(({ root }) => root));
  const show = () => [...dials, ...others].forEach((control) => control.show());
  show();
  return { moving, run, show, toMarks: () => dials.forEach((each) => each.toMark()) };
}

/** Whether a key that was pressed here is meant as a letter, not as a command. */
export function isTyping(target) {
  return target instanceof HTMLSelectElement || target instanceof HTMLTextAreaElement
    || (target instanceof HTMLInputElement && target.type !== "range");
}

