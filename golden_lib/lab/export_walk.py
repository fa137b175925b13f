"""From PyTorch to ONNX: trace a function with open sizes, and write its operators down.

Not by PyTorch's own exporter: here R, B, H and T stay open, one of seven losses is computed and no
other, what does not change is taken out of the loop over steps, and the losses keep their digits.
`export_ops` is all that a step needs of PyTorch's operators; an unknown one is refused by name.
"""

import operator
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, fx
from torch._dispatch.python import enable_python_dispatcher
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.fx.experimental.proxy_tensor import make_fx
from torch.fx.experimental.symbolic_shapes import (
    DimDynamic,
    ShapeEnv,
    StatelessSymbolicContext,
)

from golden_lib.lab.export_onnx import ELEMENTS, Graph, Size, Value
from golden_lib.lab.export_ops import WRITERS, aten
from golden_lib.lab.export_rewrite import rewrite

EXAMPLE = {"R": 3, "B": 5, "H": 7, "T": 11, "K": 13}
"""Sizes that a function is traced at, all different: open sizes that were equal would be one."""

Axes = Sequence["int | str"]

_SAME = (aten.detach.default, aten.alias.default, aten.clone.default, aten.lift_fresh_copy.default)
_ARITHMETIC = {
    operator.add: "Add",
    operator.sub: "Sub",
    operator.mul: "Mul",
    operator.floordiv: "Div",
}
_QUOTIENTS = (operator.truediv, torch.sym_float)
_FILLED = {
    aten.ones_like.default: 1,
    aten.zeros_like.default: 0,
    aten.new_ones.default: 1,
    aten.new_zeros.default: 0,
    aten.ones.default: 1,
    aten.zeros.default: 0,
}

_LIKE = (aten.ones_like.default, aten.zeros_like.default, aten.full_like.default)


def trace(function: Callable, examples: Sequence[tuple[Axes, torch.dtype]]) -> fx.GraphModule:
    """Trace a function of tensors down to PyTorch's own operators.

    Args:
        function: takes tensors, returns a tuple of tensors.
        examples: axes and type of each argument; an axis is a size, or a letter of `EXAMPLE` that
            leaves it open.

    Returns:
        Its operators; sizes that are open stay symbols.
    """
    mode = FakeTensorMode(shape_env=ShapeEnv(), allow_non_fake_inputs=True)
    given, letters = [], {}
    for axes, dtype in examples:
        shape = [EXAMPLE.get(a, a) if isinstance(a, str) else a for a in axes]
        kinds = [DimDynamic.DUCK if isinstance(a, str) else DimDynamic.STATIC for a in axes]
        context = StatelessSymbolicContext(dynamic_sizes=kinds)
        fake = mode.from_tensor(torch.zeros(shape, dtype=dtype), symbolic_context=context)
        letters |= {str(n): a for n, a in zip(fake.shape, axes, strict=True) if isinstance(a, str)}
        given.append(fake)
    with mode, enable_python_dispatcher():
        return rewrite(make_fx(function)(*given))


def write(graph: Graph, traced: fx.GraphModule, arguments: Sequence[Value]) -> list[Value]:
    """Write a traced function's operators into a graph.

    Args:
        graph: where.
        traced: as `trace` returns it.
        arguments: what the function is given, in order.

    Returns:
        What it returns.

    Raises:
        NotImplementedError: if there is no writer for one of the operators.
    """
    nodes = list(traced.graph.nodes)
    (end,) = (node for node in nodes if node.op == "output")
    needed, rest = set(), [end]
    while rest:
        node = rest.pop()
        if node not in needed:
            needed.add(node)
            rest += node.all_input_nodes
    found: dict[fx.Node, object] = {}
    given = iter(arguments)
    plainest = _plainest([n.meta["val"] for n in nodes if n.op == "placeholder"], arguments)
    for node in nodes:
        if node.op == "placeholder":
            found[node] = next(given)
        elif node in needed and node.op == "get_attr":
            found[node] = getattr(traced, node.target)
        elif node in needed and node.target is aten.sym_size.int:
            value, axis = found[node.args[0]], node.args[1]
            value, axis = plainest.get(str(node.args[0].meta["val"].shape[axis]), (value, axis))
            found[node] = graph.size(value, axis)
        elif node in needed and node.op == "call_function":
            found[node] = _call(graph, node, found)
    return [_named(graph, found[node]) for node in end.args[0]]


def _plainest(traced: Sequence[Tensor], arguments: Sequence[Value]) -> dict[str, tuple[Value, int]]:
    """Where each open size is best read: in the argument with the fewest of them.

    onnxruntime makes a constant of a size only where it knows the whole shape beforehand.
    """
    found: dict[str, tuple[Value, int]] = {}
    fewest: dict[str, int] = {}
    for tensor, value in zip(traced, arguments, strict=True):
        symbols = {axis: str(n) for axis, n in enumerate(tensor.shape) if not isinstance(n, int)}
        for axis, symbol in symbols.items():
            if len(symbols) < fewest.get(symbol, 99):
                found[symbol], fewest[symbol] = (value, axis), len(symbols)
    return found


def _call(graph: Graph, node: fx.Node, found: dict):
    """Write one operator, or compute it now if all that it takes is known."""
    arguments = fx.map_arg(node.args, found.__getitem__)
    options = fx.map_arg(node.kwargs, found.__getitem__)
    flat = torch.utils._pytree.tree_leaves((arguments, options))
    target = node.target
    if target is operator.getitem:
        return arguments[0][arguments[1]]
    if not any(isinstance(x, Value | Size) for x in flat):
        return target(*arguments, **options)
    if target is aten.sym_numel.default:
        return Size(graph.add("Reshape", graph.add("Size", arguments[0].name), graph.integers(1)))
    if target in _ARITHMETIC or target in _QUOTIENTS:
        return _arithmetic(graph, target, arguments)
    if target in _SAME:
        return arguments[0]
    arguments = torch.utils._pytree.tree_map_only(Tensor, lambda t: _named(graph, t), arguments)
    made = node.meta["val"]
    if target in _FILLED or target in (aten.full.default, aten.full_like.default):
        value = _FILLED[target] if target in _FILLED else arguments[1]
        if all(isinstance(n, int) for n in made.shape):
            return torch.full(made.shape, value, dtype=made.dtype)
        number = Value(graph.number(value, made.dtype), made.dtype, ())
        if target in _LIKE:
            shape = [
                n if isinstance(n, int) else graph.size(arguments[0], axis)
                for axis, n in enumerate(made.shape)
            ]
        else:
            shape = arguments[target in (aten.new_ones.default, aten.new_zeros.default)]
        return _expanded(graph, number, shape, made)
    if target is aten.expand.default:
        return _expand(graph, arguments[0], arguments[1], made)
    if target is aten.split.Tensor and len(made) == 1:
        return arguments[:1]
    special = SPECIAL.get(target)
    if special:
        return special(graph, made, *arguments)
    if target not in WRITERS:
        raise NotImplementedError(f"the step must be made of known operators, got {target}")
    out = Value("", made.dtype, tuple(made.shape))
    name = WRITERS[target](graph, out, *arguments, **options)
    return Value(name, made.dtype, tuple(made.shape))


SPECIAL: dict[object, Callable] = {}
"""Operators of our own, which stand for graphs: ``(graph, results, *arguments) -> values``."""


def _named(graph: Graph, x) -> Value:
    """A tensor whose numbers are known, as a constant."""
    if isinstance(x, Tensor):
        return Value(graph.constant(x), x.dtype, tuple(x.shape))
    return x


def _expand(graph: Graph, x: Value, shape: Sequence, made: Tensor) -> Value:
    if str(tuple(made.shape)) == str(x.shape):
        return x
    return _expanded(graph, x, [1 if n == -1 else n for n in shape], made)


def _expanded(graph: Graph, x: Value, shape: Sequence, made: Tensor) -> Value:
    if len(shape) == 0:
        return x
    name = graph.add("Expand", x.name, graph.sizes(shape))
    return Value(name, made.dtype, tuple(made.shape), narrow=x)


def _arithmetic(graph: Graph, target, arguments) -> Size:
    """Sizes are computed in int64, what is divided in float32."""
    if target is torch.sym_float:
        return Size(graph.add("Cast", arguments[0].name, to=ELEMENTS[torch.float32]))
    if target is operator.truediv:
        parts = [
            graph.add("Cast", x.name, to=ELEMENTS[torch.float32])
            if isinstance(x, Size)
            else graph.constant(torch.tensor([x], dtype=torch.float32))
            for x in arguments
        ]
        return Size(graph.add("Div", *parts))
    parts = [x.name if isinstance(x, Size) else graph.integers(x) for x in arguments]
    return Size(graph.add(_ARITHMETIC[target], *parts))
