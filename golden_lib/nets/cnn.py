"""The convolutional network of the golden-ratio papers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from golden_lib.nets.layers import layers
from golden_lib.nets.network import Params, Pull, check_size, draw, images
from golden_lib.nets.patches import KERNEL, TAPS, WINDOW, Patches, batch_last

EVALUATED = 128
"""Images of a group that are evaluated together."""


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
    eps: ClassVar[float] = 1e-5
    momentum: ClassVar[float] = 0.1

    def __post_init__(self):
        check_size("filters", self.filters)
        check_size("classes", self.classes)

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
        width = self.filters * WINDOW**2
        shapes = {
            "conv.weight": (self.filters, 1, KERNEL, KERNEL),
            "conv.bias": (self.filters,),
            "head.weight": (self.classes, width),
            "head.bias": (self.classes,),
        }
        inputs = {"conv": TAPS, "head": width}
        drawn = draw(shapes, inputs, seeds, dtype, device)
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
        if train:
            return self.vjp(params, buffers, x)[:2]
        weight = params["conv.weight"].flatten(2)
        x = images(x, len(weight))
        x = x if x.dim() == 4 else x[None]
        scale = params["norm.weight"] * (buffers["norm.running_var"] + self.eps).rsqrt()
        mean = buffers["norm.running_mean"] - params["conv.bias"]
        affine = torch.cat(
            [weight * scale[..., None], (params["norm.bias"] - mean * scale)[..., None]], -1
        )
        parts = []
        for part in x.split(EVALUATED, 1):
            pixels = batch_last(part)
            scores, _ = layers(pixels, affine, params["head.weight"], keep=False)
            parts.append(scores + params["head.bias"][..., None])
        return torch.cat(parts, -1).mT, buffers

    def vjp(self, params: Params, buffers: Params, x: Tensor) -> tuple[Tensor, Params, Pull]:
        r"""Compute the logits in training and their vector-Jacobian product; see `vjp_of`.

        With :math:`s = γ/σ`, :math:`σ^2 = w^T C w + ε`, the layer is :math:`\max(0, s w^T P + β)`.
        Given D, the gradient by what is in the brackets, :math:`U = D P^T` is all that is needed:

        .. math:: ∂w = s U - \frac{(w · U) γ}{σ^3} C w, \quad ∂γ = \frac{w · U}{σ}, \quad
            ∂β = D 1.

        Args:
            params: parameters as made by `init`.
            buffers: running statistics as made by `init`.
            x: images, shared or own (see the module).

        Returns:
            Logits ``(R, B, C)``, the buffers after this batch, and the gradients' function.

        Raises:
            ValueError: if x is not images, or has a leading axis other than R.
        """
        weight, gain = params["conv.weight"].flatten(2), params["norm.weight"]
        x = images(x, len(weight))
        seen = Patches(x if x.dim() == 4 else x[None])
        groups = len(seen.mean)

        def at_mean(w: Tensor) -> Tensor:
            return torch.bmm(w.view(groups, -1, TAPS), seen.mean[..., None]).view(w.shape[:2])

        toward = torch.bmm(weight.view(groups, -1, TAPS), seen.covariance).view_as(weight)
        variance = (toward * weight).sum(-1)
        rate = (variance + self.eps).rsqrt()
        scale = (gain * rate)[..., None]
        filters = weight * scale
        affine = torch.cat([filters, (params["norm.bias"] - at_mean(filters))[..., None]], -1)
        with torch.no_grad():
            mean = at_mean(weight) + weight.sum(-1) * seen.level[:, None] + params["conv.bias"]
            unbiased = variance * (seen.count / (seen.count - 1))
            now = {"norm.running_mean": mean, "norm.running_var": unbiased}
            buffers = {k: b + self.momentum * (now[k] - b) for k, b in buffers.items()}
        scores, pull_layers = layers(seen.pixels, affine, params["head.weight"])

        def pull(dlogits: Tensor) -> Params:
            dz = dlogits.mT.contiguous()
            daffine, dhead = pull_layers(dz)
            dbias = daffine[..., -1]
            # The patches were not centred: less what their mean adds, these are U.
            U = daffine[..., :-1] - dbias[..., None] * seen.mean[:, None]
            along = (U * weight).sum(-1)
            dweight = U * scale - (along * gain * rate**3)[..., None] * toward
            return {
                "conv.weight": dweight.view_as(params["conv.weight"]),
                "conv.bias": torch.zeros_like(params["conv.bias"]),
                "head.weight": dhead,
                "head.bias": dz.sum(-1),
                "norm.weight": along * rate,
                "norm.bias": dbias,
            }

        return (scores + params["head.bias"][..., None]).mT, buffers, pull

    def first_layer(self, params: Params) -> Tensor:
        """The filters as small images, ``(R, 20, 5, 5)``."""
        return params["conv.weight"][:, :, 0]
