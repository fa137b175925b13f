// @ts-check
// What the engine has told of a run so far. Plain data and pure bookkeeping: no page, no engine.

/**
 * @typedef {import("./settings.js").Settings} Settings
 * @typedef {import("./settings.js").Move} Move
 * @typedef {{settings: Settings, eta: number, alpha: number, columns: Record<string, any[]>,
 *   moves: Move[], moments: number[], step: number, running: boolean, ready: any,
 *   diverged: number | null, views: Record<string, any>, prediction: any, speed: number}} Story
 */

const COLUMNS = ["step", "epoch", "loss", "train_accuracy", "test_accuracy", "eta", "alpha"];

const noColumns = () => Object.fromEntries(COLUMNS.map((name) => [name, []]));

/**
 * A run of which nothing is known but its settings.
 * @param {Settings} settings @returns {Story}
 */
export function newStory(settings) {
  return {
    settings: { ...settings }, eta: settings.eta, alpha: settings.alpha, columns: noColumns(),
    moves: [], moments: [], step: 0, running: false, ready: null, diverged: null, views: {},
    prediction: null, speed: 0,
  };
}

/** Steps at the run's end; 0 where nobody knows yet how many an epoch has. */
export function totalOf(story) {
  return story.ready ? story.settings.epochs * story.ready.steps_per_epoch : 0;
}

/** Whether there is nothing left to train. */
export function isOver(story) {
  return story.diverged !== null || (story.ready !== null && story.step >= totalOf(story));
}

/** Drops records from a step on: they are told again, or were taken back. */
function dropFrom(columns, step) {
  const kept = columns.step.findIndex((at) => at >= step);
  if (kept >= 0) for (const name of COLUMNS) columns[name].length = kept;
}

const hearing = {
  ready(story, event) {
    const { type, arrays, ...ready } = event;
    Object.assign(story, newStory(event.settings), { ready });
  },
  records(story, { columns, steps_per_second: speed }) {
    if (!columns.step.length) return;
    dropFrom(story.columns, columns.step[0]);
    for (const name of COLUMNS) story.columns[name].push(...columns[name]);
    story.step = Math.max(story.step, columns.step[columns.step.length - 1]);
    story.speed = speed ?? story.speed;
  },
  engine() {}, // who computes is no part of the story: a view alone hears of it
  running(story, { running, step }) {
    story.running = running;
    story.step = step ?? story.step;
  },
  moved(story, { step, eta, alpha }) {
    Object.assign(story, { eta, alpha });
    if (step === 0) {
      story.settings = { ...story.settings, eta, alpha };
      return;
    }
    while (story.moves.length && story.moves[story.moves.length - 1][0] >= step) story.moves.pop();
    story.moves.push([step, eta, alpha]);
  },
  moments(story, { steps }) {
    story.moments = steps;
  },
  rewound(story, { step, eta, alpha }) {
    dropFrom(story.columns, step + 1);
    story.moves = story.moves.filter(([at]) => at < step);
    const [, before, other] = story.moves[story.moves.length - 1]
      ?? [0, story.settings.eta, story.settings.alpha];
    Object.assign(story, { step, diverged: null, eta: eta ?? before, alpha: alpha ?? other });
  },
  view(story, { type, panels, ...view }) {
    const shown = panels ?? Object.keys(view.arrays);
    for (const name of shown) story.views[name] = view;
  },
  prediction(story, event) {
    story.prediction = event;
  },
  diverged(story, { step, replica }) {
    if (!replica) story.diverged = step;
  },
  state(story, event) {
    const { ready, records, moves, moments, running, step, diverged, view, arrays } = event;
    if (!ready) return;
    hearing.ready(story, ready);
    if (records) hearing.records(story, { columns: records.columns ?? records });
    story.moves = (moves ?? []).map((move) => [...move]);
    const last = story.moves[story.moves.length - 1];
    if (last) [, story.eta, story.alpha] = last;
    Object.assign(story, { moments: moments ?? [], running: Boolean(running) });
    story.step = step ?? story.step;
    story.diverged = diverged ?? null;
    if (view) hearing.view(story, { ...view, arrays });
  },
};

/**
 * Takes an event into the story.
 * @param {Story} story changed in place
 * @param {any} event
 * @returns {boolean} whether it was one that belongs to a run
 */
export function hear(story, event) {
  const take = hearing[event.type];
  if (!Object.hasOwn(hearing, event.type)) return false;
  take(story, event);
  return true;
}

/** The last value of a column that was measured; undefined if none was. */
export function lastOf(columns, name) {
  const values = columns[name];
  for (let k = values.length - 1; k >= 0; k--) if (values[k] !== null) return values[k];
  return undefined;
}

/** A run that stays as it is, to race against. */
export function pinnedOf(story) {
  const columns = Object.fromEntries(COLUMNS.map((name) => [name, [...story.columns[name]]]));
  return {
    settings: { ...story.settings }, moves: [...story.moves], step: story.step,
    diverged: story.diverged, columns,
  };
}

/** The curves as CSV, one line a record. */
export function csvOf(runs) {
  const lines = [["run", ...COLUMNS].join(",")];
  for (const { name, columns } of runs) {
    columns.step.forEach((_, k) => {
      lines.push([name, ...COLUMNS.map((column) => columns[column][k] ?? "")].join(","));
    });
  }
  return `${lines.join("\n")}\n`;
}
