// @ts-check
/** A run as a lab needs it: moves of η and α, records, moments to go back to. No messages. */

import { Feed, divided } from "./batches.js";
import { LOSSES, checkDial, checkSettings, whole } from "./checks.js";
import { initialState } from "./numbers.js";

/**
 * @typedef {import("./numbers.js").Named} Named
 * @typedef {Record<string, Named>} State
 * @typedef {{network: "cnn"|"mlp", loss: string, rule: string, data: string, hidden: number,
 *   batch_size: number, seed: number, epochs: number, eta: number, alpha: number}} Settings
 * @typedef {{loss: Float32Array, accuracy: Float32Array, finite: Float32Array}} Seen  each (T · R)
 * @typedef {{
 *   open: (shape: {network: string, rule: string, hidden: number, replicas: number,
 *     batch: number}) => Promise<void>,
 *   advance: (state: State, part: import("./batches.js").Part, picks: Uint32Array,
 *     hyper: {eta: Float32Array, alpha: Float32Array, loss: number, steps: number})
 *     => Promise<{state: State, seen: Seen}>,
 *   classify: (state: State, images: Uint8Array, index: ArrayLike<number>)
 *     => Promise<Float32Array>,
 *   close: () => Promise<void>}} Runner
 * @typedef {{step: number, epoch: number, loss: number[], train_accuracy: number[],
 *   test_accuracy: number[]|null, eta: number[], alpha: number[]}} Line  one record
 */

/** Milliseconds of training in one go: between two of them a move takes effect. */
const SLICE = 40;
/** Moments that are kept, and the bytes that they may take. */
const KEPT = 24;
const KEPT_BYTES = 1e8;
/** Images in one go at most. */
const AT_ONCE = 4096;

/** R networks on their way. */
export class Course {
  /**
   * @param {Runner} runner @param {Settings} settings @param {[number, number, number][]} planned
   * @param {import("./batches.js").Digits} digits @param {number[]} [eta] of each replica
   * @param {number[]} [alpha] of each replica @param {() => number} [now] milliseconds
   */
  constructor(runner, settings, planned, digits, eta, alpha, now = () => performance.now()) {
    checkSettings(settings);
    this.runner = runner;
    this.now = now;
    this.settings = { ...settings };
    this.replicas = Array.isArray(eta) ? eta.length : 1;
    this.eta = this.spread("eta", eta ?? settings.eta);
    this.alpha = this.spread("alpha", alpha ?? settings.alpha);
    const { train, test } = divided(digits, settings.seed);
    const most = Math.min(1000, train.index.length);
    whole("batch_size", settings.batch_size, 1, most);
    this.test = test;
    this.feed = new Feed(train, settings.batch_size, settings.seed);
    this.stepsPerEpoch = this.feed.steps;
    this.total = settings.epochs * this.stepsPerEpoch;
    this.every = Math.max(1, Math.floor(this.stepsPerEpoch / 50));
    this.testEvery = 5 * this.every;
    const { network, hidden, rule, seed } = settings;
    /** @type {State} */
    this.state = initialState(network, hidden, rule, new Array(this.replicas).fill(seed));
    this.step = 0;
    /** @type {[number, number, number][]} */
    this.moves = [];
    /** @type {Line[]} */
    this.records = [];
    this.planned = planned.map((move) => /** @type {[number, number, number]} */ ([...move]));
    this.diverged = new Array(this.replicas).fill(-1);
    this.pace = 1;
    this.stride = 1;
    this.clear();
    /** @type {Map<number, any>} */
    this.kept = new Map([[0, this.moment()]]);
    this.takePlanned();
  }

  /** Parameters of one network. */
  get parameters() {
    return Object.entries(this.state).filter(([name]) => name.startsWith("params."))
      .reduce((sum, [, tensor]) => sum + tensor.data.length / this.replicas, 0);
  }

  get isOver() {
    return this.step >= this.total || this.diverged.every((at) => at >= 0);
  }

  /** Steps that one can go back to. */
  get moments() {
    return [...this.kept.keys()].sort((a, b) => a - b);
  }

  /** Loads the graphs. */
  open() {
    const { network, rule, hidden, batch_size: batch } = this.settings;
    return this.runner.open({ network, rule, hidden, replicas: this.replicas, batch });
  }

  /**
   * Trains a slice: not past `until`, an epoch, the next record or the next planned move.
   * @param {number} until
   * @returns {Promise<{record: Line|null, moved: boolean}>}
   */
  async advance(until) {
    const { step, every, stepsPerEpoch } = this;
    const toEpoch = step + stepsPerEpoch - (step % stepsPerEpoch);
    let stop = Math.min(until, this.total, step + every - (step % every), toEpoch);
    if (this.planned.length) stop = Math.min(stop, this.planned[0][0]);
    const most = Math.max(1, Math.floor(AT_ONCE / this.settings.batch_size));
    const count = Math.min(stop - step, this.pace, most);
    const began = this.now();
    const { state, seen } = await this.runner.advance(
      this.state, this.feed.part, this.feed.picks(step, count), {
        eta: Float32Array.from(this.eta), alpha: Float32Array.from(this.alpha),
        loss: LOSSES.indexOf(this.settings.loss), steps: count,
      });
    const quicker = SLICE / Math.max(this.now() - began, 0.01);
    this.pace = Math.max(1, Math.floor(count * Math.min(quicker, 4)));
    this.state = state;
    this.take(seen, count);
    this.step += count;
    let record = null;
    if (this.step % every === 0 || this.step === this.total) record = await this.record();
    return { record, moved: this.takePlanned() };
  }

  /**
   * Gives η and α for the next step; what is planned is dropped.
   * @param {unknown} eta @param {unknown} alpha each a number, or one of each replica
   * @returns {boolean} whether anything changed
   */
  set(eta, alpha) {
    const [newEta, newAlpha] = [this.spread("eta", eta), this.spread("alpha", alpha)];
    const same = newEta.every((v, r) => v === this.eta[r])
      && newAlpha.every((v, r) => v === this.alpha[r]);
    this.planned = [];
    if (same) return false;
    this.eta = newEta;
    this.alpha = newAlpha;
    this.note();
    return true;
  }

  /** Moves the run's end, never before the present step. @param {number} epochs */
  extend(epochs) {
    whole("epochs", epochs, 1, 100);
    this.settings.epochs = epochs;
    this.total = Math.max(this.step, epochs * this.stepsPerEpoch);
  }

  /**
   * Goes back to the kept moment nearest to a step; what came after is forgotten.
   * @param {number} step
   * @returns {number} the moment's step
   */
  rewind(step) {
    const at = this.moments.reduce((a, b) => (Math.abs(b - step) < Math.abs(a - step) ? b : a));
    const moment = this.kept.get(at);
    Object.assign(this, { step: at, state: moment.state, eta: moment.eta, alpha: moment.alpha });
    this.diverged = [...moment.diverged];
    this.planned = [];
    for (const later of this.moments) if (later > at) this.kept.delete(later);
    this.records = this.records.filter((record) => record.step <= at);
    this.moves = this.moves.filter((move) => move[0] < at);
    this.clear();
    return at;
  }

  /** @param {string} name @param {unknown} value @returns {number[]} */
  spread(name, value) {
    const given = Array.isArray(value) ? value : new Array(this.replicas).fill(value);
    if (given.length !== this.replicas) {
      throw new Error(`${name} must be one number or ${this.replicas}, got ${given.length}`);
    }
    return given.map((v) => checkDial(name, v, this.settings.rule));
  }

  clear() {
    this.since = 0;
    this.lossSum = new Float64Array(this.replicas);
    this.rightSum = new Float64Array(this.replicas);
  }

  /** @param {Seen} seen @param {number} count */
  take(seen, count) {
    const R = this.replicas;
    for (let t = 0; t < count; t++) {
      for (let r = 0; r < R; r++) {
        this.lossSum[r] += seen.loss[t * R + r];
        this.rightSum[r] += seen.accuracy[t * R + r];
        if (!seen.finite[t * R + r] && this.diverged[r] < 0) this.diverged[r] = this.step + t + 1;
      }
    }
    this.since += count;
  }

  async record() {
    const { step, since, eta, alpha } = this;
    const tested = step % this.testEvery === 0 || step === this.total;
    const record = {
      step, epoch: step / this.stepsPerEpoch,
      loss: Array.from(this.lossSum, (sum) => sum / since),
      train_accuracy: Array.from(this.rightSum, (sum) => sum / since),
      test_accuracy: tested ? await this.tested() : null,
      eta, alpha,
    };
    this.clear();
    this.records.push(record);
    const finite = this.diverged.every((at) => at < 0) || this.replicas > 1;
    if (finite && Math.floor(step / this.every) % this.stride === 0) this.keep();
    return record;
  }

  keep() {
    this.kept.set(this.step, this.moment());
    const bytes = Object.values(this.state).reduce((sum, { data }) => sum + data.byteLength, 0);
    const most = Math.max(2, Math.min(KEPT, Math.floor(KEPT_BYTES / bytes)));
    while (this.kept.size > most) {
      this.stride *= 2;
      const apart = this.stride * this.every;
      for (const step of this.moments) if (step % apart !== 0) this.kept.delete(step);
    }
  }

  moment() {
    const { step, state, eta, alpha, diverged } = this;
    return { step, state, eta, alpha, diverged: [...diverged] };
  }

  /** Keeps a move; at step 0 it is what the run begins with, and no move. */
  note() {
    if (this.step === 0) {
      if (this.replicas === 1) {
        [this.settings.eta] = this.eta;
        [this.settings.alpha] = this.alpha;
      }
      this.kept.set(0, this.moment());
      return;
    }
    this.moves = this.moves.filter(([step]) => step < this.step);
    this.moves.push([this.step, this.eta[0], this.alpha[0]]);
  }

  /** Makes the moves that were planned for this step. */
  takePlanned() {
    let moved = false;
    while (this.planned?.length && this.planned[0][0] <= this.step) {
      const [, eta, alpha] = /** @type {[number, number, number]} */ (this.planned.shift());
      this.eta = this.spread("eta", eta);
      this.alpha = this.spread("alpha", alpha);
      this.note();
      moved = true;
    }
    return moved;
  }

  /** Logits of the test digits, (R · M · 10), computed once a state. */
  async logits() {
    if (this.judged?.state !== this.state) {
      const { images, index } = this.test;
      const logits = await this.runner.classify(this.state, images, index);
      this.judged = { state: this.state, logits };
    }
    return this.judged.logits;
  }

  /** Share of the test digits that each replica gets right. */
  async tested() {
    const { labels, index } = this.test;
    const [logits, M] = [await this.logits(), index.length];
    return Array.from({ length: this.replicas }, (_, r) => {
      let right = 0;
      for (let m = 0; m < M; m++) {
        right += Number(likeliest(logits, (r * M + m) * 10) === labels[index[m]]);
      }
      return Math.fround(right / M);
    });
  }
}

/**
 * The likeliest class, or −1 where it is not finite.
 * @param {Float32Array} logits @param {number} from where its ten begin
 */
export function likeliest(logits, from) {
  let best = 0;
  for (let k = 0; k < 10; k++) {
    const z = logits[from + k];
    if (z !== z) return -1;
    if (z > logits[from + best]) best = k;
  }
  return Number.isFinite(logits[from + best]) ? best : -1;
}
