"""The papers' two networks, written for R networks at once.

Every tensor carries a leading replica axis R, also when R = 1. Parameters are named and laid out as
in a `torch.nn.Sequential` with children `conv`, `norm`, `head` (or `hidden`, `output`), so
``{name: tensor[r] for name, tensor in params.items()}`` is the ``state_dict`` of replica r alone.

Images come as ``(B, 28, 28)`` or ``(B, 784)``, seen by all replicas, or with a leading R, own to
each. Inside, the batch stands last: the first layer is then one wide product over the filters of
all replicas, and its result is the head's input without a copy.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from typing import ClassVar, Protocol

import torch
from torch import Tensor

Params = dict[str, Tensor]
"""Tensors by name, each with leading R."""

SIDE = 28
"""Pixels along an image's side."""


class Network(Protocol):
    """What the trainer asks of a network; `Cnn` and `Mlp` are two."""

    name: ClassVar[str]
    classes: int

    def init(self, seeds: Sequence[int], dtype=torch.float32, device="cpu"):
        """Draw one network per seed: ``(params, buffers)``."""

    def forward(self, params: Params, buffers: Params, x: Tensor, train: bool):
        """Compute ``(logits (R, B, C), new buffers)``."""

    def first_layer(self, params: Params) -> Tensor:
        """View the first layer's weights as images, ``(R, units, height, width)``."""


@dataclass(frozen=True)
class Cnn:
    r"""Convolution, batch normalisation, ReLU, fully connected (G20, Figure 3; G22, Figure 2).

    28×28 → 20 filters 5×5, no padding → batch normalisation → ReLU → 20·24·24 → 10:
    115,770 parameters at the papers' size.

    In training the batch statistics are taken from the patches, not from the filtered images: with
    P the N = 576 B patches, centred, and :math:`C = P P^T / N`, the output :math:`w^T P` of a
    filter w has mean 0 and variance :math:`w^T C w` exactly. That saves two passes over the
    activations, and the convolution's bias, which batch normalisation cancels, has gradient 0
    exactly; it still enters the running mean, as in `torch.nn.BatchNorm2d`.

    Args:
        filters: number of filters.
        classes: C.

    Source: G20, Section 7; the running statistics follow `torch.nn.BatchNorm2d` (eps 1e-5,
    momentum 0.1, unbiased running variance).
    """

    filters: int = 20
    classes: int = 10
    name: ClassVar[str] = "cnn"
    kernel: ClassVar[int] = 5
    eps: ClassVar[float] = 1e-5
    momentum: ClassVar[float] = 0.1

    def __post_init__(self):
        _check_size("filters", self.filters)
        _check_size("classes", self.classes)

    def init(
        self, seeds: Sequence[int], dtype: torch.dtype = torch.float32, device="cpu"
    ) -> tuple[Params, Params]:
        r"""Draw the networks as `torch.nn` does: :math:`U(-1/\sqrt{n}, 1/\sqrt{n})`, n inputs.

        Gains are 1, the normalisation's biases 0. Replica r depends on ``seeds[r]`` alone and is,
        in float32, the `Conv2d` and `Linear` made after ``torch.manual_seed(seeds[r])``.

        Args:
            seeds: R integers, 0 ≤ seed < 2³².
            dtype: of all tensors; float64 holds the float32 draw.
            device: where the tensors go.

        Returns:
            Parameters and buffers (running mean and variance).

        Raises:
            ValueError: if there is no seed or one is out of range.
        """
        width = self.filters * (SIDE - self.kernel + 1) ** 2
        shapes = {
            "conv.weight": (self.filters, 1, self.kernel, self.kernel),
            "conv.bias": (self.filters,),
            "head.weight": (self.classes, width),
            "head.bias": (self.classes,),
        }
        inputs = {"conv": self.kernel**2, "head": width}
        drawn = _draw(shapes, inputs, seeds, dtype, device)
        ones = torch.ones(len(seeds), self.filters, dtype=dtype, device=device)
        params = {**drawn, "norm.weight": ones, "norm.bias": torch.zeros_like(ones)}
        buffers = {
            "norm.running_mean": torch.zeros_like(ones),
            "norm.running_var": ones.clone(),
        }
        return params, buffers

    def forward(
        self, params: Params, buffers: Params, x: Tensor, train: bool
    ) -> tuple[Tensor, Params]:
        """Compute the logits of every replica.

        Args:
            params: parameters as made by `init`.
            buffers: running statistics as made by `init`.
            x: images, shared or own (see the module).
            train: normalise by the batch and move the running statistics; otherwise normalise by
                the running statistics, image by image, whatever batch an image is in.

        Returns:
            Logits ``(R, B, C)`` and the buffers after this batch (the same ones if not `train`).

        Raises:
            ValueError: if x is not images, or has a leading axis other than R.
        """
        weight = params["conv.weight"].flatten(2)
        x = _images(x, len(weight))
        patches = self._patches(x)
        if train:
            mean = patches.mean(-1, keepdim=True)
            patches = patches - mean
            covariance = patches @ patches.mT / patches.shape[-1]
            variance = ((weight @ covariance) * weight).sum(-1)
            scale = params["norm.weight"] * (variance + self.eps).rsqrt()
            shift = params["norm.bias"]
            buffers = self._moved(buffers, params, weight, mean, variance, patches.shape[-1])
        else:
            variance, mean = buffers["norm.running_var"], buffers["norm.running_mean"]
            scale = params["norm.weight"] * (variance + self.eps).rsqrt()
            shift = params["norm.bias"] + (params["conv.bias"] - mean) * scale
        # A row of ones carries the shift: adding it afterwards is a pass over all activations, a
        # quarter of the step at R = 4.
        ones = torch.ones_like(patches[..., :1, :])
        affine = torch.cat([weight * scale[..., None], shift[..., None]], -1)
        active = (affine @ torch.cat([patches, ones], -2)).relu()
        active = active.reshape(len(weight), -1, x.shape[-3])
        logits = params["head.weight"] @ active + params["head.bias"][..., None]
        return logits.mT, buffers

    def first_layer(self, params: Params) -> Tensor:
        """The filters as small images, ``(R, 20, 5, 5)``."""
        return params["conv.weight"][:, :, 0]

    def _patches(self, x: Tensor) -> Tensor:
        """The 5×5 patches of all images: ``(25, 576 B)`` or ``(R, 25, 576 B)``, batch last."""
        windows = x.movedim(-3, -1).contiguous()
        windows = windows.unfold(-3, self.kernel, 1).unfold(-3, self.kernel, 1)
        windows = windows.movedim((-2, -1), (-5, -4))
        return windows.flatten(-3).flatten(-3, -2)

    def _moved(self, buffers, params, weight, mean, variance, n) -> Params:
        """The running statistics after a batch of n patches, with the unbiased variance."""
        with torch.no_grad():
            mean = (weight @ mean)[..., 0] + params["conv.bias"]
            seen = {"norm.running_mean": mean, "norm.running_var": variance * (n / (n - 1))}
            return {k: buffers[k] + self.momentum * (seen[k] - buffers[k]) for k in buffers}


@dataclass(frozen=True)
class Mlp:
    """The DLR paper's network: 784–H–10, logistic units, no biases (DLR, Methods).

    It returns the logits of the output units: the loss `logistic_sse` puts the logistic function
    on them, as the paper does; every softmax loss works as well.

    Args:
        hidden: H; the paper goes from about 30 to past 100.
        classes: C.

    Source: DLR, Methods.
    """

    hidden: int = 100
    classes: int = 10
    name: ClassVar[str] = "mlp"

    def __post_init__(self):
        _check_size("hidden", self.hidden)
        _check_size("classes", self.classes)

    def init(
        self, seeds: Sequence[int], dtype: torch.dtype = torch.float32, device="cpu"
    ) -> tuple[Params, Params]:
        r"""Draw small weights: :math:`U(-1/\sqrt{n}, 1/\sqrt{n})`, n inputs, as `torch.nn.Linear`.

        The paper wants :math:`α > ‖w_j‖ ≫ |w_{ij}|` at the start: at H = 100 the norm over the
        outgoing weights is about 0.2 in both layers, so α = 1 is ample. Replica r depends on
        ``seeds[r]`` alone and equals, in float32, two `torch.nn.Linear` made after
        ``torch.manual_seed(seeds[r])``.

        Args:
            seeds: R integers, 0 ≤ seed < 2³².
            dtype: of all tensors; float64 holds the float32 draw.
            device: where the tensors go.

        Returns:
            Parameters, and no buffers.

        Raises:
            ValueError: if there is no seed or one is out of range.
        """
        shapes = {
            "hidden.weight": (self.hidden, SIDE**2),
            "output.weight": (self.classes, self.hidden),
        }
        inputs = {"hidden": SIDE**2, "output": self.hidden}
        return _draw(shapes, inputs, seeds, dtype, device), {}

    def forward(
        self, params: Params, buffers: Params, x: Tensor, train: bool = True
    ) -> tuple[Tensor, Params]:
        """Compute the logits of every replica, in training and in evaluation alike.

        Args:
            params: parameters as made by `init`.
            buffers: none.
            x: images, shared or own (see the module).
            train: changes nothing here.

        Returns:
            Logits ``(R, B, C)`` and the buffers as they came.

        Raises:
            ValueError: if x is not images, or has a leading axis other than R.
        """
        weight = params["hidden.weight"]
        inputs = _images(x, len(weight)).flatten(-2).mT
        if inputs.dim() == 2:
            # One wide product; as `weight @ inputs` it is the same and costs 20 µs more of Python.
            sums = torch.mm(weight.flatten(0, 1), inputs).view(*weight.shape[:2], -1)
        else:
            sums = torch.bmm(weight, inputs)
        return torch.bmm(params["output.weight"], sums.sigmoid()).mT, buffers

    def first_layer(self, params: Params) -> Tensor:
        """What each hidden unit looks for, as images ``(R, H, 28, 28)``."""
        return params["hidden.weight"].unflatten(-1, (SIDE, SIDE))


def _images(x: Tensor, replicas: int) -> Tensor:
    """View x as images, ``(B, 28, 28)`` or ``(R, B, 28, 28)``, or refuse it."""
    images = x.unflatten(-1, (SIDE, SIDE)) if x.shape[-1:] == (SIDE**2,) else x
    shared_or_own = images.dim() == 3 or (images.dim() == 4 and images.shape[0] == replicas)
    if not shared_or_own or images.shape[-2:] != (SIDE, SIDE):
        raise ValueError(
            f"x must be (B, 28, 28) or (B, 784), or with a leading R = {replicas}, "
            f"got {tuple(x.shape)}"
        )
    return images


def _check_size(name: str, value: int) -> None:
    if not isinstance(value, int) or value < 1:
        raise ValueError(f"{name} must be a whole number ≥ 1, got {value!r}")


def _draw(shapes, inputs, seeds, dtype, device) -> Params:
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


NETWORKS: dict[str, Network] = {"cnn": Cnn(), "mlp": Mlp()}
"""The papers' networks by name; `Mlp(hidden=30)` or `Cnn(filters=8)` makes another size."""


def find_network(network: str | Network) -> Network:
    """Look up a network by name; a network object is returned as it is.

    Raises:
        ValueError: if there is none of this name; the known ones are listed.
    """
    if not isinstance(network, str):
        return network
    if network not in NETWORKS:
        raise ValueError(f"network must be one of {', '.join(NETWORKS)}, got {network!r}")
    return NETWORKS[network]
