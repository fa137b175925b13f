"""What stands in for parts of the step while it is traced: the same mathematics, other operators.

- The loss is chosen by an input, and only the chosen one is computed.
- Step 5 of `golden_lib.losses.stable`, half of a loss and rarely needed, is computed where it is.
- The CNN's layers are convolutions: in the browser twice as fast as products with patches.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache, partial
from unittest.mock import patch

import torch
from torch import Tensor, fx
from torch.nn.functional import conv2d

from golden_lib.lab.export_onnx import Graph, Value, choose, conditional
from golden_lib.lab.export_walk import SPECIAL, trace, write
from golden_lib.losses import _SUMMANDS, LOSSES, stable
from golden_lib.nets import cnn, mlp
from golden_lib.nets.patches import KERNEL, WINDOW
from golden_lib.optim import Rule
from golden_lib.training import State, make_step

FLOAT = torch.float32
LOGITS = ("R", "B", 10), FLOAT
ONE_HOT = ("B", 10), FLOAT


@torch.library.custom_op("golden_lab::loss", mutates_args=())
def chosen(logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """The losses ``(R,)`` that an input chooses, and their gradient: in graphs alone."""
    raise NotImplementedError("golden_lab::loss stands in traced graphs alone")


@chosen.register_fake
def _(logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    return logits.new_empty(logits.shape[0]), torch.empty_like(logits)


@torch.library.custom_op("golden_lab::bend", mutates_args=())
def bend(start: Tensor, apart: Tensor, loss: str) -> Tensor:
    """`stable.mean_curvature` of a loss's summand, where `apart` is not 0: in graphs alone."""
    raise NotImplementedError("golden_lab::bend stands in traced graphs alone")


@bend.register_fake
def _(start: Tensor, apart: Tensor, loss: str) -> Tensor:
    return torch.empty_like(apart)


class Chosen(torch.autograd.Function):
    """`chosen` as a loss of `golden_lib.training.make_step`."""

    @staticmethod
    def forward(ctx, logits: Tensor, target: Tensor) -> Tensor:
        """Return the losses, ``(R,)``."""
        losses, gradient = chosen(logits, target)
        ctx.save_for_backward(gradient)
        return losses

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, None]:
        """Return their gradient; the step asks for that of their sum."""
        return ctx.saved_tensors[0], None


class Watched:
    """`Chosen` as a loss of `make_step` that remembers the logits it was given."""

    def __call__(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the losses, ``(R,)``."""
        self.logits = logits.detach()
        return Chosen.apply(logits, target)


class Given(torch.autograd.Function):
    """Losses that are known, as a loss of `golden_lib.training.make_step`."""

    @staticmethod
    def forward(ctx, logits: Tensor, losses: Tensor) -> Tensor:
        """Return the losses, ``(R,)``."""
        ctx.save_for_backward(logits)
        return losses.clone()

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, None]:
        """Return a gradient that nobody asks for."""
        return torch.zeros_like(ctx.saved_tensors[0]), None


class Shown:
    """A network that says what it is given, and learns nothing."""

    name = "shown"

    def vjp(self, params: dict, buffers: dict, x: Tensor):
        """Return the logits, the buffers, and gradients of nothing."""
        return params["logits"], buffers, lambda dlogits: {}


@cache
def metrics_graph() -> fx.GraphModule:
    """The metrics of `make_step`, traced: of R networks with targets of their own."""
    rule = Rule(lambda params: {}, lambda params, grads, memory, eta, alpha: (params, memory))

    def metrics(logits: Tensor, losses: Tensor, target: Tensor) -> tuple[Tensor, ...]:
        step = make_step(Shown(), lambda z, _: Given.apply(z, losses), rule)
        hyper = {"eta": losses, "alpha": losses}
        _, seen = step(State({"logits": logits}, {}, {}), (target, target), hyper)
        return seen["loss"], seen["accuracy"], seen["finite"].to(FLOAT)

    return trace(metrics, [LOGITS, (("R",), FLOAT), LOGITS])


def write_metrics(graph: Graph, logits: str, losses: str, target: str) -> list[str]:
    """Write the metrics of T steps at once, as of T · R networks, behind the loop over steps.

    Args:
        graph: where.
        logits: name of ``(T, R, B, 10)``.
        losses: name of ``(T, R)``.
        target: name of ``(T, B, 10)``.

    Returns:
        Names of the metrics, each ``(T, R)``.
    """
    own = graph.add("Unsqueeze", target, graph.integers(1))
    own = graph.add("Expand", own, graph.add("Shape", logits))
    single = Value(losses, FLOAT, ("T", "R"))
    joint = [graph.size(single, axis).name for axis in (0, 1)]
    joint = graph.add("Concat", *joint, axis=0)
    flat = graph.add("Shape", logits, start=2)
    flat = graph.add("Concat", graph.integers(-1), flat, axis=0)
    given = [
        Value(graph.add("Reshape", name, shape), FLOAT, axes)
        for name, shape, axes in (
            (logits, flat, ("TR", "B", 10)),
            (losses, graph.integers(-1), ("TR",)),
            (own, flat, ("TR", "B", 10)),
        )
    ]
    return [graph.add("Reshape", v.name, joint) for v in write(graph, metrics_graph(), given)]


@cache
def loss_graph(name: str) -> fx.GraphModule:
    """A loss of the library with its gradient, traced."""
    summand = {"summand": name}

    def value_and_slope(logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        with torch.enable_grad():
            logits = logits.detach().requires_grad_()
            losses = LOSSES[name](logits, target)
            (slope,) = torch.autograd.grad(losses, logits, torch.ones_like(losses))
        return losses.detach(), slope

    def stand_in(_, start: Tensor, apart: Tensor) -> Tensor:
        return bend(start, apart, summand["summand"])

    with patch.object(stable, "mean_curvature", stand_in):
        return trace(value_and_slope, [LOGITS, ONE_HOT])


@cache
def bend_graph(name: str) -> fx.GraphModule:
    """`stable.mean_curvature` of a loss, traced."""

    def curvature(start: Tensor, apart: Tensor) -> tuple[Tensor]:
        return (stable.mean_curvature(_SUMMANDS[name], start, apart),)

    return trace(curvature, [(("R", "B", 1), FLOAT), LOGITS])


def _write_loss(graph: Graph, made, logits: Value, target: Value) -> list[Value]:
    def computed(g: Graph, name: str) -> list[str]:
        return [v.name for v in write(g, loss_graph(name), [logits, target])]

    if graph.loss:
        names = computed(graph, graph.loss)
    else:
        branches = [partial(computed, name=name) for name in LOSSES]
        names = choose(graph, "loss", branches, [FLOAT, FLOAT])
    return [Value(name, FLOAT, tuple(t.shape)) for name, t in zip(names, made, strict=True)]


def _write_bend(graph: Graph, made, start: Value, apart: Value, loss: str) -> Value:
    size = graph.add("ReduceMax", graph.add("Abs", apart.name), keepdims=0)
    needed = graph.add("Greater", size, graph.number(0, FLOAT))
    (name,) = conditional(
        graph,
        needed,
        lambda g: [write(g, bend_graph(loss), [start, apart])[0].name],
        lambda g: [g.add("Identity", apart.name)],
        [FLOAT],
    )
    return Value(name, FLOAT, tuple(made.shape))


SPECIAL[torch.ops.golden_lab.loss.default] = _write_loss
SPECIAL[torch.ops.golden_lab.bend.default] = _write_bend


def in_convolutions(x: Tensor, affine: Tensor, head: Tensor, keep: bool = True):
    """Do what `golden_lib.nets.layers.layers` does, of images that all replicas share."""
    R, F, _ = affine.shape
    images = x[0].movedim(-1, 0)
    taps, shift = affine[..., :-1].reshape(R * F, 1, KERNEL, KERNEL), affine[..., -1].flatten()
    units = conv2d(images[:, None], taps, shift).relu()
    own = units.view(-1, R, F * WINDOW**2).transpose(0, 1)

    def pull(dz: Tensor) -> tuple[Tensor, Tensor]:
        dunits = torch.bmm(dz.mT, head).transpose(0, 1).reshape(units.shape)
        dsums = torch.ops.aten.threshold_backward(dunits, units, 0)
        dtaps = conv2d(images[None], dsums.transpose(0, 1)).view(R, F, KERNEL**2)
        dshift = dsums.sum((0, 2, 3)).view(R, F, 1)
        return torch.cat([dtaps, dshift], -1), torch.bmm(dz, own)

    return torch.bmm(own, head.mT).mT, pull


def _size(x) -> int:
    return x.shape[0] if isinstance(x, Tensor) else len(x)


def _as_they_are(x: Tensor, _) -> Tensor:
    """Images of any number of pixels, with the axis that the network will flatten."""
    return x[..., None, :]


@contextmanager
def lowered(any_pixels: bool = False) -> Iterator[None]:
    """While it lasts, the CNN's layers are convolutions, and R is an open size of the networks.

    Python's `len` makes a number of an open size; `shape` does not.

    Args:
        any_pixels: whether the Mlp also takes images of another size than 28 × 28.
    """
    with (
        patch.object(cnn, "layers", in_convolutions),
        patch.object(cnn, "len", _size, create=True),
        patch.object(mlp, "len", _size, create=True),
        patch.object(mlp, "images", _as_they_are if any_pixels else mlp.images),
    ):
        yield
