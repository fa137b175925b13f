// @ts-check
/**
 * The engine of the page: commands in, events out, as Python's kernel has them. It trains in short
 * slices and listens between two of them, so that a move of η acts while the run goes on.
 */

import { Course } from "./course.js";
import { PANELS, picture, probabilities } from "./pictures.js";

/**
 * @typedef {import("./course.js").Runner} Runner
 * @typedef {import("./pictures.js").Arrays} Arrays
 * @typedef {{type: string, [key: string]: any}} Message
 * @typedef {{
 *   runner: Runner,
 *   digits: (name: string) => Promise<import("./batches.js").Digits>,
 *   emit: (message: Message, arrays: Arrays) => void,
 *   breathe: () => Promise<void>,
 *   now?: () => number}} Ports  breathe: lets messages come in; now: milliseconds
 */

/** Milliseconds at least between two messages with records, and with pictures. */
const RECORDS_PAUSE = 100;
const VIEWS_PAUSE = 300;
/** A view that took t is followed by at least this many t of training. */
const VIEWS_SHARE = 4;

/** @param {unknown} error @returns {string} one sentence on one line */
export function sentenceOf(error) {
  const said = error instanceof Error ? error.message : String(error);
  return said.split(/\s+/).join(" ").slice(0, 400) || "the engine failed";
}

/** Runs a course by commands. */
export class Session {
  /** @param {Ports} ports */
  constructor(ports) {
    this.ports = ports;
    this.now = ports.now ?? (() => performance.now());
    /** @type {Course|null} */
    this.course = null;
    this.running = false;
    this.closed = false;
    /** What is said of a run that is not there: why the last one did not begin, if one was to. */
    this.noRun = "a run must be started first, got no run";
    this.until = 0;
    /** @type {string[]} */
    this.panels = [];
    /** @type {any[]} */
    this.waiting = [];
    this.sent = 0;
    this.viewed = -VIEWS_PAUSE;
    this.viewTook = 0;
    this.pace = { began: 0, step: 0, rate: 0 };
    this.told = new Set();
    /** @type {{command: Message, arrays: any}[]} */
    this.queue = [];
    this.busy = false;
  }

  /**
   * Puts a command in the queue.
   * @param {Message} command @param {Record<string, any>} [arrays]
   */
  post(command, arrays = {}) {
    if (this.closed) return;
    if (command.type === "close") {
      this.close();
      return;
    }
    this.queue.push({ command, arrays });
    if (!this.busy) this.work();
  }

  close() {
    this.closed = true;
    this.running = false;
    this.queue = [];
    this.course = null;
    return this.ports.runner.close();
  }

  async work() {
    this.busy = true;
    while (!this.closed && (this.queue.length || this.running)) {
      const next = this.queue.shift();
      try {
        if (!next) await this.train();
        else if (next.command.type !== "start"
          || !this.queue.some(({ command }) => command.type === "start")) await this.obey(next);
      } catch (error) {
        this.running = false;
        if (!this.course) this.noRun = sentenceOf(error);
        this.say({ type: "error", message: sentenceOf(error) });
        this.say({ type: "running", running: false, step: this.course?.step ?? 0 });
      }
      await this.ports.breathe();
    }
    this.busy = false;
  }

  /** @param {{command: Message, arrays: any}} next */
  async obey({ command, arrays }) {
    const { course } = this;
    if (command.type === "start") return this.start(command);
    if (command.type === "watch") {
      this.panels = PANELS.filter((name) => command.panels.includes(name));
      return this.show(true);
    }
    if (command.type === "sync") return this.tellAll();
    if (!course) throw new Error(this.noRun);
    if (command.type === "run") return this.run(course, command.until);
    if (command.type === "pause") return this.stop();
    if (command.type === "set") return this.set(course, command);
    if (command.type === "rewind") return this.rewind(course, command.step);
    if (command.type === "predict") return this.predict(course, arrays.image);
    throw new Error(`a command must be one that the engine knows, got ${command.type}`);
  }

  /** @param {Message} command */
  async start({ settings, moves, eta, alpha }) {
    await this.stop();
    this.course = null;
    const digits = await this.ports.digits(settings.data);
    const course = new Course(
      this.ports.runner, settings, moves ?? [], digits, eta, alpha, this.now);
    await course.open();
    if (this.closed) return;
    this.course = course;
    this.waiting = [];
    this.told.clear();
    this.say({ type: "ready", ...this.ready(course) });
    this.say({ type: "moments", steps: course.moments });
    await this.show(true);
  }

  /** @param {Course} course @param {number|null|undefined} until */
  async run(course, until) {
    this.until = Math.min(until ?? course.total, course.total);
    if (course.isOver || course.step >= this.until) {
      await this.stop();
    } else if (!this.running) {
      this.running = true;
      this.pace = { began: this.now(), step: course.step, rate: 0 };
      this.say({ type: "running", running: true, step: course.step });
    }
  }

  /** @param {Course} course @param {Message} command */
  set(course, command) {
    if ("epochs" in command) course.extend(command.epochs);
    const moved = course.set(command.eta ?? course.eta, command.alpha ?? course.alpha);
    if (moved) this.sayMoved(course, false);
  }

  /** @param {Course} course @param {unknown} step */
  async rewind(course, step) {
    if (!Number.isFinite(step)) throw new Error(`step must be a number, got ${step}`);
    this.flush();
    const at = course.rewind(Number(step));
    this.told.clear();
    this.say({ type: "rewound", step: at, eta: course.eta[0], alpha: course.alpha[0] });
    this.say({ type: "moments", steps: course.moments });
    await this.show(true);
  }

  /** @param {Course} course @param {any} image */
  async predict(course, image) {
    const pixels = image?.data ?? image;
    if (pixels?.length !== 784 || !pixels.every((/** @type {number} */ v) => v >= 0 && v <= 1)) {
      throw new Error(`image must hold 784 values in [0, 1], got ${pixels?.length ?? "none"}`);
    }
    const logits = await course.runner.classify(course.state, Float32Array.from(pixels), [0]);
    const data = probabilities(logits, 0, course.settings.loss);
    this.say({ type: "prediction", step: course.step },
      { probabilities: { shape: [10], data } });
  }

  /** One slice of training, and what is due to be said of it. */
  async train() {
    const course = /** @type {Course} */ (this.course);
    const { record, moved } = await course.advance(this.until);
    if (this.closed) return;
    if (record) this.waiting.push(record);
    if (moved) this.sayMoved(course, true);
    course.diverged.forEach((step, replica) => {
      if (step < 0 || this.told.has(replica)) return;
      this.told.add(replica);
      this.flush();
      this.say({ type: "diverged", step, replica });
    });
    if (course.isOver || course.step >= this.until) {
      await this.stop();
      return;
    }
    if (this.now() - this.sent >= RECORDS_PAUSE) this.flush();
    await this.show(false);
  }

  /** Ends training, with everything said. */
  async stop() {
    const was = this.running;
    this.running = false;
    if (!this.course) return;
    this.flush();
    if (was) await this.show(true);
    this.say({ type: "running", running: false, step: this.course.step });
  }

  /** Sends the records that wait, and which moments there are with them. */
  flush() {
    const { course, waiting, pace } = this;
    if (!course || !waiting.length) return;
    const now = this.now();
    const seconds = (now - pace.began) / 1000;
    if (seconds > 1 || !pace.rate) pace.rate = (course.step - pace.step) / Math.max(seconds, 1e-3);
    if (seconds > 1) Object.assign(pace, { began: now, step: course.step });
    this.waiting = [];
    this.sent = now;
    const columns = columnsOf(waiting);
    this.say({ type: "records", columns, steps_per_second: pace.rate });
    this.say({ type: "moments", steps: course.moments });
  }

  /** Sends the pictures that are watched, unless they were sent just now. @param {boolean} atOnce */
  async show(atOnce) {
    const { course } = this;
    if (!course || !this.panels.length) return;
    const pause = Math.max(VIEWS_PAUSE, VIEWS_SHARE * this.viewTook);
    if (!atOnce && this.now() - this.viewed < pause) return;
    const began = this.now();
    const { message, arrays } = await picture(course, this.panels);
    this.viewTook = this.now() - began;
    this.say(message, arrays);
    this.viewed = this.now();
  }

  /** @param {Course} course @param {boolean} planned whether a link's moves told so */
  sayMoved(course, planned) {
    this.say({
      type: "moved", step: course.step, eta: course.eta[0], alpha: course.alpha[0], planned,
    });
  }

  async tellAll() {
    const { course } = this;
    if (!course) {
      this.say({ type: "state", running: this.running, ready: null, view: null });
      return;
    }
    const { message: { type, ...view }, arrays } = await picture(course, this.panels);
    const [diverged] = course.diverged;
    this.say({
      type: "state", running: this.running, ready: this.ready(course),
      records: columnsOf(course.records), moves: course.moves, moments: course.moments,
      step: course.step, view,
      diverged: course.replicas === 1 && diverged >= 0 ? diverged : null,
    }, arrays);
  }

  /** @param {Course} course what is known of it before its first step */
  ready(course) {
    const each = course.replicas > 1 ? { eta: course.eta, alpha: course.alpha } : {};
    return {
      ...each,
      settings: { ...course.settings }, parameters: course.parameters,
      steps_per_epoch: course.stepsPerEpoch, every: course.every, test_every: course.testEvery,
      test_images: course.test.index.length,
    };
  }

  /** @param {Message} message @param {Arrays} [arrays] */
  say(message, arrays = {}) {
    if (!this.closed) this.ports.emit(message, arrays);
  }
}

/** Records as lists by name, null for what is not finite; lists of R values where R > 1. */
export function columnsOf(records) {
  /** @param {number[]|null} values @param {number} replicas */
  const plain = (values, replicas) => {
    const all = values ?? new Array(replicas).fill(null);
    const kept = all.map((v) => (Number.isFinite(v) ? v : null));
    return kept.length === 1 ? kept[0] : kept;
  };
  const columns = { step: records.map((r) => r.step), epoch: records.map((r) => r.epoch) };
  for (const name of ["loss", "train_accuracy", "test_accuracy", "eta", "alpha"]) {
    columns[name] = records.map((record) => plain(record[name], record.loss.length));
  }
  return columns;
}
