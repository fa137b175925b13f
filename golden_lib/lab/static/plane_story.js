// @ts-check
// What the engine has told of a plane so far. Plain data and pure bookkeeping: no page, no engine.

/** @typedef {import("./plane_settings.js").Plane} Plane */
/**
 * @typedef {{plane: Plane, columns: Record<string, any[]>, diverged: number[], step: number,
 *   running: boolean, ready: any, moments: number[], speed: number}} PlaneStory
 */

/** What a cell can be coloured by; less is better for the loss. */
export const METRICS = {
  test_accuracy: { label: "test accuracy", share: true },
  train_accuracy: { label: "training accuracy", share: true },
  loss: { label: "loss", share: false },
};

const RECORDED = ["step", "epoch", ...Object.keys(METRICS)];

/** A plane of which nothing is known but its settings. @param {Plane} plane @returns {PlaneStory} */
export function newPlaneStory(plane) {
  return {
    plane: { ...plane }, columns: Object.fromEntries(RECORDED.map((name) => [name, []])),
    diverged: new Array(plane.cells ** 2).fill(-1), step: 0, running: false, ready: null,
    moments: [], speed: 0,
  };
}

const planeHearing = {
  records(story, { columns, steps_per_second: speed }) {
    if (!columns.step.length) return;
    const kept = story.columns.step.findIndex((at) => at >= columns.step[0]);
    for (const name of RECORDED) {
      if (kept >= 0) story.columns[name].length = kept;
      story.columns[name].push(...columns[name]);
    }
    story.step = Math.max(story.step, columns.step[columns.step.length - 1]);
    story.speed = speed ?? story.speed;
  },
  running(story, { running, step }) {
    story.running = running;
    story.step = step ?? story.step;
  },
  diverged(story, { step, replica }) {
    if (replica in story.diverged) story.diverged[replica] = step;
  },
};

/**
 * Takes an event into the story.
 * @param {PlaneStory} story changed in place
 * @param {any} event
 * @param {Plane} asked the plane that the engine was last asked for
 * @returns {boolean} whether it was one that belongs to a plane
 */
export function hearPlane(story, event, asked) {
  if (event.type === "ready") {
    Object.assign(story, newPlaneStory(planeOf(event, asked)), { ready: event });
    return true;
  }
  if (event.type === "state") {
    if (!event.ready) return true;
    Object.assign(story, newPlaneStory(planeOf(event.ready, asked)), { ready: event.ready });
    if (event.records) planeHearing.records(story, { columns: event.records });
    planeHearing.running(story, event);
    if (event.diverged) story.diverged = [...event.diverged];
    return true;
  }
  if (!Object.hasOwn(planeHearing, event.type)) return false;
  planeHearing[event.type](story, event);
  return true;
}

/** The plane that an engine holds: the cells that it names, or those that it was asked for. */
function planeOf({ settings, eta, alpha }, asked) {
  if (!Array.isArray(eta)) return asked;
  const ends = (values) => /** @type {[number, number]} */ ([values[0], values[values.length - 1]]);
  return { ...settings, eta: ends(eta), alpha: ends(alpha), cells: Math.sqrt(eta.length) };
}

/** Steps at the plane's end; 0 where nobody knows yet how many an epoch has. */
export const planeTotal = (story) =>
  (story.ready ? story.plane.epochs * story.ready.steps_per_epoch : 0);

/** Whether there is nothing left to train. */
export const isPlaneOver = (story) => story.diverged.every((at) => at >= 0)
  || (story.ready !== null && story.step >= planeTotal(story));

/**
 * What each cell came to by a metric: its last measurement; null where it has diverged or there is
 * none.
 * @param {PlaneStory} story @param {string} metric @returns {(number | null)[]}
 */
export function latestOf(story, metric) {
  const rows = story.columns[metric];
  let at = rows.length - 1;
  while (at >= 0 && !rows[at]?.some?.((value) => value !== null)) at -= 1;
  return story.diverged.map((gone, cell) => (at < 0 || gone >= 0 ? null : rows[at][cell]));
}

/** The best cell by a metric, or −1 where nothing was measured. */
export function bestOf(values, metric) {
  let best = -1;
  values.forEach((value, cell) => {
    if (value === null) return;
    const sign = METRICS[metric].share ? 1 : -1;
    if (best < 0 || sign * value > sign * values[best]) best = cell;
  });
  return best;
}

/**
 * The records of one cell, as those of a run.
 * @param {PlaneStory} story @param {number} cell @param {{eta: number[], alpha: number[]}} pairs
 */
export function columnsOfCell(story, cell, pairs) {
  const { step, epoch } = story.columns;
  const columns = { step, epoch };
  for (const name of Object.keys(METRICS)) {
    columns[name] = story.columns[name].map((row) => row?.[cell] ?? null);
  }
  return { ...columns, eta: step.map(() => pairs.eta[cell]), alpha: step.map(() => pairs.alpha[cell]) };
}

/** The plane as CSV, one line a cell. @param {PlaneStory} story @param {any} pairs */
export function csvOfPlane(story, pairs) {
  const names = Object.keys(METRICS);
  const values = names.map((name) => latestOf(story, name));
  const lines = [["eta", "alpha", "step", ...names, "diverged"].join(",")];
  story.diverged.forEach((gone, cell) => {
    const said = values.map((of) => of[cell] ?? "");
    lines.push([pairs.eta[cell], pairs.alpha[cell], story.step, ...said, gone < 0 ? "" : gone].join(","));
  });
  return `${lines.join("\n")}\n`;
}
