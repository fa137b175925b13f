// @ts-check
// One view of a lab: its parts laid out, and each shown again when what it shows has changed.
import { buildControls, isTyping } from "./controls.js";
import { buildCurves } from "./curves.js";
import { element, paced, uniqueId, write } from "./dom.js";
import { buildDrawing } from "./draw.js";
import { buildEngine } from "./engine.js";
import { buildPanels } from "./panels.js";
import { arrival, fewOf, sentenceOf } from "./say.js";
import { buildRace, buildShare } from "./share.js";
import { buildTransport } from "./transport.js";

const WORDS_PAUSE = 1000; // ms between two versions of the sentence while a run goes on
const SHOW_PAUSE = 60; // ms between two looks of the small parts

/**
 * @param {import("./desk.js").Desk} desk
 * @returns {{root: HTMLElement, remove: () => void}}
 */
export function buildView(desk) {
  const controls = buildControls(desk);
  const engine = buildEngine(desk);
  const transport = buildTransport(desk);
  const curves = buildCurves(desk);
  const panels = buildPanels(desk);
  const paper = buildDrawing(desk);
  const race = buildRace(desk);
  const share = buildShare(desk, (format) => curves.save(format));
  const title = element("p", { class: "gl-title", id: uniqueId() },
    desk.model.get("title") || "The lab");
  const words = element("p", { class: "gl-sentence" });
  const alarm = element("p", { class: "gl-alarm", role: "alert" });
  const messages = element("ul", { class: "gl-messages", role: "status" });
  const status = element("p", { class: "gl-hidden", role: "status" });
  const root = element("div", {
    class: "gl-lab", role: "group", "aria-labelledby": title.id,
    // JupyterLab would take arrow keys and letters for itself.
    "data-lm-suppress-shortcuts": "true", "data-jp-suppress-context-menu": "true",
    on: { keydown: onKey },
  }, title, words, messages, alarm, transport.root, controls.moving, curves.root, transport.back,
  race.root, controls.run, engine.root,
  element("div", { class: "gl-panels" }, ...panels.roots, paper.root), share.root, status);

  function onKey(event) {
    event.stopPropagation();
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (event.key === "g" && plain && !isTyping(event.target)) controls.toMarks();
  }

  function say() {
    write(words, sentenceOf(desk.table, desk.story));
    curves.say();
  }

  let running = desk.story.running;
  const speak = paced(say, WORDS_PAUSE);
  const small = paced(() => {
    transport.show();
    panels.show();
    race.show();
    share.show();
  }, SHOW_PAUSE);

  function showStatus() {
    write(alarm, desk.alarm);
    const said = fewOf(desk.messages);
    messages.replaceChildren(...said.map((text) => element("li", {}, text)));
    transport.show();
  }

  const shows = {
    chosen: () => {
      controls.show();
      engine.show();
      small.call();
    },
    status: showStatus,
    engine: engine.show,
    pinned: () => {
      race.show();
      curves.show();
    },
    view: () => {
      small.call();
      paper.refresh();
    },
    prediction: () => paper.show(),
    running: () => {
      transport.show();
      if (running === desk.story.running) return;
      running = desk.story.running;
      write(status, running ? "Training." : arrival(desk.table, desk.story));
      if (!running) say();
    },
  };

  function show(what) {
    if (Object.hasOwn(shows, what)) {
      shows[what]();
      return;
    }
    curves.show();
    small.call();
    speak.call();
    if (what === "ready" || what === "state" || what === "rewound") paper.refresh();
  }

  say();
  panels.show();
  race.show();
  showStatus();
  curves.show();

  const stops = [desk.listen(show)];
  // The colours of the page change: by its own switch, or with the system's.
  const themes = new MutationObserver(() => curves.restyle());
  for (const node of [document.documentElement, document.body]) {
    themes.observe(node, { attributeFilter: ["data-theme", "data-jp-theme-name", "class"] });
  }
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  const restyle = () => curves.restyle();
  scheme.addEventListener("change", restyle);
  desk.watch(panels.names).catch(() => {});

  return {
    root,
    remove() {
      stops.forEach((stop) => stop());
      themes.disconnect();
      scheme.removeEventListener("change", restyle);
      speak.stop();
      small.stop();
      transport.remove();
      curves.remove();
      paper.remove();
    },
  };
}
