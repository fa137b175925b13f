// @ts-check
// What the desks of a run and of a plane have in common: a model, its views, and the one engine.
import { GONE, Line } from "./line.js";
import { hasKernel } from "./port.js";

/** After a choice by hand, what is told of older ones does not undo it. */
export const OWN_TOUCH = 500; // ms
const DESKS = new WeakMap();

/**
 * The desk of a model, shared by its views: anywidget gives each view another object.
 * @template T @param {any} model @param {(forget: () => void) => T} make @returns {T}
 */
export function sharedDesk(model, make) {
  const key = hasKernel(model) ? model.get("_settings") : model;
  if (!DESKS.has(key)) DESKS.set(key, make(() => DESKS.delete(key)));
  return DESKS.get(key);
}

/** Its heirs have a `story`, `total`, and say what they `take`, when they `restart` and `run`. */
export class SharedDesk {
  /**
   * @param {any} model
   * @param {boolean} stays whether it stays when its last view leaves, until it is closed
   * @param {() => void} forget
   * @param {string[]} [more] traits that are settings, beside those of the table
   */
  constructor(model, stays, forget, more = []) {
    this.model = model;
    this.stays = stays;
    this.forget = forget;
    this.views = 0;
    this.table = model.get("_settings");
    this.names = [...Object.keys(this.table.fields), ...more];
    this.chosen = this.fromModel();
    /** @type {any} */
    this.story = null;
    /** Whether the engine holds what the story tells. */
    this.live = false;
    this.loading = false;
    this.alarm = "";
    /** @type {string[]} */
    this.messages = [];
    this.touched = -Infinity;
    this.closed = false;
    this.line = new Line(model, (event) => this.take(event), (gone) => {
      if (gone) this.say(GONE);
      else if (this.alarm === GONE) this.say("");
    });
    this.callbacks = new Set();
    this.onModel = this.onModel.bind(this);
    for (const name of this.names) model.on(`change:${name}`, this.onModel);
  }

  /** @returns {any} */
  fromModel() {
    return Object.fromEntries(this.names.map((name) => [name, this.model.get(name)]));
  }

  /** Python has changed a setting. */
  onModel() {
    if (performance.now() - this.touched < OWN_TOUCH) return;
    this.chosen = this.fromModel();
    this.tell("chosen");
  }

  /** Calls back after every change with what has changed: an event's type, or "chosen", "status". */
  listen(callback) {
    this.callbacks.add(callback);
    return () => this.callbacks.delete(callback);
  }

  tell(what) {
    for (const callback of [...this.callbacks]) callback(what);
  }

  say(alarm) {
    if (this.alarm === alarm) return;
    this.alarm = alarm;
    this.tell("status");
  }

  /** The engine did not take a start, for a reason that is said unless another one was. */
  notStarted(error) {
    this.loading = false;
    if (!this.alarm) this.say(`The engine did not start: ${error?.message ?? error}`);
    this.tell("status");
  }

  /** Takes what the engine says. @param {any} _event */
  take(_event) {}

  /** Sends a command; the line says where it does not arrive. */
  send(message, arrays) {
    return this.line.ask(message, arrays).catch(() => {});
  }

  plotly() {
    return this.line.plotly();
  }

  /** Whether Train begins at step 0, rather than going on. */
  get begins() {
    return !this.live;
  }

  /** @param {boolean} _run @param {number|null} [_until] @returns {Promise<void>} */
  async restart(_run, _until) {}

  /** @param {number|null} [_until] @returns {Promise<void>} */
  async run(_until) {}

  toggle() {
    return this.story.running ? this.send({ type: "pause" }) : this.run();
  }

  /** One step, or as many as are left of an epoch. */
  advance(unit) {
    const from = this.begins ? 0 : this.story.step;
    if (unit === "step") return this.run(from + 1);
    const size = this.story.ready?.steps_per_epoch;
    if (!size || this.begins) return this.epochFromStart();
    return this.run((Math.floor(from / size) + 1) * size);
  }

  /** The first epoch, whose length nobody knows before the engine says it. */
  epochFromStart() {
    const stop = this.listen((what) => {
      if (what !== "ready") return;
      stop();
      this.send({ type: "run", until: this.story.ready.steps_per_epoch });
    });
    return this.restart(false);
  }

  /** A view comes; the first one hears from a kernel what there is already. */
  enter() {
    this.views += 1;
    if (this.views === 1 && hasKernel(this.model)) this.send({ type: "sync" });
  }

  /** A view leaves. Where nobody looks any more, nothing trains that a view had started. */
  leave() {
    this.views -= 1;
    if (this.views > 0) return;
    if (this.story.running) this.send({ type: "pause" });
    if (!this.stays) this.close();
  }

  /** Lets go of the engine and of the model. */
  close() {
    if (this.closed) return;
    this.forget();
    for (const name of this.names) this.model.off(`change:${name}`, this.onModel);
    this.line.close();
    this.closed = true;
    this.callbacks.clear();
  }
}
