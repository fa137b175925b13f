"""PyTorch's operators in ONNX: those that a training step is made of.

Each function writes the nodes of one operator. Where ONNX has no operator as exact as PyTorch's, it
writes a form that keeps the digits: the losses of `golden_lib.losses.stable` live on them.
"""

from collections.abc import Callable

import torch

from golden_lib.lab.export_onnx import ELEMENTS, Graph, Value

aten = torch.ops.aten

Writer = Callable[..., str]
"""``(graph, out, *arguments) -> name``; `out` is the result's ``Value`` but for its name."""

WRITERS: dict[object, Writer] = {}
"""How each operator is written."""


def writes(*operators) -> Callable[[Writer], Writer]:
    """Register a function as the writer of these operators."""

    def register(writer: Writer) -> Writer:
        WRITERS.update(dict.fromkeys(operators, writer))
        return writer

    return register


def tensor(graph: Graph, x, dtype: torch.dtype) -> str:
    """Name of an operand, a tensor or a number, as a tensor of `dtype`."""
    if not isinstance(x, Value):
        if hasattr(x, "name"):  # a size
            return graph.add("Cast", x.name, to=ELEMENTS[dtype])
        return graph.number(x, dtype)
    return x.name if x.dtype == dtype else graph.add("Cast", x.name, to=ELEMENTS[dtype])


def narrowed(out: Value, *operands):
    """Undo expansions of operands that broadcast anyway, as another one has the whole shape."""
    kept = list(operands)
    for i, x in enumerate(operands):
        if isinstance(x, Value) and x.narrow:
            others = (y for j, y in enumerate(kept) if j != i and isinstance(y, Value))
            if any(not y.narrow and str(y.shape) == str(out.shape) for y in others):
                kept[i] = x.narrow
    return kept


def _common(*operands) -> torch.dtype:
    tensors = [x for x in operands if isinstance(x, Value)]
    return next((x for x in tensors if x.shape != ()), tensors[0]).dtype


def _elementwise(kind: str) -> Writer:
    def write(graph, out, *operands, alpha=1):
        dtype = _common(*operands) if out.dtype == torch.bool else out.dtype
        if alpha != 1:
            scaled = graph.add("Mul", tensor(graph, operands[1], dtype), graph.number(alpha, dtype))
            return graph.add(kind, tensor(graph, operands[0], dtype), scaled)
        return graph.add(kind, *(tensor(graph, x, dtype) for x in narrowed(out, *operands)))

    return write


for _kind, _operators in {
    "Add": (aten.add.Tensor, aten.add.Scalar),
    "Sub": (aten.sub.Tensor, aten.sub.Scalar),
    "Mul": (aten.mul.Tensor, aten.mul.Scalar),
    "Div": (aten.div.Tensor, aten.div.Scalar),
    "Equal": (aten.eq.Tensor, aten.eq.Scalar),
    "Less": (aten.lt.Tensor, aten.lt.Scalar),
    "Greater": (aten.gt.Tensor, aten.gt.Scalar),
    "LessOrEqual": (aten.le.Tensor, aten.le.Scalar),
    "GreaterOrEqual": (aten.ge.Tensor, aten.ge.Scalar),
    "And": (aten.bitwise_and.Tensor, aten.logical_and.default),
    "Or": (aten.bitwise_or.Tensor, aten.logical_or.default),
    "Neg": (aten.neg.default,),
    "Abs": (aten.abs.default,),
    "Exp": (aten.exp.default,),
    "Log": (aten.log.default,),
    "Sin": (aten.sin.default,),
    "Cos": (aten.cos.default,),
    "Atanh": (aten.atanh.default,),
    "Sqrt": (aten.sqrt.default,),
    "Relu": (aten.relu.default,),
    "Sigmoid": (aten.sigmoid.default,),
    "Reciprocal": (aten.reciprocal.default,),
    "Not": (aten.bitwise_not.default, aten.logical_not.default),
}.items():
    writes(*_operators)(_elementwise(_kind))


@writes(aten.rsub.Scalar)
def _rsub(graph, out, x, y, alpha=1):
    return graph.add("Sub", tensor(graph, y, out.dtype), x.name)


@writes(aten.square.default)
def _square(graph, out, x):
    return graph.add("Mul", x.name, x.name)


@writes(aten.pow.Tensor_Scalar, aten.pow.Tensor_Tensor)
def _pow(graph, out, x, power):
    if power == 1:
        return x.name
    if power == 2:
        return _square(graph, out, x)
    return graph.add("Pow", tensor(graph, x, out.dtype), tensor(graph, power, out.dtype))


@writes(aten.rsqrt.default)
def _rsqrt(graph, out, x):
    return graph.add("Reciprocal", graph.add("Sqrt", x.name))


@writes(aten.log1p.default)
def _log1p(graph, out, x):
    # ln(1 + x) = 2 artanh(x/(2 + x)): ln of 1 + x has lost x where it is small.
    two = graph.number(2, out.dtype)
    ratio = graph.add("Div", x.name, graph.add("Add", x.name, two))
    return graph.add("Mul", two, graph.add("Atanh", ratio))


@writes(aten.expm1.default)
def _expm1(graph, out, x):
    # e^x − 1 = tanh(x/2) (e^x + 1): the difference would have lost x where it is small.
    half = graph.add("Tanh", graph.add("Mul", x.name, graph.number(0.5, out.dtype)))
    above = graph.add("Add", graph.add("Exp", x.name), graph.number(1, out.dtype))
    return graph.add("Mul", half, above)


@writes(aten.addcmul.default)
def _addcmul(graph, out, x, y, z, value=1):
    product = graph.add("Mul", y.name, z.name)
    if abs(value) != 1:
        product = graph.add("Mul", product, graph.number(abs(value), out.dtype))
    return graph.add("Add" if value > 0 else "Sub", x.name, product)


@writes(aten.sigmoid_backward.default)
def _sigmoid_backward(graph, out, grad, y):
    slope = graph.add("Mul", y.name, graph.add("Sub", graph.number(1, out.dtype), y.name))
    return graph.add("Mul", grad.name, slope)


@writes(aten.threshold_backward.default)
def _threshold_backward(graph, out, grad, x, threshold):
    above = graph.add("Greater", x.name, graph.number(threshold, x.dtype))
    return graph.add("Where", above, grad.name, graph.number(0, out.dtype))


@writes(aten.clamp.default, aten.clamp_min.default)
def _clamp(graph, out, x, min=None, max=None):
    ends = ["" if end is None else graph.number(end, out.dtype) for end in (min, max)]
    return graph.add("Clip", x.name, *(ends if ends[1] else ends[:1]))


@writes(aten.where.self)
def _where(graph, out, condition, x, y):
    condition, x, y = narrowed(out, condition, x, y)
    return graph.add(
        "Where", condition.name, tensor(graph, x, out.dtype), tensor(graph, y, out.dtype)
    )


@writes(aten.masked_fill.Scalar, aten.masked_fill.Tensor)
def _masked_fill(graph, out, x, mask, value):
    return graph.add("Where", mask.name, tensor(graph, value, out.dtype), x.name)


def _reduction(kind: str) -> Writer:
    def write(graph, out, x, axes=None, keepdim=False, dtype=None):
        axes = range(len(x.shape)) if axes is None or axes == [] else axes
        axes = axes if isinstance(axes, range | list | tuple) else [axes]
        return graph.add(kind, x.name, graph.integers(*axes), keepdims=int(keepdim))

    return write


writes(aten.sum.dim_IntList, aten.sum.default)(_reduction("ReduceSum"))
writes(aten.mean.dim, aten.mean.default)(_reduction("ReduceMean"))
writes(aten.amax.default)(_reduction("ReduceMax"))


@writes(aten.argmax.default)
def _argmax(graph, out, x, axis, keepdim=False):
    return graph.add("ArgMax", x.name, axis=axis, keepdims=int(keepdim))


@writes(aten.mm.default, aten.bmm.default, aten.matmul.default)
def _matmul(graph, out, x, y):
    return graph.add("MatMul", x.name, y.name)


@writes(aten.convolution.default)
def _convolution(graph, out, x, weight, bias, stride, padding, dilation, transposed, _, groups):
    names = [x.name, weight.name] + ([bias.name] if bias is not None else [])
    return graph.add("Conv", *names, group=groups)


@writes(aten.view.default, aten._unsafe_view.default, aten.reshape.default)
def _view(graph, out, x, shape):
    return graph.add("Reshape", x.name, graph.sizes(shape, reshaping=True))


@writes(aten.permute.default)
def _permute(graph, out, x, order):
    return graph.add("Transpose", x.name, perm=[axis % len(order) for axis in order])


@writes(aten.transpose.int)
def _transpose(graph, out, x, a, b):
    order = list(range(len(x.shape)))
    order[a], order[b] = order[b], order[a]
    return graph.add("Transpose", x.name, perm=order)


@writes(aten.t.default)
def _t(graph, out, x):
    return graph.add("Transpose", x.name, perm=[1, 0])


@writes(aten.unsqueeze.default)
def _unsqueeze(graph, out, x, axis):
    return graph.add("Unsqueeze", x.name, graph.integers(axis))


@writes(aten.squeeze.dim)
def _squeeze(graph, out, x, axis):
    return graph.add("Squeeze", x.name, graph.integers(axis))


@writes(aten.select.int)
def _select(graph, out, x, axis, index):
    return graph.add("Gather", x.name, graph.constant(torch.tensor(index)), axis=axis)


@writes(aten.slice.Tensor)
def _slice(graph, out, x, axis=0, start=0, end=2**63 - 1, step=1):
    end = 2**63 - 1 if end is None else end
    cut = (graph.integers(n) for n in (start or 0, end, axis, step))
    return graph.add("Slice", x.name, *cut)


@writes(aten.cat.default)
def _cat(graph, out, parts, axis=0):
    return graph.add("Concat", *(part.name for part in parts), axis=axis)


@writes(aten.unfold.default)
def _unfold(graph, out, x, axis, size, step):
    axis %= len(x.shape)
    n = (int(x.shape[axis]) - size) // step + 1
    index = torch.arange(n)[:, None] * step + torch.arange(size)
    found = graph.add("Gather", x.name, graph.constant(index), axis=axis)
    order = [a for a in range(len(x.shape) + 1) if a != axis + 1] + [axis + 1]
    return graph.add("Transpose", found, perm=order)


@writes(aten.diagonal.default)
def _diagonal(graph, out, x, offset=0, dim1=-2, dim2=-1):
    # The last two axes, of one size: every (n + 1)-th of their n² elements.
    n = int(x.shape[-1])
    flat = graph.add("Reshape", x.name, graph.integers(*[0] * (len(x.shape) - 2), n * n))
    cut = (graph.integers(k) for k in (0, n * n, len(x.shape) - 2, n + 1))
    return graph.add("Slice", flat, *cut)


@writes(aten.constant_pad_nd.default)
def _pad(graph, out, x, pads, value=0.0):
    before, after = [0] * len(x.shape), [0] * len(x.shape)
    for k in range(len(pads) // 2):
        before[-1 - k], after[-1 - k] = pads[2 * k], pads[2 * k + 1]
    return graph.add("Pad", x.name, graph.integers(*before, *after), tensor(graph, value, x.dtype))


@writes(aten.triu.default)
def _triu(graph, out, x, diagonal=0):
    return graph.add("Trilu", x.name, graph.constant(torch.tensor(diagonal)), upper=1)


@writes(aten.index_select.default)
def _index_select(graph, out, x, axis, index):
    return graph.add("Gather", x.name, index.name, axis=axis)


@writes(aten.index_copy.default)
def _index_copy(graph, out, x, axis, index, source):
    at = graph.add("Unsqueeze", index.name, graph.integers(-1))
    return graph.add("ScatterND", x.name, at, source.name)


@writes(aten._to_copy.default)
def _cast(graph, out, x, **_):
    return graph.add("Cast", x.name, to=ELEMENTS[out.dtype])
