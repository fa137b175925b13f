// @ts-check
// What all views of one plane share: the settings chosen, the planes so far, and the one engine.
import { GONE, Line } from "./line.js";
import { openPlaneLink } from "./plane_carry.js";
import { changedPlane, pairsOfPlane, rangesOf, sharedOf } from "./plane_settings.js";
import { hearPlane, isPlaneOver, newPlaneStory, planeTotal } from "./plane_story.js";
import { fromJson, hasKernel } from "./port.js";

/** @typedef {import("./plane_settings.js").Plane} Plane */
/** @typedef {import("./plane_settings.js").Part} Part */

/** After a choice by hand, what Python tells of older ones does not undo it. */
const OWN_CHOICE = 500; // ms
const PLANE_DESKS = new WeakMap();

/**
 * The desk of a model, shared by its views: anywidget gives each view another object.
 * @param {any} model @param {boolean} [stays] whether it stays when its last view leaves
 */
export function planeDeskOf(model, stays = false) {
  const key = hasKernel(model) ? model.get("_settings") : model;
  if (!PLANE_DESKS.has(key)) {
    PLANE_DESKS.set(key, new PlaneDesk(model, stays, () => PLANE_DESKS.delete(key)));
  }
  return PLANE_DESKS.get(key);
}

export class PlaneDesk {
  /** @param {any} model @param {boolean} stays @param {() => void} forget */
  constructor(model, stays, forget) {
    this.model = model;
    this.stays = stays;
    this.forget = forget;
    this.views = 0;
    this.table = model.get("_settings");
    this.names = [...Object.keys(this.table.fields), "cells"];
    /** @type {Plane} */
    this.chosen = this.fromModel();
    /** The plane that the engine was last asked for. */
    this.asked = this.chosen;
    this.story = newPlaneStory(this.chosen);
    /** Planes that this one was zoomed out of, outermost first. */
    this.outer = [];
    /** How far a link's sender had trained. */
    this.planned = 0;
    /** Whether the engine holds the plane that the story tells. */
    this.live = false;
    this.loading = this.wanted = false;
    /** Whether a plane that is on its way is no longer wanted. */
    this.dropped = false;
    this.alarm = "";
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
    const state = model.get("_state");
    if (state) hearPlane(this.story, { ...fromJson(state), running: false }, this.chosen);
    const link = model.get("_link");
    if (link) openPlaneLink(this, link);
  }

  /** A view comes; the first one hears from a kernel what there is already. */
  enter() {
    this.views += 1;
    if (this.views === 1 && hasKernel(this.model)) this.ask({ type: "sync" });
  }

  fromModel() {
    return /** @type {any} */ (Object.fromEntries(this.names.map((n) => [n, this.model.get(n)])));
  }

  /** Calls back after every change with what has changed: an event's type, "chosen", "status". */
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

  /** Sends a command; the line says where it does not arrive. */
  ask(message) {
    return this.line.ask(message).catch(() => {});
  }

  plotly() {
    return this.line.plotly();
  }

  take(event) {
    const begins = event.type === "ready" || (event.type === "state" && event.ready);
    if (event.type === "error") {
      this.loading = this.live = this.story.running = false;
      this.say(event.message);
      this.tell("running");
    }
    // What comes before the new plane is ready is about an older one.
    if (!begins && !this.live) return;
    if (this.dropped) {
      this.dropped = false;
      return;
    }
    if (!hearPlane(this.story, event, this.asked)) return;
    if (begins) {
      this.live = true;
      this.loading = false;
      this.say("");
    }
    this.tell(event.type);
  }

  /** Python has changed a setting. */
  onModel() {
    if (performance.now() - this.touched < OWN_CHOICE) return;
    this.chosen = this.fromModel();
    this.tell("chosen");
  }

  /** The reader has chosen a setting: another plane, which begins when it is trained. */
  choose(given) {
    const before = this.chosen;
    this.chosen = changedPlane(this.table, this.chosen, given);
    this.touched = performance.now();
    if (JSON.stringify(before) === JSON.stringify(this.chosen)) return;
    this.planned = 0;
    this.tell("chosen");
    if (this.story.running || this.loading) this.restart(this.story.running || this.wanted);
    else this.tellPython();
  }

  /** Lets Python know what is chosen where no plane does. */
  tellPython() {
    if (hasKernel(this.model)) this.ask({ type: "choose", ...this.asMessage });
  }

  /** The plane chosen, as Python takes it. */
  get asMessage() {
    const { eta, alpha, cells } = this.chosen;
    return { settings: sharedOf(this.table, this.chosen), plane: { eta, alpha, cells } };
  }

  /** Whether the plane that is shown is the one that is chosen. */
  get isShown() {
    return this.names.every((name) =>
      JSON.stringify(this.chosen[name]) === JSON.stringify(this.story.plane[name]));
  }

  /** Whether Train begins a plane, rather than going on with one. */
  get begins() {
    return !this.live || !this.isShown || isPlaneOver(this.story);
  }

  get total() {
    return this.isShown ? planeTotal(this.story) : 0;
  }

  /** Begins the plane chosen at step 0, and trains if asked to. */
  async restart(run, until = null) {
    this.loading = true;
    this.wanted = run;
    this.dropped = false;
    this.live = this.story.running = false;
    this.messages = [];
    this.say("");
    this.tell("status");
    this.asked = { ...this.chosen };
    const cells = pairsOfPlane(this.table, this.chosen);
    try {
      await this.line.ask({ type: "start", ...this.asMessage, ...cells, moves: [] });
      this.planned = 0;
      if (run) await this.line.ask({ type: "run", until });
    } catch (error) {
      this.loading = false;
      if (!this.alarm) this.say(`The engine did not start: ${error?.message ?? error}`);
      this.tell("status");
    }
  }

  run(until = null) {
    if (this.loading) return Promise.resolve();
    if (this.begins) return this.restart(true, until ?? (this.planned || null));
    return this.ask({ type: "run", until });
  }

  toggle() {
    return this.story.running ? this.ask({ type: "pause" }) : this.run();
  }

  /** One step, or as many as are left of an epoch. */
  advance(unit) {
    const from = this.begins ? 0 : this.story.step;
    if (unit === "step") return this.run(from + 1);
    const size = this.story.ready?.steps_per_epoch;
    if (size && !this.begins) return this.run((Math.floor(from / size) + 1) * size);
    if (this.loading) return Promise.resolve();
    const stop = this.listen((what) => {
      if (what !== "ready") return;
      stop(); // how long an epoch is, nobody knows before the engine says it
      this.ask({ type: "run", until: this.story.ready.steps_per_epoch });
    });
    return this.restart(false);
  }

  reset() {
    this.messages = [];
    this.say("");
    if (this.live) return this.restart(false);
    return this.lay(newPlaneStory(this.chosen));
  }

  /**
   * Trains a part of the plane as a plane of its own.
   * @param {Part} part
   * @returns {boolean} whether it could: at some point cells are too near each other
   */
  zoom(part) {
    const { plane } = this.story;
    const ranges = rangesOf(this.table, plane, part);
    if (!ranges) {
      this.messages = ["This is as near as the plane goes: closer, its cells would be one."];
      this.tell("status");
      return false;
    }
    this.outer.push({ ...this.story, running: false });
    this.lay(newPlaneStory({ ...plane, ...ranges }));
    this.restart(true);
    return true;
  }

  /** Back to the plane before the last zoom, as it was. */
  zoomOut() {
    const before = this.outer.pop();
    if (!before) return;
    this.lay(before);
    this.tellPython();
  }

  /** Lays a plane on the desk, as far as it is known; the engine does not hold it. */
  lay(story) {
    if (this.story.running || this.loading) this.ask({ type: "pause" });
    this.dropped = this.loading;
    this.loading = this.live = false;
    this.planned = 0;
    this.touched = performance.now();
    this.chosen = { ...story.plane };
    this.story = story;
    this.tell("state");
    this.tell("chosen");
  }

  /** A view leaves. Where nobody looks any more, nothing trains that a view had started. */
  leave() {
    this.views -= 1;
    if (this.views > 0) return;
    if (this.story.running) this.ask({ type: "pause" });
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
