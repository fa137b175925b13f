"""The exported step in onnxruntime, held against the library's own step in PyTorch."""

import gzip
import json
import re
from functools import cache

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from golden_lib.data import load
from golden_lib.lab import export_files, export_lowering, modules
from golden_lib.lab.export import KINDS, export, names_of_state, tensors_of
from golden_lib.lab.export_walk import EXAMPLE, trace
from golden_lib.losses import LOSSES
from golden_lib.nets import NETWORKS, Cnn, Mlp
from golden_lib.optim import RULES
from golden_lib.training import State, make_step, start

CLOSE = 1e-4
"""Difference that is borne, in units of the largest number of the same tensor. Training is chaotic:
where the library's float32 steps part from its own float64 steps by more, it is `ROUNDING` times
as much as they do, and `FAR` at most."""
ROUNDING = 4
FAR = 0.01
SETTINGS = {
    "delta": ((0.0159, 0.874), (0.03, 0.5), (0.005, 0.95)),
    "nesterov": ((0.0159, 0.874), (0.03, 0.5), (0.005, 0.95)),
    "adam": ((0.0002, 0.9), (0.0003, 0.5), (0.0001, 0.95)),
    "dlr": ((0.1, 1.0), (0.3, 0.1), (0.05, 5.0)),
    "dlr_incoming": ((0.1, 1.0), (0.3, 0.1), (0.05, 5.0)),
}
"""η and α of three spans of steps: both move on the way."""
SPANS = (20, 17, 13)
GENTLE = 0.1
"""Of these η for the CNN: at the whole of them float32 carries no 50 steps far."""


@cache
def session(network: str, rule: str, kind: str) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(
        export(network, rule, kind), options, providers=["CPUExecutionProvider"]
    )


@cache
def digits():
    return load("digits", n=600, seed=1)


def one_hot(labels: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.one_hot(labels, 10).float()


def hyper(rule: str, span: int, R: int, factor: float = 1) -> dict[str, torch.Tensor]:
    eta, alpha = SETTINGS[rule][span]
    spread = torch.linspace(1, 0.7, R)
    return {"eta": factor * eta * spread, "alpha": alpha * spread}


def feeds(state, x, y, hyper, loss: str) -> dict[str, np.ndarray]:
    return {
        **{k: w.numpy() if hasattr(w, "numpy") else w for k, w in state.items()},
        "images": x.numpy(),
        "target": one_hot(y).numpy(),
        "eta": hyper["eta"].numpy(),
        "alpha": hyper["alpha"].numpy(),
        "loss": np.array([list(LOSSES).index(loss)], np.int32),
    }


def in_double(state: State) -> State:
    return torch.utils._pytree.tree_map(torch.Tensor.double, state)


def assert_same(network, rule: str, loss: str, R: int, B: int, spans=SPANS) -> None:
    """Train in both for all spans; parameters, buffers, memory and metrics agree."""
    step, state = make_step(network, loss, rule), start(network, rule, range(R))
    run, names = session(network.name, rule, "advance"), list(names_of_state(network.name, rule))
    wide = in_double(state)
    tensors = {k: w.numpy() for k, w in tensors_of(state).items()}
    made, factor = 0, GENTLE if network.name == "cnn" else 1
    for span, T in enumerate(spans):
        pick = torch.arange(made, made + T * B).view(T, B) % len(digits())
        x, y, now = digits().images[pick], digits().labels[pick], hyper(rule, span, R, factor)
        found = run.run(None, feeds(tensors, x.reshape(T, B, 784), y, now, loss))
        seen = []
        for t in range(T):
            state, metrics = step(state, (x[t], y[t]), now)
            wide, exact = step(wide, (x[t].double(), y[t]), in_double(now))
            seen.append((metrics, exact))
        tensors, made = dict(zip(names, found, strict=False)), made + T * B
        exact = tensors_of(wide)
        for name, w in tensors_of(state).items():
            assert_close(tensors[name], w.numpy(), exact[name].numpy(), name)
        for name, values in zip(("loss", "accuracy", "finite"), found[len(names) :], strict=True):
            here, wanted = (
                torch.stack([metrics[i][name] for metrics in seen]).double().numpy() for i in (0, 1)
            )
            assert values.shape == (T, R)
            assert_close(values, here, wanted, name)


def assert_close(found: np.ndarray, library: np.ndarray, exact: np.ndarray, name: str) -> None:
    scale = max(np.abs(exact).max(), 1e-2)
    borne = max(CLOSE, min(ROUNDING * np.abs(library - exact).max() / scale, FAR))
    assert np.abs(found - library).max() / scale <= borne, name


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("rule", RULES)
def test_the_exported_mlp_trains_as_the_library_does_while_eta_and_alpha_move(rule, loss):
    assert_same(Mlp(), rule, loss, R=1, B=1)
    assert_same(Mlp(hidden=30), rule, loss, R=4, B=10)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("rule", RULES)
def test_the_exported_cnn_trains_as_the_library_does_while_eta_and_alpha_move(rule, loss):
    assert_same(Cnn(), rule, loss, R=1, B=32)


@pytest.mark.parametrize("rule", RULES)
def test_one_file_serves_every_batch_size_number_of_replicas_and_hidden_units(rule):
    assert_same(Mlp(hidden=1), rule, "sse", R=2, B=128, spans=(3, 2, 1))
    assert_same(Cnn(), rule, "energy", R=4, B=10, spans=(4, 3, 2))
    assert_same(Cnn(), rule, "cross_entropy", R=1, B=128, spans=(2, 2, 1))
    assert_same(Cnn(), rule, "cross_entropy", R=1, B=1, spans=(2, 2, 1))


def lit(x: torch.Tensor) -> dict[str, np.ndarray]:
    """The lit pixels of each step alone."""
    steps, pixels = (x != 0).any(1).nonzero(as_tuple=True)
    bounds = torch.searchsorted(steps, torch.arange(len(x) + 1))
    given = {"pixels": pixels.int(), "bounds": bounds.int(), "images": x[steps, :, pixels]}
    return {name: tensor.numpy() for name, tensor in given.items()}


@pytest.mark.parametrize("loss", LOSSES)
def test_steps_on_lit_pixels_alone_are_the_librarys(loss):
    for network, R, B in ((Mlp(), 1, 1), (Mlp(hidden=12), 3, 2)):
        step, state = make_step(network, loss, "dlr"), start(network, "dlr", range(R))
        tensors = {k: w.numpy() for k, w in tensors_of(state).items()}
        for span, T in enumerate(SPANS):
            pick = torch.randperm(len(digits()))[: T * B].view(T, B)
            x, y, now = digits().images[pick], digits().labels[pick], hyper("dlr", span, R)
            x = x.reshape(T, B, 784)
            given = feeds(tensors, x, y, now, loss) | lit(x)
            found = session("mlp", "dlr", "lit").run(None, given)
            tensors = dict(zip(tensors, found, strict=False))
            for t in range(T):
                state, metrics = step(state, (x[t], y[t]), now)
                assert_close(found[2][t], metrics["loss"].numpy(), found[2][t], "loss")
        for name, w in tensors_of(state).items():
            assert np.abs(tensors[name] - w.numpy()).max() <= CLOSE * w.abs().max().item()


@pytest.mark.parametrize("network", [Cnn(), Mlp()], ids=lambda network: network.name)
def test_steps_without_a_loop_are_those_of_the_loop(network):
    names = list(names_of_state(network.name, "adam"))
    tensors = {k: w.numpy() for k, w in tensors_of(start(network, "adam", (3,))).items()}
    x, y = digits().images[:60].view(6, 10, 784), digits().labels[:60].view(6, 10)
    now = hyper("adam", 0, 1)
    whole = session(network.name, "adam", "advance").run(None, feeds(tensors, x, y, now, "energy"))
    for t in range(6):
        one = feeds(tensors, x[t], y[t], now, "energy")
        found = session(network.name, "adam", "step").run(None, one)
        tensors = dict(zip(names, found, strict=False))
    for name, end in zip(names, whole, strict=False):
        np.testing.assert_allclose(tensors[name], end, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("network", [Cnn(), Mlp(hidden=12)], ids=lambda network: network.name)
def test_classify_is_the_network_in_evaluation(network):
    state = start(network, "dlr", (0, 5, 9))
    moved = {k: torch.rand_like(b) + 0.5 for k, b in state.buffers.items()}
    x = digits().images[:200]
    given = tensors_of(state._replace(buffers=moved))
    found = session(network.name, "dlr", "classify").run(
        None, {**{k: w.numpy() for k, w in given.items()}, "images": x.view(200, 784).numpy()}
    )[0]
    wanted = network.forward(state.params, moved, x, train=False)[0].numpy()
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("loss", LOSSES)
def test_a_replica_whose_numbers_overflow_says_so_and_leaves_the_others_alone(loss):
    state = start(Mlp(), "delta", (0, 1))
    state.params["output.weight"][0] = torch.inf
    x, y = digits().images[:4].view(2, 2, 784), digits().labels[:4].view(2, 2)
    tensors = {k: w.numpy() for k, w in tensors_of(state).items()}
    found = session("mlp", "delta", "advance").run(
        None, feeds(tensors, x, y, hyper("delta", 0, 2), loss)
    )
    assert found[-1].tolist() == [[0, 1], [0, 1]]
    assert np.isfinite(found[0][1]).all()
    assert np.isfinite(found[-3][:, 1]).all()


@pytest.mark.parametrize("gap", [0, 20, 90])
@pytest.mark.parametrize("loss", LOSSES)
def test_a_loss_keeps_its_digits_however_confident_the_network_is(loss, gap):
    """Weights that set the logits: η = 1 and one step show the gradient."""
    state = start(Mlp(hidden=1), "delta", (0,))
    state.params["hidden.weight"].zero_()  # a hidden unit of 1/2, whatever the image
    state.params["output.weight"].copy_(torch.arange(10.0).view(1, 10, 1) * gap / 9)
    now = {"eta": torch.ones(1), "alpha": torch.zeros(1)}
    x = digits().images[:10]
    for y in (torch.full((10,), 9), torch.arange(10)):
        tensors = {k: w.numpy() for k, w in tensors_of(state).items()}
        found = session("mlp", "delta", "advance").run(
            None, feeds(tensors, x.view(1, 10, 784), y[None], now, loss)
        )
        names = list(names_of_state("mlp", "delta"))
        after, _ = make_step(Mlp(hidden=1), loss, "delta")(
            in_double(state), (x.double(), y), in_double(now)
        )
        exact = after.memory["delta"]["output.weight"].float().numpy()
        mine = found[names.index("memory.delta.output.weight")]
        np.testing.assert_allclose(mine, exact, rtol=1e-4, atol=1e-12 if gap else 1e-7)


def graphs_in(graph: onnx.GraphProto):
    """A graph and all graphs inside it."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                yield from graphs_in(attribute.g)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "lit"])
def test_a_file_is_the_same_bytes_again_and_made_of_plain_operators(network, kind):
    file = export(network, "nesterov", kind)
    export.cache_clear()
    export_lowering.loss_graph.cache_clear()
    export_lowering.metrics_graph.cache_clear()
    assert export(network, "nesterov", kind) == file
    graphs = list(graphs_in(onnx.load_from_string(file).graph))
    kinds = {node.op_type for graph in graphs for node in graph.node}
    assert {node.domain for graph in graphs for node in graph.node} == {""}
    assert ("Scan" in kinds) == (kind == "advance")


@pytest.mark.parametrize(
    ("arguments", "loops"),
    [(("cnn", "adam", "advance"), 1), (("mlp", "dlr", "lit"), len(LOSSES))],
)
def test_a_loop_does_in_each_turn_only_what_changes_from_turn_to_turn(arguments, loops):
    graphs = list(graphs_in(onnx.load_from_string(export(*arguments)).graph))
    bodies = [graph for graph in graphs if graph.name == "step"]
    assert len(bodies) == loops
    for body in bodies:
        changing = {value.name for value in body.input}
        for node in body.node:
            assert node.op_type == "If" or changing.intersection(node.input), node
            changing.update(node.output)
        assert len(body.initializer) == 0


def test_a_step_scales_by_eta_before_it_multiplies_and_lays_no_axes_together():
    """The same numbers by fewer and smaller operators."""

    def by_hand(start, eta, x, w):
        R, H, B = len(w), w.shape[1], x.shape[0]
        rows = w.reshape(R * H, 6).mm(x.mT).reshape(R, H, B)
        return torch.addcmul(start, eta.reshape(R, 1, 1), rows, value=-1), rows.sum(-1)

    def alone(start, eta, x, w):
        return (by_hand(start, eta, x, w)[0],)

    sizes = [("R", "H", "B"), ("R",), ("B", 6), ("R", "H", 6)]
    given = [torch.randn(tuple(EXAMPLE.get(n, n) for n in axes)) for axes in sizes]
    for function, kept in ((by_hand, 1), (alone, 0)):
        traced = trace(function, [(axes, torch.float32) for axes in sizes])
        targets = [node.target for node in traced.graph.nodes]
        aten = torch.ops.aten
        assert targets.count(aten.matmul.default) == 1
        assert targets.count(aten.mm.default) == 0
        assert targets.count(aten.addcmul.default) == kept
        for found, wanted in zip(traced(*given), function(*given), strict=True):
            torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("rnn", "delta", "step"), "network must be one of cnn, mlp, got 'rnn'"),
        (("cnn", "sgd", "step"), "rule must be one of delta, .* got 'sgd'"),
        (("mlp", "adam", "lit"), "a lit step must be of the mlp under dlr, got mlp, adam"),
        (("cnn", "delta", "loop"), "kind must be one of advance, .* got 'loop'"),
    ],
)
def test_an_unknown_name_is_refused_in_one_sentence(arguments, message):
    with pytest.raises(ValueError, match=message):
        export(*arguments)


def test_a_folder_of_graphs_is_made_once_and_made_again_where_it_is_not_whole(
    tmp_path, monkeypatch
):
    few = {"mlp_classify": ("mlp", "dlr", "classify"), "mlp_delta_step": ("mlp", "delta", "step")}
    monkeypatch.setattr(export_files, "graphs", lambda: few)
    sizes = export_files.write_graphs(tmp_path / "graphs")
    files = {path.name: path for path in (tmp_path / "graphs").iterdir()}
    assert set(files) == {"graphs.json", *(f"{name}.onnx.gz" for name in few)}
    packed = files["mlp_delta_step.onnx.gz"].read_bytes()
    assert len(packed) == sizes["mlp_delta_step"]
    assert gzip.decompress(packed) == export("mlp", "delta", "step")
    assert json.loads(files["graphs.json"].read_text())["losses"] == list(LOSSES)
    before = files["graphs.json"].stat().st_mtime_ns
    assert export_files.write_graphs(tmp_path / "graphs") == sizes
    assert files["graphs.json"].stat().st_mtime_ns == before
    files["mlp_classify.onnx.gz"].write_bytes(b"cut short")
    export_files.write_graphs(tmp_path / "graphs")
    assert gzip.decompress(files["mlp_classify.onnx.gz"].read_bytes()) == export(
        *few["mlp_classify"]
    )


def test_the_page_numbers_the_losses_and_names_the_rules_as_the_library_does():
    text = (modules.STATIC / "checks.js").read_text(encoding="utf-8")
    for name, wanted in (("LOSSES", LOSSES), ("RULES", RULES)):
        listed = re.search(rf"export const {name} = \[(.*?)\]", text, re.DOTALL)[1]
        assert re.findall(r'"(\w+)"', listed) == list(wanted)
