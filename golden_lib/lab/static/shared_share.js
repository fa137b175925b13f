// @ts-check
// What one takes along from a run and from a plane: a link, Python code, files; and a link back in.
import { button, element, labelled, write } from "./dom.js";

/** Gives a text to the reader as a file. */
export function download(name, type, text) {
  const address = URL.createObjectURL(new Blob([text], { type }));
  element("a", { href: address, download: name }).click();
  window.setTimeout(() => URL.revokeObjectURL(address), 1000);
}

/** Copies a field's text; where the browser forbids it, selects it for the reader to copy. */
async function copy(field, done) {
  try {
    await navigator.clipboard.writeText(field.value);
    write(done, "Copied.");
  } catch {
    field.focus();
    field.select();
    write(done, "Selected: copy it with Ctrl+C.");
  }
}

/**
 * @param {string} what what is shared: "run"
 * @param {object} given
 * @param {string} given.placeholder how a link to it begins
 * @param {() => string} given.address
 * @param {() => string} given.code
 * @param {(text: string) => boolean} given.open takes over a link; whether it was one
 * @param {(say: (text: string) => void) => HTMLElement[]} given.files buttons that save, and how
 *   they say that they could not
 */
export function buildSharing(what, { placeholder, address, code, open, files }) {
  const link = element("input", { type: "text", readonly: true, class: "gl-wide" });
  const python = element("textarea", { readonly: true, rows: 8, class: "gl-wide gl-code",
    spellcheck: "false" });
  const given = element("input", { type: "text", class: "gl-wide", spellcheck: "false", placeholder,
    on: { keydown: (event) => event.key === "Enter" && take() } });
  const done = element("p", { class: "gl-note", role: "status" });
  const root = element("details", { class: "gl-more", on: { toggle: () => show() } },
    element("summary", {}, "Share and keep"),
    element("div", { class: "gl-row" }, labelled(`Link to this ${what}`, link),
      button("Copy link", () => copy(link, done))),
    element("div", { class: "gl-row" }, labelled("Python that repeats it", python),
      button("Copy code", () => copy(python, done))),
    element("div", { class: "gl-buttons" }, ...files((text) => write(done, text))),
    element("div", { class: "gl-row" }, labelled("Open a link", given), button("Open", take)),
    done);

  function take() {
    write(done, "");
    if (given.value.trim() && open(given.value)) given.value = "";
  }

  function show() {
    if (!root.open) return;
    link.value = address();
    python.value = code();
  }

  return { root, show };
}
