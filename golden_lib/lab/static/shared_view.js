// @ts-check
// The frame of a view: its name, what is said in words, and the colours of the page around it.
import { element, uniqueId, write } from "./dom.js";
import { fewOf } from "./say.js";

/**
 * @param {import("./shared_desk.js").SharedDesk} desk
 * @param {string} name its title, where the model has none
 * @param {string} kind its class
 * @param {(event: KeyboardEvent) => void} [onKey]
 */
export function buildFrame(desk, name, kind, onKey = () => {}) {
  const title = element("p", { class: "gl-title", id: uniqueId() }, desk.model.get("title") || name);
  const words = element("p", { class: "gl-sentence" });
  const messages = element("ul", { class: "gl-messages", role: "status" });
  const alarm = element("p", { class: "gl-alarm", role: "alert" });
  const status = element("p", { class: "gl-hidden", role: "status" });
  const root = element("div", {
    class: kind, role: "group", "aria-labelledby": title.id,
    // JupyterLab would take arrow keys and letters for itself.
    "data-lm-suppress-shortcuts": "true", "data-jp-suppress-context-menu": "true",
    on: {
      keydown: (event) => {
        event.stopPropagation();
        onKey(event);
      },
    },
  }, title, words, messages, alarm);
  let { running } = desk.story;

  return {
    root,
    /** Lays the parts below the words. @param {...HTMLElement} parts */
    lay(...parts) {
      root.append(...parts, status);
    },
    /** What is to be seen, in a sentence. */
    say: (text) => write(words, text),
    /** The desk's alarm, and its messages. */
    showStatus() {
      write(alarm, desk.alarm);
      messages.replaceChildren(...fewOf(desk.messages).map((text) => element("li", {}, text)));
    },
    /**
     * Says to who cannot see it that training has begun, or where it has arrived.
     * @param {() => string} arrival
     * @returns {boolean} whether it has just ended
     */
    showRunning(arrival) {
      if (running === desk.story.running) return false;
      running = desk.story.running;
      write(status, running ? "Training." : arrival());
      return !running;
    },
  };
}

/** Calls back when the colours of the page change, by its own switch or with the system's. */
export function onColors(restyle) {
  const themes = new MutationObserver(restyle);
  for (const node of [document.documentElement, document.body]) {
    themes.observe(node, { attributeFilter: ["data-theme", "data-jp-theme-name", "class"] });
  }
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  scheme.addEventListener("change", restyle);
  return () => {
    themes.disconnect();
    scheme.removeEventListener("change", restyle);
  };
}
