"""The page's engine in Chromium, a Blob worker with real assets, held against PyTorch's `train`."""

import base64
import contextlib
import functools
import http.server
import re
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from chrome import PATIENCE

from golden_lib.data import Digits, load
from golden_lib.lab.export import export, tensors_of
from golden_lib.lab.export_files import graphs
from golden_lib.lab.modules import joined
from golden_lib.losses import LOSSES
from golden_lib.nets import NETWORKS, Mlp, find_network
from golden_lib.optim import RULES, dlr_rate
from golden_lib.training import train

RUNTIME = Path(__file__).resolve().parents[2] / "node_modules" / "onnxruntime-web" / "dist"
RUNTIMES = (
    "ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm",
    "ort.webgpu.bundle.min.mjs", "ort-wasm-simd-threaded.asyncify.wasm",
)  # fmt: skip
CLOSE = 1e-4
STEPS = 50
HYPER = {"delta": (0.002, 0.874), "adam": (0.0002, 0.9), "dlr": (0.02, 1.0)}
PAGE = """<!doctype html><title>engine</title><script>
const asset = async (name, kind = "arrayBuffer") => (await fetch(name))[kind]();
async function open(parts = {}) {
  const source = (parts.before ?? "") + await asset("worker.js", "text");
  const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const worker = new Worker(address);
  const events = [];
  const needs = [];
  const hearing = new Set();
  const given = {
    graphs: (name) => asset(name + ".onnx"),
    digits: async () => parts.nothing ? null : {
      images: new Uint8Array(await asset("images.bin")),
      labels: new Uint8Array(await asset("labels.bin")) },
    runtimes: async () => ({ js: await asset("ort.webgpu.bundle.min.mjs", "text"),
      wasm: await asset("ort-wasm-simd-threaded.asyncify.wasm") }),
  };
  worker.onmessage = async ({ data }) => {
    if (data.type === "need") {
      needs.push(data.name);
      const found = await given[data.kind](data.name);
      worker.postMessage(found ? { type: "assets", [data.kind]: { [data.name]: found } }
        : { type: "assets", missing: [data.name] });
      return;
    }
    events.push(data);
    for (const hear of [...hearing]) hear(data);
  };
  const until = (test) => new Promise((resolve, reject) => {
    const hear = (event) => {
      if (!test(event) && event.type !== "error") return;
      hearing.delete(hear);
      if (event.type === "error" && !test(event)) reject(new Error(event.message));
      else resolve(event);
    };
    hearing.add(hear);
  });
  const ask = (message, test) => {
    const answer = until(test);
    worker.postMessage(message);
    return answer;
  };
  const js = parts.js ?? await asset("ort.wasm.bundle.min.mjs", "text");
  const wasm = parts.wasm ?? await asset("ort-wasm-simd-threaded.wasm");
  worker.postMessage({ type: "assets", ort: { js, wasm } });
  return { worker, events, needs, until, ask, post: (message) => worker.postMessage(message),
    close: () => { worker.terminate(); URL.revokeObjectURL(address); } };
}
const ended = (step) => (event) => event.type === "running" && !event.running && event.step >= step;
const rewound = (event) => event.type === "rewound";
const bytes = ({ shape, data }) => {
  const all = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  let text = "";
  for (const byte of all) text += String.fromCharCode(byte);
  return [shape, btoa(text)];
};
const plain = (event) => ({ ...event, arrays: Object.fromEntries(
  Object.entries(event.arrays ?? {}).map(([name, array]) => [name, bytes(array)])) });
</script>"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing about each request."""


@functools.cache
def digits() -> Digits:
    return load("digits", n=1000, seed=2)


@contextlib.contextmanager
def engine_page(browser, folder: Path, images: Digits):
    """A page that can open engines on these images, with all that one may ask for beside it."""
    (folder / "index.html").write_text(PAGE, encoding="utf-8")
    (folder / "worker.js").write_text(joined("worker"), encoding="utf-8")
    for name in RUNTIMES:
        (folder / name).symlink_to(RUNTIME / name)
    for name, arguments in graphs().items():
        (folder / f"{name}.onnx").write_bytes(export(*arguments))
    grey = (images.images * 255).round().to(torch.uint8)
    (folder / "images.bin").write_bytes(grey.numpy().tobytes())
    (folder / "labels.bin").write_bytes(images.labels.to(torch.uint8).numpy().tobytes())
    handler = functools.partial(Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    context = browser.new_context()
    opened = context.new_page()
    opened.set_default_timeout(PATIENCE)
    opened.goto(f"http://127.0.0.1:{server.server_port}/index.html")
    try:
        yield opened
    finally:
        context.close()
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def page(browser, tmp_path_factory):
    with engine_page(browser, tmp_path_factory.mktemp("engine"), digits()) as opened:
        yield opened


def settings(network="mlp", loss="energy", rule="delta", **more) -> dict:
    eta, alpha = HYPER.get(rule.removesuffix("_incoming").replace("nesterov", "delta"))
    batch = 32 if network == "cnn" else 1
    given = {"network": network, "loss": loss, "rule": rule, "data": "digits", "hidden": 30}
    return given | {"batch_size": batch, "seed": 3, "epochs": 4, "eta": eta, "alpha": alpha} | more


def moves_of(given: dict) -> list:
    eta, alpha = given["eta"], given["alpha"]
    return [[13, 2 * eta, alpha / 2], [29, eta / 2, alpha]]


def in_torch(given: dict, moves=(), steps: int = STEPS):
    """The library's own run with the same moves, its records one a step, and its state."""
    network = Mlp(given["hidden"]) if given["network"] == "mlp" else find_network(given["network"])
    run = train(
        network, given["loss"], given["rule"], digits(), eta=given["eta"], alpha=given["alpha"],
        seeds=[given["seed"]], seed=given["seed"], batch_size=given["batch_size"],
        epochs=given["epochs"], every=1, progress=False, device="cpu",
    )  # fmt: skip
    records, moves = [], {step: (eta, alpha) for step, eta, alpha in moves}
    while run.step < steps:
        if run.step in moves:
            run.eta, run.alpha = moves[run.step]
        records.append(next(run))
    return run, records


def array(packed, dtype=np.float32) -> np.ndarray:
    shape, text = packed
    return np.frombuffer(base64.b64decode(text), dtype).reshape(shape)


TRAIN = """async ([settings, moves, steps, name, parts]) => {
  const engine = await open(parts);
  if (name) await engine.ask({ type: "engine", name }, (e) => e.type === "engine");
  const ready = await engine.ask({ type: "start", settings, moves }, (e) => e.type === "ready");
  engine.post({ type: "watch", panels: ["filters", "mistakes", "rates"] });
  await engine.ask({ type: "run", until: steps }, ended(steps));
  const state = await engine.ask({ type: "sync" }, (e) => e.type === "state");
  const image = { shape: [784], data: new Float32Array(784).fill(0.5) };
  const said = await engine.ask({ type: "predict", arrays: { image } },
    (e) => e.type === "prediction");
  engine.close();
  const { needs, events } = engine;
  return { ready: plain(ready), state: plain(state), said: plain(said), needs,
    moved: events.filter((e) => e.type === "moved"),
    engines: events.filter((e) => e.type === "engine").map((e) => e.name),
    errors: events.filter((e) => e.type === "error").map((e) => e.message) };
}"""


def assert_same(page, given: dict, engine: str = "", parts: dict | None = None, steps=STEPS):
    """Train in the page and in PyTorch; return what the page's engine said besides."""
    moves = [move for move in moves_of(given) if move[0] < steps]
    found = page.evaluate(TRAIN, [given, moves, steps, engine, parts or {}])
    run, records = in_torch(given, moves, steps)
    state = found["state"]
    assert state["step"] == steps
    assert state["moves"] == moves
    assert [[m["step"], m["eta"], m["alpha"]] for m in found["moved"]] == moves
    columns = state["records"]
    every = found["ready"]["every"]
    for k, step in enumerate(columns["step"]):
        since = records[step - every : step]
        loss = np.mean([record.loss[0] for record in since])
        right = np.mean([record.train_accuracy[0] for record in since])
        assert columns["loss"][k] == pytest.approx(loss, rel=CLOSE)
        assert columns["train_accuracy"][k] == pytest.approx(right, abs=1e-6)
        if step % found["ready"]["test_every"] == 0:
            tested = records[step - 1].test_accuracy[0]
            assert columns["test_accuracy"][k] == pytest.approx(tested, abs=1.5 / 100)
    filters, wanted = array(state["arrays"]["filters"]), run.filters[0]
    assert np.abs(filters - wanted).max() <= CLOSE * np.abs(wanted).max()
    x = torch.full((1, 28, 28), 0.5)
    logits = run.network.forward(run.state.params, run.state.buffers, x, train=False)[0][0, 0]
    share = logits.sigmoid() if given["loss"] == "logistic_sse" else logits.softmax(-1)
    np.testing.assert_allclose(
        array(found["said"]["arrays"]["probabilities"]), share.numpy(), rtol=1e-3, atol=CLOSE
    )
    return found


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("network", NETWORKS)
def test_fifty_steps_in_the_page_are_pytorchs_for_every_rule(page, network, rule):
    losses = list(LOSSES)
    loss = losses[(list(RULES).index(rule) + 3 * (network == "mlp")) % len(losses)]
    assert_same(page, settings(network, loss, rule))


@pytest.mark.parametrize("loss", LOSSES)
def test_fifty_steps_in_the_page_are_pytorchs_for_every_loss(page, loss):
    assert_same(page, settings("mlp", loss, "dlr", hidden=100))
    assert_same(page, settings("cnn", loss, "delta"))


def test_the_run_goes_through_epochs_in_the_order_of_the_feed(page):
    given = settings("mlp", "sse", "delta", batch_size=100, epochs=3)
    found = page.evaluate(TRAIN, [given, [], 27])
    _, records = in_torch(given, steps=27)
    wanted = [record.loss[0] for record in records]
    np.testing.assert_allclose(found["state"]["records"]["loss"], wanted, rtol=CLOSE)
    assert found["state"]["records"]["test_accuracy"][-1] is not None


def test_rewound_and_trained_again_a_run_gives_the_same_numbers(page):
    first, step, again = page.evaluate("""async (settings) => {
      const engine = await open();
      await engine.ask({ type: "start", settings, moves: [] }, (e) => e.type === "ready");
      await engine.ask({ type: "run", until: 60 }, ended(60));
      const first = await engine.ask({ type: "sync" }, (e) => e.type === "state");
      const { step } = await engine.ask({ type: "rewind", step: 33 }, rewound);
      await engine.ask({ type: "run", until: 60 }, ended(60));
      const again = await engine.ask({ type: "sync" }, (e) => e.type === "state");
      engine.close();
      return [first.records, step, again.records];
    }""", settings("cnn", "energy", "delta", batch_size=10, epochs=1))  # fmt: skip
    assert 0 < step < 60
    assert first == again


def test_a_move_acts_on_the_next_step_and_its_link_repeats_the_run(page):
    given = settings("mlp", "energy", "delta", epochs=100)
    moves, here, there = page.evaluate("""async (settings) => {
      const engine = await open();
      await engine.ask({ type: "start", settings, moves: [] }, (e) => e.type === "ready");
      engine.post({ type: "run", until: 4000 });
      await engine.until((e) => e.type === "records");
      await engine.ask({ type: "set", eta: 0.05, alpha: 0.5 }, (e) => e.type === "moved");
      await engine.until(ended(4000));
      const here = await engine.ask({ type: "sync" }, (e) => e.type === "state");
      await engine.ask({ type: "start", settings, moves: here.moves }, (e) => e.type === "ready");
      await engine.ask({ type: "run", until: 4000 }, ended(4000));
      const there = await engine.ask({ type: "sync" }, (e) => e.type === "state");
      engine.close();
      return [here.moves, here.records, there.records];
    }""", given)  # fmt: skip
    ((step, eta, alpha),) = moves
    assert 0 < step < 4000
    assert (eta, alpha) == (0.05, 0.5)
    assert here == there


def test_many_networks_train_at_once_each_by_its_own_eta_and_a_broken_one_leaves_the_rest(page):
    given = settings("mlp", "logistic_sse", "delta", batch_size=32, epochs=2)
    etas = [0.01, 0.1, 1e38]
    state, events = page.evaluate("""async ([settings, eta]) => {
      const engine = await open();
      const alpha = eta.map(() => 0.5);
      await engine.ask({ type: "start", settings, moves: [], eta, alpha },
        (e) => e.type === "ready");
      await engine.ask({ type: "run", until: null }, ended(56));
      const state = await engine.ask({ type: "sync" }, (e) => e.type === "state");
      engine.close();
      return [state, engine.events.filter((e) => e.type === "diverged")];
    }""", [given, etas])  # fmt: skip
    assert [event["replica"] for event in events] == [2]
    assert state["step"] == 56
    assert [state["ready"]["eta"], state["ready"]["alpha"]] == [etas, [0.5, 0.5, 0.5]]
    for r, eta in enumerate(etas[:2]):
        alone = given | {"eta": eta, "alpha": 0.5}
        _, records = in_torch(alone, steps=56)
        found = [row[r] for row in state["records"]["loss"]]
        np.testing.assert_allclose(found, [record.loss[0] for record in records], rtol=CLOSE)
    assert 0 < events[0]["step"] <= 56


def test_divergence_is_told_once_with_its_step_and_the_run_can_start_again(page):
    given = settings("mlp", "sse", "delta", eta=1e38)
    diverged, error, fine = page.evaluate("""async ([settings, good]) => {
      const engine = await open();
      await engine.ask({ type: "start", settings, moves: [] }, (e) => e.type === "ready");
      await engine.ask({ type: "run", until: null }, (e) => e.type === "running" && !e.running);
      const diverged = engine.events.filter((e) => e.type === "diverged");
      await engine.ask({ type: "start", settings: good, moves: [] }, (e) => e.type === "ready");
      await engine.ask({ type: "run", until: 20 }, ended(20));
      const error = engine.events.filter((e) => e.type === "error");
      engine.close();
      return [diverged, error, engine.events.at(-1)];
    }""", [given, settings("mlp", "sse", "delta")])  # fmt: skip
    assert len(diverged) == 1
    assert 1 <= diverged[0]["step"] <= 3
    assert error == []
    assert fine["step"] == 20


def test_rates_and_mistakes_are_those_of_the_library(page):
    given = settings("mlp", "logistic_sse", "dlr_incoming", eta=0.35)
    state = page.evaluate(TRAIN, [given, [], STEPS])["state"]
    run, _ = in_torch(given)
    counts, edges = (array(state["arrays"][name]) for name in ("rate_counts", "rate_edges"))
    for k, weight in enumerate(run.state.params.values()):
        rates = dlr_rate(weight, given["eta"], given["alpha"], "incoming").numpy()
        assert counts[k].sum() == rates.size
        np.testing.assert_allclose(edges[k][[0, -1]], [rates.min(), rates.max()], rtol=1e-3)
        wanted, _ = np.histogram(rates, len(counts[k]), (rates.min(), rates.max()))
        assert np.abs(counts[k].cumsum() - wanted.cumsum()).max() <= 0.01 * rates.size
    wrong, _ = run.mistakes()
    assert state["view"]["tested"] == 100
    assert abs(state["view"]["wrong"] - len(wrong)) <= 1
    labels = array(state["arrays"]["labels"], np.uint8)
    assert (labels == wrong.labels[: len(labels)].numpy()).mean() > 0.9


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ("{ js: 'export const nothing = ;' }", "the page's engine did not start: "),
        ("{ wasm: new ArrayBuffer(8) }", ""),
        ("{ nothing: true }", "digits must be part of this page, got none"),
    ],
)
def test_an_engine_that_cannot_start_says_so_in_one_sentence(page, parts, message):
    found = page.evaluate("""async ([parts, settings]) => {
      const engine = await open(eval("(" + parts + ")"));
      const { message } = await engine.ask({ type: "start", settings, moves: [] },
        (e) => e.type === "error");
      engine.close();
      return message;
    }""", [parts, settings()])  # fmt: skip
    assert found.startswith(message)
    assert found.strip()
    assert "\n" not in found


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ({"type": "run"}, "a run must be started first, got no run"),
        ({"type": "start", "settings": {"loss": "none"}}, "loss must be one of sse, .* got none"),
        ({"type": "start", "settings": {"batch_size": 901}}, "batch_size must be .* to 900, got"),
        ({"type": "start", "settings": {"alpha": 1}}, "alpha must be in \\[0, 1\\) for delta"),
        ({"type": "start", "settings": {"eta": None}}, "eta must be > 0 and finite for delta"),
        ({"type": "start", "settings": {"hidden": 301}}, "hidden must be a whole number from 1"),
    ],
)
def test_a_bad_command_is_refused_in_one_sentence_and_the_next_is_obeyed(page, command, message):
    if "settings" in command:
        command = {**command, "settings": settings() | command["settings"], "moves": []}
    found, again, ready = page.evaluate("""async ([command, good]) => {
      const engine = await open();
      const { message } = await engine.ask(command, (e) => e.type === "error");
      const again = await engine.ask({ type: "run", until: 1 }, (e) => e.type === "error");
      const start = { type: "start", settings: good, moves: [] };
      const ready = await engine.ask(start, (e) => e.type === "ready");
      engine.close();
      return [message, again.message, ready];
    }""", [command, settings()])  # fmt: skip
    assert re.match(message, found)
    assert again == found  # what is asked of a run that failed says why
    assert ready["parameters"] == sum(
        w.numel()
        for k, w in tensors_of(in_torch(settings(), steps=0)[0].state).items()
        if k.startswith("params.")
    )
