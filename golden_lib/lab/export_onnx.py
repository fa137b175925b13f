"""Graphs of ONNX, written node by node: names, constants, shapes and graphs inside graphs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor

OPSET = 20
IR = 10
"""What onnxruntime 1.17 and later read, in Python and in the browser."""

ELEMENTS = {
    torch.float32: TensorProto.FLOAT,
    torch.float64: TensorProto.DOUBLE,
    torch.int64: TensorProto.INT64,
    torch.int32: TensorProto.INT32,
    torch.bool: TensorProto.BOOL,
}
"""The types of numbers that graphs hold."""


@dataclass(frozen=True)
class Value:
    """A tensor of a graph: its name, type and shape, in which a size not yet known is a SymInt."""

    name: str
    dtype: torch.dtype
    shape: tuple
    narrow: "Value | None" = None
    """what was expanded to this one, for operators that broadcast by themselves."""


@dataclass(frozen=True)
class Size:
    """A size that is known when the graph runs: an int64 tensor of one element."""

    name: str


Shape = Sequence["int | Size"]


@dataclass
class Graph:
    """A graph in the making; one inside another sees the names of those around it."""

    counter: count = field(default_factory=count)
    nodes: list = field(default_factory=list)
    constants: dict = field(default_factory=dict)
    read: dict = field(default_factory=dict)
    """sizes that have been read."""
    loss: str = ""
    """the loss that is computed here; where it is empty, an input chooses."""
    around: "Graph | None" = None
    """of a loop's body: the graph with the loop."""
    own: set[str] = field(default_factory=set)
    """of a loop's body: the names that change from turn to turn."""

    def inner(self) -> "Graph":
        """Begin a graph inside this one; no name is given twice."""
        return Graph(self.counter, loss=self.loss)

    def body(self, arguments: Sequence[str], loss: str = "") -> "Graph":
        """Begin a loop's body: what depends on none of its arguments is written before the loop."""
        return Graph(self.counter, loss=loss, around=self, own=set(arguments))

    def fresh(self) -> str:
        """Make up a name."""
        return f"v{next(self.counter)}"

    def add(self, kind: str, *inputs: str, outputs: int = 1, **attributes):
        """Add a node; return the name of its output, or their names."""
        whole = any(isinstance(value, onnx.GraphProto) for value in attributes.values())
        if self.around and not whole and self.own.isdisjoint(inputs):
            return self.around.add(kind, *inputs, outputs=outputs, **attributes)
        names = [self.fresh() for _ in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), names, **attributes))
        self.own.update(names)
        return names[0] if outputs == 1 else names

    def constant(self, value: Tensor | np.ndarray) -> str:
        """Name of a constant; equal ones are one."""
        if self.around:
            return self.around.constant(value)
        array = np.ascontiguousarray(value.numpy() if isinstance(value, Tensor) else value)
        array = array.reshape(np.shape(value))  # a number stays a number
        key = array.dtype.str, array.shape, array.tobytes()
        if key not in self.constants:
            self.constants[key] = numpy_helper.from_array(array, self.fresh())
        return self.constants[key].name

    def number(self, value: float, dtype: torch.dtype) -> str:
        """Name of a constant without axes."""
        return self.constant(torch.tensor(value, dtype=dtype))

    def integers(self, *values: int) -> str:
        """Name of a constant with one axis, int64."""
        return self.constant(np.array(values, np.int64))

    def size(self, value: Value, axis: int) -> Size:
        """The size of an axis when the graph runs."""
        key = value.name, axis
        if key not in self.read:
            self.read[key] = Size(self.add("Shape", value.name, start=axis, end=axis + 1))
        return self.read[key]

    def sizes(self, shape: Shape, reshaping: bool = False) -> str:
        """Name of the int64 tensor of a shape; in a reshape the last size unknown is −1."""
        shape = list(shape)
        unknown = [axis for axis, n in enumerate(shape) if isinstance(n, Size)]
        if reshaping and unknown and -1 not in shape:
            shape[unknown.pop()] = -1
        if not unknown:
            return self.integers(*shape)
        parts = [n.name if isinstance(n, Size) else self.integers(n) for n in shape]
        return self.add("Concat", *parts, axis=0)

    def ends(self, names: Sequence[str]) -> list[str]:
        """Names that outputs may have: each once, and made in this graph."""
        made = {name for node in self.nodes for name in node.output}
        found = []
        for name in names:
            if name not in made or name in found:
                self.nodes.append(helper.make_node("Identity", [name], [self.fresh()]))
                name = self.nodes[-1].output[0]
            found.append(name)
        return found

    def finish(self, name: str, inputs: Sequence, outputs: Sequence) -> onnx.GraphProto:
        """Close the graph, with inputs and outputs as `declared`."""
        return helper.make_graph(
            self.nodes, name, list(inputs), list(outputs), list(self.constants.values())
        )


def declared(name: str, dtype: torch.dtype, shape: Sequence | None) -> onnx.ValueInfoProto:
    """An input or output; an axis is a number or a name, and the shape may be left open."""
    return helper.make_tensor_value_info(name, ELEMENTS[dtype], shape)


def model(graph: onnx.GraphProto) -> bytes:
    """A file of the graph: the same bytes for the same graph."""
    made = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR, producer_name=""
    )
    onnx.checker.check_model(made)
    return made.SerializeToString(deterministic=True)


def choose(
    graph: Graph,
    which: str,
    branches: Sequence[Callable[[Graph], list[str]]],
    dtypes: Sequence[torch.dtype],
) -> list[str]:
    """Compute one of several branches and no other.

    Branches that are not chosen are not run: what would be infinite there reaches nobody. The nodes
    that choose are called ``which``: an engine on a GPU can be told to leave them to the processor.

    Args:
        graph: where.
        which: name of an int32 tensor of one element, the number of the branch.
        branches: each adds its nodes to the graph that it is given, and names its results.
        dtypes: of the results.

    Returns:
        Names of the results.
    """

    def tree(graph: Graph, first: int, last: int) -> list[str]:
        if last - first == 1:
            return branches[first](graph)
        middle = (first + last) // 2
        limit = graph.constant(np.array([middle], np.int32))
        condition = graph.add("Less", which, limit, name="which")
        return conditional(
            graph,
            condition,
            lambda g: tree(g, first, middle),
            lambda g: tree(g, middle, last),
            dtypes,
        )

    return tree(graph, 0, len(branches))


def conditional(graph: Graph, condition: str, then: Callable, other: Callable, dtypes) -> list[str]:
    """Compute one of two branches; arguments as for `choose`."""
    made = {}
    for name, branch in (("then_branch", then), ("else_branch", other)):
        inner = graph.inner()
        found = branch(inner)
        ends = [declared(n, t, None) for n, t in zip(found, dtypes, strict=True)]
        made[name] = inner.finish(name, [], ends)
    results = graph.add("If", condition, outputs=len(dtypes), **made)
    return [results] if len(dtypes) == 1 else results
