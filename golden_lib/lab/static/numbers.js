// @ts-check
/**
 * The random numbers of the library, bit for bit: PyTorch's initial weights, NumPy's raw bits, and
 * the orders that `golden_lib.data.draws` and `golden_lib.training.feed` make of them.
 *
 * PyTorch and NumPy are followed as published: MT19937 (Matsumoto & Nishimura 1998) with torch's
 * 24 bits of each word, NumPy's SeedSequence, and PCG64 (XSL-RR, 128 bits of state; O'Neill 2014).
 */

/** The stream of `golden_lib.data.draws` that tells test digits from training digits. */
const SPLIT_STREAM = 4;

/** Pixels of an image, and its classes. */
export const PIXELS = 784;
export const CLASSES = 10;
const FILTERS = 20;
const TAPS = 25;
const HEAD_INPUTS = 20 * 24 * 24;

const MT_WORDS = 624;
const MT_SHIFT = 397;

/**
 * MT19937 as torch seeds it.
 * @param {number} seed 0 … 2³² − 1
 * @returns {() => number} the next word, 0 … 2³² − 1
 */
export function mersenneTwister(seed) {
  const words = new Uint32Array(MT_WORDS);
  words[0] = seed;
  for (let i = 1; i < MT_WORDS; i++) {
    words[i] = Math.imul(1812433253, words[i - 1] ^ (words[i - 1] >>> 30)) + i;
  }
  let at = MT_WORDS;
  function turn() {
    for (let i = 0; i < MT_WORDS; i++) {
      const next = words[i + 1 === MT_WORDS ? 0 : i + 1];
      const mixed = (words[i] & 0x80000000) | (next & 0x7fffffff);
      const far = i + MT_SHIFT;
      const twist = (mixed >>> 1) ^ (next & 1 ? 0x9908b0df : 0);
      words[i] = words[far < MT_WORDS ? far : far - MT_WORDS] ^ twist;
    }
    at = 0;
  }
  return () => {
    if (at === MT_WORDS) turn();
    let y = words[at++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  };
}

/**
 * Draw as `torch.Tensor.uniform_(-bound, bound)` does in float32.
 *
 * torch computes x · 2b − b with x of 24 bits, in a fused step. Here x · 2b − b is a multiple of
 * 2⁻⁴⁷ of the bound's power of two, so a double holds it exactly, and rounding it once is the same.
 * @param {() => number} words
 * @param {Float32Array} out filled in order
 * @param {number} bound
 */
export function fillUniform(words, out, bound) {
  const from = Math.fround(-bound);
  const range = Math.fround(Math.fround(bound) - from);
  for (let i = 0; i < out.length; i++) {
    out[i] = ((words() & 0xffffff) / 0x1000000) * range + from;
  }
}

/** @typedef {{shape: number[], data: Float32Array}} Named */

/**
 * The shapes of a network's parameters and buffers, without R, in the library's order.
 * @param {"cnn"|"mlp"} network
 * @param {number} hidden H, of the MLP
 * @returns {{drawn: [string, number[], number][], ones: [string, number[]][],
 *   zeros: [string, number[]][], buffers: [string, number[], number][]}}
 *   drawn: name, shape, number of inputs; buffers: name, shape, value at the start
 */
export function layout(network, hidden) {
  if (network === "mlp") {
    return {
      drawn: [
        ["hidden.weight", [hidden, PIXELS], PIXELS],
        ["output.weight", [CLASSES, hidden], hidden],
      ],
      ones: [], zeros: [], buffers: [],
    };
  }
  return {
    drawn: [
      ["conv.weight", [FILTERS, 1, 5, 5], TAPS],
      ["conv.bias", [FILTERS], TAPS],
      ["head.weight", [CLASSES, HEAD_INPUTS], HEAD_INPUTS],
      ["head.bias", [CLASSES], HEAD_INPUTS],
    ],
    ones: [["norm.weight", [FILTERS]]],
    zeros: [["norm.bias", [FILTERS]]],
    buffers: [["norm.running_mean", [FILTERS], 0], ["norm.running_var", [FILTERS], 1]],
  };
}

/**
 * The state of R networks before the first step, as `golden_lib.training.start` draws it.
 * @param {"cnn"|"mlp"} network
 * @param {number} hidden
 * @param {string} rule a name in the library's RULES
 * @param {number[]} seeds one a network
 * @returns {Record<string, Named>} "params.…", "buffers.…" and "memory.…" by their names
 */
export function initialState(network, hidden, rule, seeds) {
  const plan = layout(network, hidden);
  const R = seeds.length;
  /** @type {Record<string, Named>} */
  const state = {};
  /** @param {string} name @param {number[]} shape @param {number} value */
  const add = (name, shape, value) => {
    const size = shape.reduce((a, b) => a * b, R);
    state[name] = { shape: [R, ...shape], data: new Float32Array(size).fill(value) };
  };
  for (const [name, shape] of plan.drawn) add(`params.${name}`, shape, 0);
  seeds.forEach((seed, r) => {
    const words = mersenneTwister(seed);
    for (const [name, , inputs] of plan.drawn) {
      const { data } = state[`params.${name}`];
      const size = data.length / R;
      fillUniform(words, data.subarray(r * size, (r + 1) * size), 1 / Math.sqrt(inputs));
    }
  });
  for (const [name, shape] of plan.ones) add(`params.${name}`, shape, 1);
  for (const [name, shape] of plan.zeros) add(`params.${name}`, shape, 0);
  for (const [name, shape, value] of plan.buffers) add(`buffers.${name}`, shape, value);
  const names = Object.keys(state).filter((name) => name.startsWith("params."));
  const parts = { delta: ["delta"], nesterov: ["delta"], adam: ["first", "second"] }[rule] ?? [];
  for (const part of parts) {
    for (const name of names) {
      add(`memory.${part}.${name.slice("params.".length)}`, state[name].shape.slice(1), 0);
    }
  }
  if (rule === "adam") for (const part of parts) add(`memory.weight.${part}`, [], 0);
  return state;
}

const POOL = 4;

/**
 * NumPy's `SeedSequence(entropy, spawn_key=(key,)).generate_state(8)`.
 * @param {number} entropy 0 … 2³² − 1
 * @param {number} key 0 … 2³² − 1
 * @returns {Uint32Array} 8 words
 */
export function seedSequence(entropy, key) {
  // With a key the entropy is filled up to the pool's size, so that the two cannot be confused.
  const given = [entropy, 0, 0, 0, key];
  const pool = new Uint32Array(POOL);
  let hash = 0x43b0d7e5;
  /** @param {number} value */
  const mixed = (value) => {
    value ^= hash;
    hash = Math.imul(hash, 0x931e8875);
    value = Math.imul(value, hash);
    return (value ^ (value >>> 16)) >>> 0;
  };
  /** @param {number} x @param {number} y */
  const joined = (x, y) => {
    const both = (Math.imul(0xca01f9dd, x) - Math.imul(0x4973f715, y)) >>> 0;
    return (both ^ (both >>> 16)) >>> 0;
  };
  for (let i = 0; i < POOL; i++) pool[i] = mixed(given[i]);
  for (let source = 0; source < POOL; source++) {
    for (let to = 0; to < POOL; to++) {
      if (source !== to) pool[to] = joined(pool[to], mixed(pool[source]));
    }
  }
  for (let to = 0; to < POOL; to++) pool[to] = joined(pool[to], mixed(given[POOL]));
  const out = new Uint32Array(8);
  hash = 0x8b51f9dd;
  for (let i = 0; i < out.length; i++) {
    let value = pool[i % POOL] ^ hash;
    hash = Math.imul(hash, 0x58f38ded);
    value = Math.imul(value, hash);
    out[i] = value ^ (value >>> 16);
  }
  return out;
}

// 0x2360ed051fc65da44385df649fccf645 in 16-bit limbs, the least first.
const MULTIPLIER = [0xf645, 0x9fcc, 0xdf64, 0x4385, 0x5da4, 0x1fc6, 0xed05, 0x2360];
const LIMBS = 8;

/**
 * NumPy's `PCG64(SeedSequence(seed, spawn_key=(key,))).random_raw(n)`.
 * @param {number} seed
 * @param {number} key
 * @param {number} n
 * @returns {{high: Uint32Array, low: Uint32Array}} the halves of n words of 64 bits
 */
export function rawBits(seed, key, n) {
  const words = seedSequence(seed, key);
  // NumPy takes four 64-bit words, low half first; the first of a pair is the high one.
  const state = new Float64Array(LIMBS);
  const start = new Float64Array(LIMBS);
  const increment = new Float64Array(LIMBS);
  const order = [2, 3, 0, 1];
  for (let i = 0; i < 4; i++) {
    start[2 * i] = words[order[i]] & 0xffff;
    start[2 * i + 1] = words[order[i]] >>> 16;
    increment[2 * i] = words[4 + order[i]] & 0xffff;
    increment[2 * i + 1] = words[4 + order[i]] >>> 16;
  }
  let carry = 1; // the increment is made odd: 2 i + 1
  for (let i = 0; i < LIMBS; i++) {
    const sum = 2 * increment[i] + carry;
    increment[i] = sum & 0xffff;
    carry = sum >>> 16;
  }
  const product = new Float64Array(LIMBS);
  const move = () => {
    let over = 0;
    for (let i = 0; i < LIMBS; i++) {
      let sum = increment[i] + over;
      for (let j = 0; j <= i; j++) sum += state[j] * MULTIPLIER[i - j];
      over = Math.floor(sum / 0x10000);
      product[i] = sum - over * 0x10000;
    }
    state.set(product);
  };
  move();
  carry = 0;
  for (let i = 0; i < LIMBS; i++) {
    const sum = state[i] + start[i] + carry;
    state[i] = sum & 0xffff;
    carry = sum >>> 16;
  }
  move();
  const high = new Uint32Array(n);
  const low = new Uint32Array(n);
  for (let i = 0; i < n; i++) {
    move();
    let hi = (state[7] ^ state[3]) * 0x10000 + (state[6] ^ state[2]);
    let lo = (state[5] ^ state[1]) * 0x10000 + (state[4] ^ state[0]);
    const turn = state[7] >>> 10;
    if (turn >= 32) [hi, lo] = [lo, hi];
    const by = turn & 31;
    high[i] = by ? (hi >>> by) | (lo << (32 - by)) : hi;
    low[i] = by ? (lo >>> by) | (hi << (32 - by)) : lo;
  }
  return { high, low };
}

/**
 * The order of n random keys: `golden_lib.data.draws.permutation`, and the feed's order of an epoch.
 * @param {number} n
 * @param {number} seed
 * @param {number} key a stream, or an epoch
 * @returns {Uint32Array}
 */
export function permutation(n, seed, key) {
  const { high, low } = rawBits(seed, key, n);
  let from = new Uint32Array(n).map((_, i) => i);
  let to = new Uint32Array(n);
  const counts = new Uint32Array(0x10001);
  // Radix sort by 16 bits at a time keeps equal keys in order, as NumPy's stable sort does.
  for (const [half, shift] of /** @type {[Uint32Array, number][]} */ (
    [[low, 0], [low, 16], [high, 0], [high, 16]])) {
    counts.fill(0);
    for (let i = 0; i < n; i++) counts[((half[i] >>> shift) & 0xffff) + 1]++;
    for (let d = 0; d < 0x10000; d++) counts[d + 1] += counts[d];
    for (let i = 0; i < n; i++) to[counts[(half[from[i]] >>> shift) & 0xffff]++] = from[i];
    [from, to] = [to, from];
  }
  return from;
}

/**
 * Which of n samples train and which test, as `golden_lib.data.split`.
 * @param {number} n
 * @param {number} test how many test
 * @param {number} seed
 * @returns {{train: Uint32Array, test: Uint32Array}}
 */
export function split(n, test, seed) {
  const order = permutation(n, seed, SPLIT_STREAM);
  return { train: order.slice(test), test: order.slice(0, test) };
}

/**
 * The images of an epoch in the order that they come, as `golden_lib.training.feed.Feed.order`.
 * @param {Uint32Array} index those that train
 * @param {number} seed
 * @param {number} epoch from 0
 * @returns {Uint32Array}
 */
export function epochOrder(index, seed, epoch) {
  return permutation(index.length, seed, epoch).map((i) => index[i]);
}
