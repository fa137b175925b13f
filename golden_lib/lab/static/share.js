// @ts-check
// What one takes along: a link, the numbers, the figure, the Python code. And a run to race against.
import { addressOf, openLink, toldOf } from "./carry.js";
import { button, element, labelled, write } from "./dom.js";
import { repeatingCode } from "./link.js";
import { raceSentence } from "./say.js";
import { csvOf } from "./story.js";

/** Gives a text to the reader as a file. */
export function download(name, type, text) {
  const address = URL.createObjectURL(new Blob([text], { type }));
  element("a", { href: address, download: name }).click();
  window.setTimeout(() => URL.revokeObjectURL(address), 1000);
}

/** Copies a field's text; where the browser forbids it, selects it for the reader to copy. */
export async function copy(field, done) {
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
 * @param {import("./desk.js").Desk} desk
 * @param {(format: string) => Promise<void>} saveFigure
 */
export function buildShare(desk, saveFigure) {
  const link = element("input", { type: "text", readonly: true, class: "gl-wide" });
  const code = element("textarea", { readonly: true, rows: 8, class: "gl-wide gl-code",
    spellcheck: "false" });
  const given = element("input", { type: "text", class: "gl-wide", spellcheck: "false",
    placeholder: "#lab=1&…", on: { keydown: (event) => event.key === "Enter" && open() } });
  const done = element("p", { class: "gl-note", role: "status" });
  const failed = (error) => write(done, `The figure could not be saved: ${error?.message ?? error}`);
  const root = element("details", { class: "gl-more", on: { toggle: () => show() } },
    element("summary", {}, "Share and keep"),
    element("div", { class: "gl-row" }, labelled("Link to this run", link),
      button("Copy link", () => copy(link, done))),
    element("div", { class: "gl-row" }, labelled("Python that repeats it", code),
      button("Copy code", () => copy(code, done))),
    element("div", { class: "gl-buttons" },
      button("Curves as CSV", () => download("lab.csv", "text/csv", csvOf(runs()))),
      button("Figure as PNG", () => saveFigure("png").catch(failed)),
      button("Figure as SVG", () => saveFigure("svg").catch(failed))),
    element("div", { class: "gl-row" }, labelled("Open a link", given), button("Open", open)),
    done);

  function runs() {
    const found = [{ name: "this", columns: desk.story.columns }];
    return desk.pinned ? [...found, { name: "pinned", columns: desk.pinned.columns }] : found;
  }

  function open() {
    write(done, "");
    if (given.value.trim() && openLink(desk, given.value)) given.value = "";
  }

  function show() {
    if (!root.open) return;
    link.value = addressOf(desk);
    code.value = repeatingCode(toldOf(desk));
  }

  return { root, show };
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
