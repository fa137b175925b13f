// @ts-check
// The words: what a run has come to, for the eye, for a screen reader, and for print.
import { counted, isDial, percent, shown } from "./settings.js";
import { lastOf } from "./story.js";

/** How a rule calls its η. */
const etaOf = (table, rule) => (table.rules[rule] === "dlr" ? "η₀" : "η");

const networkOf = ({ network, hidden }) =>
  network === "cnn" ? "The CNN" : `The MLP with ${hidden} units`;

/**
 * What a run came to, in words; Python's still.py says the same in print.
 * @param {import("./settings.js").Table} table
 * @param {import("./story.js").Story} story
 */
export function sentenceOf(table, story) {
  const { settings, columns, moves } = story;
  const network = networkOf(settings);
  const parts = [];
  if (!columns.step.length) {
    parts.push(`${network} is untrained.`);
  } else {
    const step = columns.step[columns.step.length - 1];
    const epochs = shown(columns.epoch[columns.epoch.length - 1]);
    const after = `after ${counted(step)} steps (${epochs} epoch${epochs === "1" ? "" : "s"})`;
    const tested = lastOf(columns, "test_accuracy");
    const first = columns.loss.find((loss) => loss !== null);
    const loss = lastOf(columns, "loss");
    if (story.diverged !== null) {
      parts.push(`${network} diverged at step ${counted(story.diverged)}: `
        + "the loss is no longer finite.");
    } else if (tested !== undefined) {
      parts.push(`${network} gets ${percent(tested)} of ${counted(story.ready.test_images)} test `
        + `digits right ${after}; its loss went from ${shown(first)} to ${shown(loss)}.`);
    } else {
      parts.push(`${network}’s loss is ${shown(loss)} ${after}.`);
    }
  }
  const { fields } = table;
  const eta = etaOf(table, settings.rule);
  parts.push(`Loss: ${fields.loss.choices[settings.loss]}; `
    + `rule: ${fields.rule.choices[settings.rule]}, ${eta} = ${shown(settings.eta)}, `
    + `α = ${shown(settings.alpha)}; ${fields.data.choices[settings.data]}, `
    + `batch size ${settings.batch_size}, seed ${settings.seed}.`);
  if (moves.length) {
    const times = moves.length === 1 ? "once" : `${counted(moves.length)} times`;
    parts.push(`${eta} and α were moved ${times} on the way.`);
  }
  return parts.join(" ");
}

/** What is wrong with a run that diverged, and what helps. */
export function divergence(table, story) {
  const eta = etaOf(table, story.settings.rule);
  return `diverged at step ${counted(story.diverged)}: the loss is no longer finite; `
    + `lower ${eta} or α`;
}

/** Where a run is, in few words. */
export function position(story, total) {
  const step = `step ${counted(story.step)}${total ? ` of ${counted(total)}` : ""}`;
  return story.running && story.speed ? `${step}, ${counted(rounded(story.speed))} steps/s` : step;
}

const rounded = (value) => (value < 10 ? Number(value.toPrecision(2)) : Math.round(value));

/** What a screen reader hears when a run pauses: short. */
export function arrival(table, story) {
  if (story.diverged !== null) return divergence(table, story);
  const tested = lastOf(story.columns, "test_accuracy");
  const said = tested === undefined ? "" : `, ${percent(tested)} of the test digits right`;
  return `Stopped at step ${counted(story.step)}${said}.`;
}

/** How a pinned run differs from the settings of now. */
export function difference(table, settings, pinned) {
  const words = [];
  for (const [name, field] of Object.entries(table.fields)) {
    if (settings[name] === pinned[name]) continue;
    if (name === "hidden" && pinned.network !== "mlp") continue;
    const label = isDial(name) ? (name === "eta" ? etaOf(table, pinned.rule) : "α") : field.label;
    words.push(`${label} ${field.choices?.[pinned[name]] ?? shown(pinned[name])}`);
  }
  return words.length ? words.join(", ") : "the same settings";
}

/** A race in a sentence: both runs at the last step that both have tested. */
export function raceSentence(table, story, pinned) {
  const unfair = ["seed", "data", "batch_size"].filter(
    (name) => story.settings[name] !== pinned.settings[name]);
  const here = testedAt(story.columns);
  const there = testedAt(pinned.columns);
  const common = [...here.keys()].filter((step) => there.has(step)).pop();
  const parts = [`Pinned: ${difference(table, story.settings, pinned.settings)}.`];
  if (unfair.length) {
    const names = unfair.map((name) => table.fields[name].label.toLowerCase()).join(" and ");
    parts.push(`Another ${names}: the two do not see the same batches.`);
  } else if (common !== undefined && story.columns.step.length) {
    parts.push(`At step ${counted(common)} this run has ${percent(here.get(common))} of the test `
      + `digits right, the pinned one ${percent(there.get(common))}.`);
  }
  return parts.join(" ");
}

function testedAt(columns) {
  return new Map(columns.step
    .map((step, k) => /** @type {[number, number]} */ ([step, columns.test_accuracy[k]]))
    .filter(([, share]) => share !== null));
}

/** Messages about a link: the first few, and how many more. */
export function fewOf(messages, most = 4) {
  const more = messages.length - most;
  const kept = messages.slice(0, most);
  return more > 0 ? [...kept, `and ${more} more of this kind`] : kept;
}
