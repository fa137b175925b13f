// @ts-check
// What all views of one lab share: the settings chosen, the story so far, and the one engine.
import { openLink } from "./carry.js";
import { fromJson } from "./port.js";
import { divergence } from "./say.js";
import { changed, isDial, RESTARTING } from "./settings.js";
import { OWN_TOUCH, SharedDesk, sharedDesk } from "./shared_desk.js";
import { hear, isOver, newStory, pinnedOf, totalOf } from "./story.js";

/** The desk of a model. @param {any} model @param {boolean} [stays] */
export function deskOf(model, stays = false) {
  return sharedDesk(model, (forget) => new Desk(model, stays, forget));
}

export class Desk extends SharedDesk {
  /** @param {any} model @param {boolean} stays @param {() => void} forget */
  constructor(model, stays, forget) {
    super(model, stays, forget);
    this.story = newStory(this.chosen);
    this.planned = { moves: [], steps: 0 };
    this.pinned = null;
    this.panels = [];
    this.pending = null;
    const state = model.get("_state");
    if (state) hear(this.story, fromJson(state));
    if (state?.ready) this.chosen = this.followed();
    const link = model.get("_link");
    if (link) openLink(this, link);
  }

  /** The settings of the run as it is now. */
  followed() {
    const { settings, eta, alpha } = this.story;
    return { ...settings, eta, alpha };
  }

  take(event) {
    if (event.type === "error") {
      this.chosen = this.followed();
      this.loading = false;
      this.say(event.message);
      this.tell("chosen");
    }
    if (!hear(this.story, event)) return;
    if (event.type === "ready") this.loading = false;
    if ((event.type === "state" && event.ready) || event.type === "ready") {
      this.live = true;
      if (event.type === "state") this.planned = { moves: [], steps: 0 };
      this.chosen = this.followed();
      this.say("");
      this.tell("chosen");
    } else if (event.type === "moved" || event.type === "rewound") {
      if (event.planned || event.type === "rewound"
        || performance.now() - this.touched > OWN_TOUCH) {
        this.chosen = { ...this.chosen, eta: this.story.eta, alpha: this.story.alpha };
        this.tell("chosen");
      }
      if (event.type === "rewound") this.say("");
    } else if (event.type === "diverged" && this.story.diverged !== null) {
      this.say(divergence(this.table, this.story));
    }
    this.tell(event.type);
  }

  /** Lets Python know what is chosen where no run does. */
  toModel() {
    for (const [name, value] of Object.entries(this.chosen)) this.model.set(name, value);
    this.model.save_changes();
  }

  /** The reader has chosen a setting: η, α and epochs act as the run goes, others begin another. */
  choose(given) {
    const restarts = RESTARTING.some((name) => name in given && given[name] !== this.chosen[name]);
    this.chosen = changed(this.table, this.chosen, given);
    this.touched = performance.now();
    if (this.live && restarts) {
      this.restart(this.story.running);
    } else if (this.live) {
      this.sendSoon(given);
    } else {
      this.planned = { moves: [], steps: 0 }; // the reader goes another way than a link
      this.toModel();
    }
    this.tell("chosen");
  }

  /** Sends η, α and epochs at most once in a few milliseconds, the last ones always. */
  sendSoon(given) {
    const names = Object.keys(given).filter((name) => isDial(name) || name === "epochs");
    if (names.includes("epochs")) {
      this.story.settings = { ...this.story.settings, epochs: given.epochs };
    }
    const first = !this.pending;
    this.pending = { ...this.pending, ...Object.fromEntries(names.map((n) => [n, given[n]])) };
    if (first) window.setTimeout(() => this.flush(), 25);
  }

  flush() {
    if (this.pending) this.send({ type: "set", ...this.pending });
    this.pending = null;
  }

  /** Whether Train begins a run, rather than going on with one. */
  get begins() {
    return !this.live || isOver(this.story);
  }

  get total() {
    return totalOf(this.story);
  }

  /** Begins a run at step 0 with the settings chosen, and trains if asked to. */
  async restart(run, until = null) {
    const { moves } = this.planned;
    this.pending = null;
    this.loading = true;
    this.say("");
    this.messages = [];
    this.tell("status");
    try {
      await this.line.ask({ type: "start", settings: { ...this.chosen }, moves });
      this.planned = { moves: [], steps: 0 };
      this.live = true;
      await this.watch(this.panels);
      if (run) await this.line.ask({ type: "run", until });
    } catch (error) {
      this.live = false;
      this.notStarted(error);
    }
  }

  async run(until = null) {
    this.flush();
    if (this.begins) await this.restart(true, until ?? (this.planned.steps || null));
    else await this.send({ type: "run", until });
  }

  async reset() {
    this.planned = { moves: [], steps: 0 };
    if (this.live) return this.restart(false);
    this.story = newStory(this.chosen);
    this.say("");
    this.tell("state");
    return undefined;
  }

  rewind(step) {
    if (this.live) this.send({ type: "rewind", step });
  }

  watch(panels) {
    this.panels = panels;
    return this.live ? this.line.ask({ type: "watch", panels }) : Promise.resolve();
  }

  predict(image) {
    if (this.live) this.send({ type: "predict" }, { image });
  }

  pin() {
    this.pinned = pinnedOf(this.story);
    this.tell("pinned");
  }

  unpin() {
    this.pinned = null;
    this.tell("pinned");
  }

  /** Another run on the seed and the batches of the pinned one, as far as that one went. */
  race() {
    const { seed, data, batch_size } = this.pinned.settings;
    this.chosen = { ...this.chosen, seed, data, batch_size };
    this.tell("chosen");
    this.planned = { moves: [], steps: 0 };
    return this.restart(true, this.pinned.step || null);
  }
}
