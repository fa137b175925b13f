// @ts-check
// What one takes along from a plane: a link, the numbers, the Python code.
import { button, element, labelled, write } from "./dom.js";
import { addressOfPlane, openPlaneLink, toldOfPlane } from "./plane_carry.js";
import { planeCode } from "./plane_link.js";
import { pairsOfPlane } from "./plane_settings.js";
import { csvOfPlane } from "./plane_story.js";
import { copy, download } from "./share.js";

/**
 * @param {import("./plane_desk.js").PlaneDesk} desk
 */
export function buildPlaneShare(desk) {
  const link = element("input", { type: "text", readonly: true, class: "gl-wide" });
  const code = element("textarea", { readonly: true, rows: 8, class: "gl-wide gl-code",
    spellcheck: "false" });
  const given = element("input", { type: "text", class: "gl-wide", spellcheck: "false",
    placeholder: "#lab=1&kind=plane&…", on: { keydown: (event) => event.key === "Enter" && open() } });
  const done = element("p", { class: "gl-note", role: "status" });
  const root = element("details", { class: "gl-more", on: { toggle: () => show() } },
    element("summary", {}, "Share and keep"),
    element("div", { class: "gl-row" }, labelled("Link to this plane", link),
      button("Copy link", () => copy(link, done))),
    element("div", { class: "gl-row" }, labelled("Python that repeats it", code),
      button("Copy code", () => copy(code, done))),
    element("div", { class: "gl-buttons" }, button("Plane as CSV", () =>
      download("plane.csv", "text/csv", csvOfPlane(desk.story, pairsOfPlane(desk.table, desk.story.plane))))),
    element("div", { class: "gl-row" }, labelled("Open a link", given), button("Open", open)),
    done);

  function open() {
    write(done, "");
    if (given.value.trim() && openPlaneLink(desk, given.value)) given.value = "";
  }

  function show() {
    if (!root.open) return;
    link.value = addressOfPlane(desk);
    code.value = planeCode(toldOfPlane(desk));
  }

  return { root, show };
}
