"""The library's own training step as files that onnxruntime runs, in Python and in the browser.

What `golden_lib.training.make_step` does is traced, down to plain operators, with its backward pass
and its update, and written as ONNX. Sizes stay open: R replicas, B images a step, T steps and H
hidden units are those of the inputs.

============  ===================================================================================
kind          what one run does
============  ===================================================================================
``advance``   T training steps, one after another
``lit``       the same of the Mlp under DLR: quicker where a batch lights few pixels, as online
``step``      one training step, without a loop inside: for WebGPU, where a loop would wait
``classify``  evaluates the network: images ``(M, 784)`` to logits ``(R, M, 10)``
============  ===================================================================================

Inputs of the training kinds: the state, each tensor by its name, as ``params.conv.weight``,
``buffers.norm.running_mean``, ``memory.delta.conv.weight``; ``images`` ``(T, B, 784)`` and
``target`` ``(T, B, 10)``, 1 at the class, both without T for ``step``; ``eta`` and ``alpha``
``(R,)``; ``loss``, the number of the loss in `LOSSES`, int32 ``(1,)``. Outputs: the state, each
with ``next.`` before its name, and ``loss_seen``, ``accuracy``, ``finite``, each ``(T, R)``, or
``(R,)`` for ``step``: the metrics of `make_step`, finite as 1 or 0. For ``lit`` the images are
``(N, B)``, one row for each pixel that some image of a step's batch lights: ``pixels`` ``(N,)``
says which it is, int32, none twice in a step, and ``bounds`` ``(T + 1,)``, int32, from where to
where the rows of each step go, one at least.
"""

from collections.abc import Callable
from functools import cache, partial

import torch
from torch import Tensor, fx

from golden_lib.lab import export_lit
from golden_lib.lab.export_lowering import FLOAT, Watched, lowered, write_metrics
from golden_lib.lab.export_onnx import ELEMENTS, Graph, Value, choose, declared, model
from golden_lib.lab.export_walk import Axes, trace, write
from golden_lib.losses import LOSSES
from golden_lib.nets import NETWORKS, find_network
from golden_lib.optim import RULES, find_rule
from golden_lib.training import State, make_step

KINDS = ("advance", "lit", "step", "classify")
"""What graphs there are."""

METRICS = ("loss_seen", "accuracy", "finite")


def names_of_state(network: str, rule: str) -> dict[str, Axes]:
    """The tensors of a state by the names that they have in a graph, with their axes.

    Args:
        network: a name in `NETWORKS`.
        rule: a name in `RULES`.
    """
    params, buffers = find_network(network).init([0])
    memory = find_rule(rule).init(params)
    tensors = {f"params.{k}": w for k, w in params.items()}
    tensors |= {f"buffers.{k}": b for k, b in buffers.items()}
    tensors |= {f"memory.{part}.{k}": w for part, ws in memory.items() for k, w in ws.items()}
    hidden = getattr(NETWORKS[network], "hidden", None)
    return {
        name: ["R", *("H" if n == hidden else n for n in w.shape[1:])]
        for name, w in tensors.items()
    }


def state_of(tensors: dict[str, Tensor]) -> State:
    """The state that tensors by their names in a graph make up."""
    parts: dict[str, dict] = {"params": {}, "buffers": {}, "memory": {}}
    for name, tensor in tensors.items():
        part, _, key = name.partition(".")
        if part == "memory":
            which, _, key = key.partition(".")
            parts[part].setdefault(which, {})[key] = tensor
        else:
            parts[part][key] = tensor
    return State(**parts)


def tensors_of(state: State) -> dict[str, Tensor]:
    """A state's tensors by their names in a graph."""
    found = {f"params.{k}": w for k, w in state.params.items()}
    found |= {f"buffers.{k}": b for k, b in state.buffers.items()}
    for part, ws in state.memory.items():
        found |= {f"memory.{part}.{k}": w for k, w in ws.items()}
    return found


@cache
def export(network: str, rule: str, kind: str = "advance") -> bytes:
    """Export the training step or the evaluation; see the module for inputs and outputs.

    Args:
        network: a name in `NETWORKS`.
        rule: a name in `RULES`; ``classify`` is the same for all.
        kind: one of `KINDS`.

    Returns:
        An ONNX file; equal bytes for equal arguments and versions.

    Raises:
        ValueError: if a name is unknown.
    """
    if network not in NETWORKS:
        raise ValueError(f"network must be one of {', '.join(NETWORKS)}, got {network!r}")
    if rule not in RULES:
        raise ValueError(f"rule must be one of {', '.join(RULES)}, got {rule!r}")
    if kind not in KINDS:
        raise ValueError(f"kind must be one of {', '.join(KINDS)}, got {kind!r}")
    if kind == "classify":
        return _classify(network)
    if kind == "lit":
        if (network, rule) != ("mlp", "dlr"):
            raise ValueError(f"a lit step must be of the mlp under dlr, got {network}, {rule}")
        return _lit()
    return _advance(network, rule) if kind == "advance" else _step(network, rule)


def _traced_step(network: str, rule: str, axes: dict[str, Axes], looped: bool):
    """The step as a function of tensors: to the state and its metrics, or its losses and logits."""
    loss, names = Watched(), list(axes)
    step = make_step(network, loss, rule)

    def flat(*tensors: Tensor) -> tuple[Tensor, ...]:
        state = state_of(dict(zip(names, tensors, strict=False)))
        x, target, eta, alpha = tensors[len(names) :]
        state, metrics = step(state, (x, target), {"eta": eta, "alpha": alpha})
        after = tensors_of(state)
        if looped:
            return *(after[name] for name in names), metrics["loss"], loss.logits
        seen = metrics["loss"], metrics["accuracy"], metrics["finite"].to(FLOAT)
        return *(after[name] for name in names), *seen

    more = [("B", 784), ("B", 10), ("R",), ("R",)]
    with lowered():
        return trace(flat, [(a, FLOAT) for a in (*axes.values(), *more)])


def _given(axes: dict[str, Axes]) -> list[Value]:
    return [Value(name, FLOAT, tuple(a)) for name, a in axes.items()]


def _step(network: str, rule: str) -> bytes:
    axes = names_of_state(network, rule)
    inputs = {**axes, "images": ["B", 784], "target": ["B", 10], "eta": ["R"], "alpha": ["R"]}
    graph = Graph()
    found = write(graph, _traced_step(network, rule, axes, False), _given(inputs))
    outputs = {f"next.{name}": a for name, a in axes.items()} | {m: ["R"] for m in METRICS}
    return _closed(graph, inputs, outputs, [v.name for v in found])


def _advance(network: str, rule: str) -> bytes:
    axes = names_of_state(network, rule)
    traced = _traced_step(network, rule, axes, True)
    carried = {f"at.{name}": a for name, a in axes.items()}
    shown = {"image": ["B", 784], "shown": ["B", 10]}
    graph = Graph()
    given = _given({**carried, **shown})
    names = [*axes, "images", "target"]
    results = _looped(graph, traced, carried, given, names, apart=network == "mlp")
    inputs = {
        **axes,
        "images": ["T", "B", 784],
        "target": ["T", "B", 10],
        "eta": ["R"],
        "alpha": ["R"],
    }
    return _closed(graph, inputs, _outputs(axes), results)


def _looped(
    graph: Graph,
    traced: fx.GraphModule,
    carried: dict[str, Axes],
    given: list[Value],
    names: list[str],
    feed: Callable | None = None,
    apart: bool = True,
) -> list[str]:
    """Write a loop over steps, and behind it the metrics of all steps at once.

    The Mlp's small steps get a loop for each loss; the CNN's long ones choose the loss themselves,
    as an engine takes a quarter of a second to open the others' loops.

    Args:
        graph: where.
        traced: one step, of what it is fed, η and α, to what is carried, losses and logits.
        carried: what goes from step to step, with its axes.
        given: the loop's body's arguments: first what is carried, then what it is shown.
        names: what these begin with, or pass through.
        feed: ``(body, given) -> fed``; what is given if None.
        apart: whether each loss gets a loop of its own.

    Returns:
        Names of what is carried in the end, and of the metrics.
    """
    shapes = [*carried.values(), ["R"], ["R", "B", 10]]
    around = _given({"eta": ["R"], "alpha": ["R"]})

    def loop(graph: Graph, loss: str) -> list[str]:
        body = graph.body([v.name for v in given], loss)
        fed = feed(body, given) if feed else given
        ends = body.ends([v.name for v in write(body, traced, [*fed, *around])])
        inner = body.finish(
            "step",
            [declared(v.name, v.dtype, v.shape) for v in given],
            [declared(name, FLOAT, a) for name, a in zip(ends, shapes, strict=True)],
        )
        shown = len(given) - len(carried)
        return graph.add("Scan", *names, outputs=len(ends), body=inner, num_scan_inputs=shown)

    if apart:
        branches = [partial(loop, loss=name) for name in LOSSES]
        results = choose(graph, "loss", branches, [FLOAT] * len(shapes))
    else:
        results = loop(graph, "")
    *state, losses, logits = results
    return [*state, *write_metrics(graph, logits, losses, "target")]


def _outputs(axes: dict[str, Axes]) -> dict[str, Axes]:
    return {f"next.{name}": a for name, a in axes.items()} | {m: ["T", "R"] for m in METRICS}


def _lit() -> bytes:
    axes, carried = names_of_state("mlp", "dlr"), export_lit.CARRIED
    graph = Graph()
    rows = graph.add("Transpose", "params.hidden.weight", perm=[2, 0, 1])
    pixels = graph.add("Cast", "pixels", to=ELEMENTS[torch.int64])
    bounds = graph.add("Unsqueeze", "bounds", graph.integers(1))
    bounds = graph.add("Cast", bounds, to=ELEMENTS[torch.int64])
    first, last = graph.integers(0), graph.integers(-1)
    begins = graph.add("Slice", bounds, first, last, first)
    ends = graph.add("Slice", bounds, graph.integers(1), graph.integers(2**31 - 1), first)
    given = _given({f"at.{name}": a for name, a in carried.items()} | {"shown": ["B", 10]})
    given += [Value(name, torch.int64, (1,)) for name in ("begin", "end")]

    def feed(body: Graph, given: list[Value]) -> list[Value]:
        *at, shown, begin, end = given
        image = body.add("Slice", "images", begin.name, end.name, first)
        image = Value(body.add("Transpose", image, perm=[1, 0]), FLOAT, ("B", "K"))
        lit = body.add("Slice", pixels, begin.name, end.name, first)
        return [*at, image, shown, Value(lit, torch.int64, ("K",))]

    names = [rows, "params.output.weight", "target", begins, ends]
    traced = export_lit.step_on_lit_pixels()
    rows, *found = _looped(graph, traced, carried, given, names, feed)
    hidden = graph.add("Transpose", rows, perm=[1, 2, 0])
    inputs = {**axes, "images": ["N", "B"], "target": ["T", "B", 10], "eta": ["R"], "alpha": ["R"]}
    more = declared("pixels", torch.int32, ["N"]), declared("bounds", torch.int32, ["T+1"])
    return _closed(graph, inputs, _outputs(axes), [hidden, *found], *more)


def _classify(network: str) -> bytes:
    axes = names_of_state(network, "dlr")
    net, names = find_network(network), list(axes)

    def flat(*tensors: Tensor) -> tuple[Tensor]:
        state = state_of(dict(zip(names, tensors, strict=False)))
        return (net.forward(state.params, state.buffers, tensors[-1], train=False)[0],)

    inputs = {**axes, "images": ["M", 784]}
    with lowered():
        traced = trace(flat, [(a, FLOAT) for a in (*axes.values(), ("B", 784))])
    graph = Graph()
    found = write(graph, traced, _given(inputs))
    return _closed(graph, inputs, {"logits": ["R", "M", 10]}, [v.name for v in found])


def _closed(graph: Graph, inputs: dict, outputs: dict, results: list[str], *more) -> bytes:
    """Name the results, and declare what goes in and comes out."""
    from onnx import helper

    for name, result in zip(outputs, results, strict=True):
        graph.nodes.append(helper.make_node("Identity", [result], [name]))
    given = [declared(name, FLOAT, a) for name, a in inputs.items()]
    given += more
    if "eta" in inputs:
        given.append(declared("loss", torch.int32, [1]))
    return model(
        graph.finish("golden", given, [declared(name, FLOAT, a) for name, a in outputs.items()])
    )
