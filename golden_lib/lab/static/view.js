// @ts-check
// One view of a lab: its parts laid out, and each shown again when what it shows has changed.
import { buildControls, isTyping } from "./controls.js";
import { buildCurves } from "./curves.js";
import { element, paced } from "./dom.js";
import { buildDrawing } from "./draw.js";
import { buildEngine } from "./engine.js";
import { buildPanels } from "./panels.js";
import { arrival, sentenceOf } from "./say.js";
import { buildRace, buildShare } from "./share.js";
import { buildFrame, onColors } from "./shared_view.js";
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
  const frame = buildFrame(desk, "The lab", "gl-lab", onKey);
  frame.lay(transport.root, controls.moving, curves.root, transport.back, race.root, controls.run,
    engine.root, element("div", { class: "gl-panels" }, ...panels.roots, paper.root), share.root);

  function onKey(event) {
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (event.key === "g" && plain && !isTyping(event.target)) controls.toMarks();
  }

  function say() {
    frame.say(sentenceOf(desk.table, desk.story));
    curves.say();
  }

  const speak = paced(say, WORDS_PAUSE);
  const small = paced(() => {
    transport.show();
    panels.show();
    race.show();
    share.show();
  }, SHOW_PAUSE);

  function showStatus() {
    frame.showStatus();
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
      if (frame.showRunning(() => arrival(desk.table, desk.story))) say();
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

  const stops = [desk.listen(show), onColors(() => curves.restyle())];
  desk.watch(panels.names).catch(() => {});

  return {
    root: frame.root,
    remove() {
      stops.forEach((stop) => stop());
      speak.stop();
      small.stop();
      transport.remove();
      curves.remove();
      paper.remove();
    },
  };
}
