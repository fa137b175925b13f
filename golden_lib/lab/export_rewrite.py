"""The same step in fewer or smaller operators, where an engine pays for each of them.

A traced step multiplies matrices as PyTorch's library calls want them: replicas and rows laid
together, and taken apart again. And it scales a gradient by η when it is as large as the weights,
though it is the product of two small matrices. Both are written here as one would by hand; the
numbers are the same to rounding.
"""

import torch
from torch import fx

aten = torch.ops.aten

_VIEWS = (aten.view.default, aten._unsafe_view.default, aten.reshape.default)
_PRODUCTS = (aten.mm.default, aten.bmm.default, aten.matmul.default)


def rewrite(traced: fx.GraphModule) -> fx.GraphModule:
    """Rewrite a traced function in place, and return it."""
    traced.graph.eliminate_dead_code()  # a product that nobody uses twice is used once
    for node in list(traced.graph.nodes):
        if node.target is aten.mm.default:
            _keep_axes(traced.graph, node)
    for node in list(traced.graph.nodes):
        if node.target is aten.addcmul.default:
            _scale_first(traced.graph, node)
    traced.graph.eliminate_dead_code()
    traced.recompile()
    return traced


def _shape(node: fx.Node) -> list[str]:
    return [str(n) for n in node.meta["val"].shape]


def _keep_axes(graph: fx.Graph, product: fx.Node) -> None:
    """Make ``view(mm(view(x, (-1, k)), y), (..., n))`` the product of x as it is with y."""
    flat, right = product.args
    if flat.target not in _VIEWS or len(product.users) != 1:
        return
    (back,) = product.users
    left = flat.args[0]
    kept = back.target in _VIEWS and _shape(back)[:-1] == _shape(left)[:-1]
    if not kept or _shape(left)[-1] != _shape(flat)[-1] or len(_shape(left)) == 2:
        return
    with graph.inserting_before(back):
        joint = graph.call_function(aten.matmul.default, (left, right))
    joint.meta["val"] = back.meta["val"]
    back.replace_all_uses_with(joint)


def _scale_first(graph: fx.Graph, node: fx.Node) -> None:
    """Make ``a − η (x y)`` the difference ``a − (η x) y``, where η is one number a replica."""
    start, scale, product = node.args
    if product.target not in _PRODUCTS or len(product.users) != 1 or node.kwargs != {"value": -1}:
        return
    left, right = product.args
    single = _shape(scale)[1:] == ["1"] * (len(_shape(left)) - 1)
    if not single or len(_shape(scale)) != len(_shape(left)):
        return
    with graph.inserting_before(node):
        scaled = graph.call_function(aten.mul.Tensor, (scale, left))
        scaled.meta["val"] = left.meta["val"]
        step = graph.call_function(product.target, (scaled, right))
        step.meta["val"] = product.meta["val"]
        moved = graph.call_function(aten.sub.Tensor, (start, step))
        moved.meta["val"] = node.meta["val"]
    node.replace_all_uses_with(moved)
