// @ts-check
// What all views of one plane share: the settings chosen, the planes so far, and the one engine.
import { openPlaneLink } from "./plane_carry.js";
import { changedPlane, pairsOfPlane, rangesOf, sharedOf } from "./plane_settings.js";
import { hearPlane, isPlaneOver, newPlaneStory, planeTotal } from "./plane_story.js";
import { fromJson, hasKernel } from "./port.js";
import { SharedDesk, sharedDesk } from "./shared_desk.js";

/** @typedef {import("./plane_settings.js").Plane} Plane */
/** @typedef {import("./plane_settings.js").Part} Part */

/** The desk of a model. @param {any} model @param {boolean} [stays] */
export function planeDeskOf(model, stays = false) {
  return sharedDesk(model, (forget) => new PlaneDesk(model, stays, forget));
}

export class PlaneDesk extends SharedDesk {
  /** @param {any} model @param {boolean} stays @param {() => void} forget */
  constructor(model, stays, forget) {
    super(model, stays, forget, ["cells"]);
    /** The plane that the engine was last asked for. @type {Plane} */
    this.asked = this.chosen;
    this.story = newPlaneStory(this.chosen);
    /** Planes that this one was zoomed out of, outermost first. */
    this.outer = [];
    /** How far a link's sender had trained. */
    this.planned = 0;
    this.wanted = false;
    /** Whether a plane that is on its way is no longer wanted. */
    this.dropped = false;
    const state = model.get("_state");
    if (state) hearPlane(this.story, { ...fromJson(state), running: false }, this.chosen);
    const link = model.get("_link");
    if (link) openPlaneLink(this, link);
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
    if (hasKernel(this.model)) this.send({ type: "choose", ...this.asMessage });
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
      this.notStarted(error);
    }
  }

  run(until = null) {
    if (this.loading) return Promise.resolve();
    if (this.begins) return this.restart(true, until ?? (this.planned || null));
    return this.send({ type: "run", until });
  }

  epochFromStart() {
    return this.loading ? Promise.resolve() : super.epochFromStart();
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
    if (this.story.running || this.loading) this.send({ type: "pause" });
    this.dropped = this.loading;
    this.loading = this.live = false;
    this.planned = 0;
    this.touched = performance.now();
    this.chosen = { ...story.plane };
    this.story = story;
    this.tell("state");
    this.tell("chosen");
  }
}
