"""How fast the lab's engine trains in Chromium: ``python -m tests.benchmarks.lab [seconds]``.

Each workload runs in the page's own worker, on one WASM thread, for some seconds; of the speeds in
each fifth of a second after the first the median and the best are printed, with the rounds' number.
"""

import os
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from golden_lib.data import load

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "browser"))

from chrome import FLAGS, chromium  # noqa: E402
from test_lab_engine import engine_page  # noqa: E402

MLP = {"network": "mlp", "loss": "logistic_sse", "rule": "dlr", "batch_size": 1}
WORKLOADS = {
    "cnn, batch 128, energy, delta": ({}, 1),
    "cnn, batch 128, cross_entropy, adam": ({"loss": "cross_entropy", "rule": "adam"}, 1),
    "mlp 784-100-10 online, logistic_sse, dlr": ({**MLP, "hidden": 100}, 1),
    "mlp 784-100-10 online, logistic_sse, delta": ({**MLP, "hidden": 100, "rule": "delta"}, 1),
    "mlp 784-100-10 online, energy, dlr": ({**MLP, "hidden": 100, "loss": "energy"}, 1),
    "mlp 784-30-10 online, logistic_sse, dlr": ({**MLP, "hidden": 30}, 1),
    "mlp 784-30-10 online, logistic_sse, delta": ({**MLP, "hidden": 30, "rule": "delta"}, 1),
    "64 mlps 784-30-10, batch 32, energy, delta": (
        {**MLP, "hidden": 30, "rule": "delta", "loss": "energy", "batch_size": 32},
        64,
    ),
}
MEASURE = """async ([settings, replicas, seconds]) => {
  const began = performance.now();
  const engine = await open();
  const eta = replicas > 1 ? new Array(replicas).fill(settings.eta) : undefined;
  const alpha = eta?.map(() => settings.alpha);
  const start = { type: "start", settings, moves: [], eta, alpha };
  await engine.ask(start, (e) => e.type === "ready");
  const first = performance.now() - began;
  const marks = [];
  engine.worker.addEventListener("message", ({ data }) => {
    if (data.type === "records") marks.push([performance.now(), data.columns.step.at(-1)]);
  });
  engine.post({ type: "run", until: null });
  await new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
  engine.close();
  const speeds = [];
  let last = marks[1];
  for (const mark of marks.slice(2)) {
    if (mark[0] - last[0] < 200) continue;
    speeds.push((1000 * (mark[1] - last[1])) / (mark[0] - last[0]));
    last = mark;
  }
  return [first, speeds.sort((a, b) => a - b)];
}"""


def main() -> None:
    """Measure every workload and print a line for each."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 5
    with (
        tempfile.TemporaryDirectory() as name,
        sync_playwright() as playwright,
        playwright.chromium.launch(executable_path=chromium(), args=list(FLAGS)) as browser,
        engine_page(browser, Path(name), load("digits")) as page,
    ):
        base = {"network": "cnn", "loss": "energy", "rule": "delta", "data": "digits"}
        base |= {"hidden": 30, "batch_size": 128, "seed": 0, "epochs": 100}
        for label, (more, replicas) in WORKLOADS.items():
            settings = base | more
            dlr = settings["rule"] == "dlr"
            settings |= {"eta": 0.35, "alpha": 1.0} if dlr else {"eta": 0.0016, "alpha": 0.874}
            ready, speeds = page.evaluate(MEASURE, [settings, replicas, seconds])
            middle, best, n = speeds[len(speeds) // 2], speeds[-1], len(speeds)
            load_now = os.getloadavg()[0]
            print(
                f"{label}: {middle:,.0f} steps/s (best {best:,.0f}, n = {n}), "
                f"{middle * settings['batch_size']:,.0f} samples/s; "
                f"ready in {ready:.0f} ms; load {load_now:.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
