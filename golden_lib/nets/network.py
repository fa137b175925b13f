"""What a network is to the trainer, and what the networks here have in common."""

from collections.abc import Callable, Sequence
from math import sqrt
from typing import ClassVar, Protocol

import torch
from torch import Tensor
from torch.autograd import forward_ad

Params = dict[str, Tensor]
"""Tensors by name, each with leading R."""

SIDE = 28
"""Pixels along an image's side."""

Pull = Callable[[Tensor], Params]
"""From the gradient by the logits, ``(R, B, C)``, to the gradients by the parameters."""


class Network(Protocol):
    """What the trainer asks of a network; `Cnn` and `Mlp` are two.

    A network of your own may leave `vjp` out: see `vjp_of`.
    """

    name: ClassVar[str]
    classes: int

    def init(self, seeds: Sequence[int], dtype=torch.float32, device="cpu"):
        """Draw one network per seed: ``(params, buffers)``."""

    def forward(self, params: Params, buffers: Params, x: Tensor, train: bool):
        """Compute ``(logits (R, B, C), new buffers)``."""

    def vjp(self, params: Params, buffers: Params, x: Tensor):
        """Compute ``(logits (R, B, C), new buffers, pull)`` in training; see `vjp_of`."""

    def first_layer(self, params: Params) -> Tensor:
        """View the first layer's weights as images, ``(R, units, height, width)``."""


def vjp_of(network: Network) -> Callable[[Params, Params, Tensor], tuple[Tensor, Params, Pull]]:
    """The forward pass of a training step together with the backward pass that belongs to it.

    Named after the vector-Jacobian product that it is: ``vjp(params, buffers, x)`` returns the
    logits ``(R, B, C)``, the buffers after this batch and ``pull``, and ``pull(dlogits)``, with the
    gradient of a loss by the logits, returns that by each parameter, named and shaped like it.

    Args:
        network: its own `vjp` is returned if it has one; otherwise one that goes through autograd,
            so that a network with `forward` alone trains too.
    """
    if hasattr(network, "vjp"):
        return network.vjp

    def vjp(params: Params, buffers: Params, x: Tensor) -> tuple[Tensor, Params, Pull]:
        with torch.enable_grad():
            leaves = {k: w.detach().requires_grad_() for k, w in params.items()}
            logits, moved = network.forward(leaves, buffers, x, train=True)

        def pull(dlogits: Tensor) -> Params:
            grads = torch.autograd.grad(
                logits,
                list(leaves.values()),
                dlogits,
                retain_graph=True,
                allow_unused=True,
                materialize_grads=True,
            )
            return dict(zip(leaves, grads, strict=True))

        return logits.detach(), {k: b.detach() for k, b in moved.items()}, pull

    return vjp


def images(x: Tensor, replicas: int) -> Tensor:
    """View x as images, ``(B, 28, 28)`` or ``(R, B, 28, 28)``, or refuse it."""
    images = x.unflatten(-1, (SIDE, SIDE)) if x.shape[-1:] == (SIDE**2,) else x
    shared_or_own = images.dim() == 3 or (images.dim() == 4 and images.shape[0] == replicas)
    if not shared_or_own or images.shape[-2:] != (SIDE, SIDE):
        raise ValueError(
            f"x must be (B, 28, 28) or (B, 784), or with a leading R = {replicas}, "
            f"got {tuple(x.shape)}"
        )
    return images


def are_numbers(*tensors: Tensor) -> bool:
    """Whether loops can read the tensors, and nobody watches what becomes of them."""
    some = tensors[0]
    if torch.compiler.is_compiling() or some.dtype not in (torch.float32, torch.float64):
        return False
    for t in tensors:
        if t.device.type != "cpu" or t.dtype != some.dtype or t.numel() == 0:
            return False
        if torch.is_grad_enabled() and t.requires_grad:
            return False
        try:
            bool(t[(0,) * t.dim()] == 0)  # a tracer's tensors do not show their numbers
            t.data_ptr()  # torch.func's have none of their own
            if forward_ad.unpack_dual(t).tangent is not None:
                return False
        except RuntimeError:
            return False
    return True


def check_size(name: str, value: int) -> None:
    """Refuse a number of units that is no whole number from 1 on."""
    if not isinstance(value, int) or value < 1:
        raise ValueError(f"{name} must be a whole number ≥ 1, got {value!r}")


def draw(shapes, inputs, seeds, dtype, device) -> Params:
    """Draw uniform tensors in the order of `shapes`, with one generator per replica."""
    if len(seeds) == 0:
        raise ValueError("seeds must hold at least one seed (R ≥ 1), got none")
    drawn = {name: [] for name in shapes}
    for seed in seeds:
        # torch's generator keeps 32 bits of a seed: past them two seeds would be one network.
        if not 0 <= seed < 2**32:
            raise ValueError(f"seed must be in [0, 2**32), got {seed}")
        generator = torch.Generator().manual_seed(int(seed))
        for name, shape in shapes.items():
            bound = 1 / sqrt(inputs[name.partition(".")[0]])
            drawn[name].append(torch.empty(shape).uniform_(-bound, bound, generator=generator))
    return {k: torch.stack(tensors).to(device, dtype) for k, tensors in drawn.items()}
