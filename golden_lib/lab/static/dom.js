// @ts-check
// Elements without HTML text: nothing that comes from a link or a message can become markup.

const SVG = "http://www.w3.org/2000/svg";
const CONTROLS = ["a", "button", "input", "select", "summary", "textarea"];
let labels = 0;

/**
 * An element with its attributes, listeners and children. Text is only ever text.
 * @param {string} tag
 * @param {Record<string, any>} [given] `on` holds listeners, the rest are attributes; false and
 *   undefined leave one out
 * @param {...(Node | string)} children
 * @returns {any}
 */
export function element(tag, given = {}, ...children) {
  return filled(document.createElement(tag), given, children);
}

/** The same for SVG. */
export function drawing(tag, given = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), given, children);
}

function filled(made, { on = {}, ...attributes }, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== undefined) made.setAttribute(name, String(value));
  }
  for (const [name, listener] of Object.entries(on)) made.addEventListener(name, listener);
  // A notebook takes keys for itself before they come here, unless what has the focus forbids it.
  if (CONTROLS.includes(made.localName) || "tabindex" in attributes) {
    made.setAttribute("data-lm-suppress-shortcuts", "true");
  }
  made.append(...children);
  return made;
}

/** A button that says what it does. */
export function button(text, press, given = {}) {
  return element("button", { type: "button", class: "gl-button", ...given, on: { click: press } },
    text);
}

/** An id that no other element of the page has, also not of another lab. */
export function uniqueId() {
  labels += 1;
  return `gl-${labels}-${Math.random().toString(36).slice(2, 10)}`;
}

/** A label and the control that it names, in a box. */
export function labelled(text, control, given = {}) {
  control.id ||= uniqueId();
  return element("div", { class: "gl-field", ...given },
    element("label", { for: control.id }, text), control);
}

/** Writes a text where it differs: a screen reader hears no repetition, a layout is kept. */
export function write(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * Calls `act` now or later, never more often than every `pause` milliseconds, the last call always.
 * @returns {{call: () => void, stop: () => void}}
 */
export function paced(act, pause) {
  let timer = 0;
  let last = -Infinity;
  const run = () => {
    timer = 0;
    last = performance.now();
    act();
  };
  return {
    call() {
      if (!timer) timer = window.setTimeout(run, Math.max(0, last + pause - performance.now()));
    },
    stop() {
      window.clearTimeout(timer);
      timer = 0;
    },
  };
}
