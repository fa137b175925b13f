// @ts-check
// What all views of one lab share: the settings chosen, the story so far, and the one engine.
import { openLink } from "./carry.js";
import { GONE, Line } from "./line.js";
import { fromJson, hasKernel } from "./port.js";
import { divergence } from "./say.js";
import { changed, isDial, RESTARTING } from "./settings.js";
import { hear, isOver, newStory, pinnedOf, totalOf } from "./story.js";

/** After a move by hand, what the engine tells of older ones does not move the slider back. */
const OWN_TOUCH = 500; // ms
const DESKS = new WeakMap();

/** What is one and the same for all views of a model: anywidget gives each view another object. */
const keyOf = (model) => (hasKernel(model) ? model.get("_settings") : model);

/**
 * The desk of a model, shared by its views.
 * @param {any} model
 * @param {boolean} [stays] whether it stays when its last view leaves, until it is closed
 */
export function deskOf(model, stays = false) {
  const key = keyOf(model);
  if (!DESKS.has(key)) DESKS.set(key, new Desk(model, stays, () => DESKS.delete(key)));
  return DESKS.get(key);
}

export class Desk {
  /** @param {any} model @param {boolean} stays @param {() => void} forget */
  constructor(model, stays, forget) {
    this.model = model;
    this.stays = stays;
    this.forget = forget;
    this.views = 0;
    /** @type {import("./settings.js").Table} */
    this.table = model.get("_settings");
    this.chosen = this.fromModel();
    this.story = newStory(this.chosen);
    this.planned = { moves: [], steps: 0 };
    /** Whether the engine holds the run that the story tells. */
    this.live = false;
    this.loading = false;
    this.pinned = null;
    this.status = "";
    this.alarm = "";
    this.messages = [];
    this.panels = [];
    this.touched = -Infinity;
    this.pending = null;
    this.closed = false;
    this.line = new Line(model, (event) => this.take(event), (gone) => {
      if (gone) this.say("alarm", GONE);
      else if (this.alarm === GONE) this.say("alarm", "");
    });
    this.callbacks = new Set();
    this.onModel = this.onModel.bind(this);
    for (const name of Object.keys(this.chosen)) model.on(`change:${name}`, this.onModel);
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

  /** A view comes; the first one hears from a kernel what there is already. */
  enter() {
    this.views += 1;
    if (this.views === 1 && hasKernel(this.model)) this.ask({ type: "sync" }).catch(() => {});
  }

  fromModel() {
    const names = Object.keys(this.table.fields);
    return Object.fromEntries(names.map((name) => [name, this.model.get(name)]));
  }

  /** Calls back after every change with what has changed: an event's type, or "chosen", "status". */
  listen(callback) {
    this.callbacks.add(callback);
    return () => this.callbacks.delete(callback);
  }

  tell(what, event) {
    for (const callback of [...this.callbacks]) callback(what, event);
  }

  say(where, text) {
    if (this[where] === text) return;
    this[where] = text;
    this.tell("status");
  }

  ask(message, arrays) {
    return this.line.ask(message, arrays);
  }

  plotly() {
    return this.line.plotly();
  }

  /** Takes what the engine says. */
  take(event) {
    if (event.type === "error") {
      this.chosen = this.followed();
      this.loading = false;
      this.say("alarm", event.message);
      this.tell("chosen");
    }
    if (!hear(this.story, event)) return;
    if (event.type === "ready") this.loading = false;
    if ((event.type === "state" && event.ready) || event.type === "ready") {
      this.live = true;
      if (event.type === "state") this.planned = { moves: [], steps: 0 };
      this.chosen = this.followed();
      this.say("alarm", "");
      this.tell("chosen");
    } else if (event.type === "moved" || event.type === "rewound") {
      if (event.planned || event.type === "rewound"
        || performance.now() - this.touched > OWN_TOUCH) {
        this.chosen = { ...this.chosen, eta: this.story.eta, alpha: this.story.alpha };
        this.tell("chosen");
      }
      if (event.type === "rewound") this.say("alarm", "");
    } else if (event.type === "diverged" && this.story.diverged !== null) {
      this.say("alarm", divergence(this.table, this.story));
    }
    this.tell(event.type, event);
  }

  /** Lets Python know what is chosen where no run does. */
  toModel() {
    for (const [name, value] of Object.entries(this.chosen)) this.model.set(name, value);
    this.model.save_changes();
  }

  /** Python has changed a setting. */
  onModel() {
    if (performance.now() - this.touched < OWN_TOUCH) return;
    this.chosen = this.fromModel();
    this.tell("chosen");
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
    if (this.pending) this.ask({ type: "set", ...this.pending }).catch(() => {});
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
    this.say("alarm", "");
    this.say("status", "");
    this.messages = [];
    this.tell("status");
    try {
      await this.ask({ type: "start", settings: { ...this.chosen }, moves });
      this.planned = { moves: [], steps: 0 };
      this.live = true;
      await this.watch(this.panels);
      if (run) await this.ask({ type: "run", until });
    } catch (error) {
      this.live = false;
      this.loading = false;
      if (!this.alarm) this.say("alarm", `The engine did not start: ${error?.message ?? error}`);
      this.tell("status");
    }
  }

  async run(until = null) {
    this.flush();
    if (this.begins) await this.restart(true, until ?? (this.planned.steps || null));
    else await this.ask({ type: "run", until }).catch(() => {});
  }

  toggle() {
    return this.story.running ? this.ask({ type: "pause" }).catch(() => {}) : this.run();
  }

  /** One step, or as many as are left of an epoch. */
  advance(unit) {
    const { story } = this;
    const from = this.begins ? 0 : story.step;
    const size = story.ready?.steps_per_epoch;
    if (unit === "step") return this.run(from + 1);
    if (!size || this.begins) return this.epochFromStart();
    return this.run((Math.floor(from / size) + 1) * size);
  }

  /** The first epoch of a run whose epoch is not known before the engine says it. */
  async epochFromStart() {
    const stop = this.listen((what) => {
      if (what !== "ready") return;
      stop();
      this.ask({ type: "run", until: this.story.ready.steps_per_epoch }).catch(() => {});
    });
    await this.restart(false);
  }

  async reset() {
    this.planned = { moves: [], steps: 0 };
    if (this.live) return this.restart(false);
    this.story = newStory(this.chosen);
    this.say("alarm", "");
    this.tell("state");
    return undefined;
  }

  rewind(step) {
    if (this.live) this.ask({ type: "rewind", step }).catch(() => {});
  }

  watch(panels) {
    this.panels = panels;
    return this.live ? this.ask({ type: "watch", panels }) : Promise.resolve();
  }

  predict(image) {
    if (this.live) this.ask({ type: "predict" }, { image }).catch(() => {});
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

  /** A view leaves. Where nobody looks any more, nothing trains that a view had started. */
  leave() {
    this.views -= 1;
    if (this.views > 0) return;
    if (this.story.running) this.ask({ type: "pause" }).catch(() => {});
    if (!this.stays) this.close();
  }

  /** Lets go of the engine and of the model. */
  close() {
    if (this.closed) return;
    this.forget();
    for (const name of Object.keys(this.chosen)) this.model.off(`change:${name}`, this.onModel);
    this.line.close();
    this.closed = true;
    this.callbacks.clear();
  }
}
