"""The convolutional network of the golden-ratio papers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from golden_lib.nets.network import SIDE, Params, Pull, check_size, draw, images


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
        width = self.filters * (SIDE - self.kernel + 1) ** 2
        shapes = {
            "conv.weight": (self.filters, 1, self.kernel, self.kernel),
            "conv.bias": (self.filters,),
            "head.weight": (self.classes, width),
            "head.bias": (self.classes,),
        }
        inputs = {"conv": self.kernel**2, "head": width}
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
        variance, mean = buffers["norm.running_var"], buffers["norm.running_mean"]
        scale = params["norm.weight"] * (variance + self.eps).rsqrt()
        shift = params["norm.bias"] + (params["conv.bias"] - mean) * scale
        patches = self._patches(x)
        logits, _ = self._logits(params, weight * scale[..., None], shift, self._with_ones(patches))
        return logits, buffers

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
        weight, gain, head = (
            params["conv.weight"].flatten(2),
            params["norm.weight"],
            params["head.weight"],
        )
        patches = self._patches(images(x, len(weight)))
        mean = patches.mean(-1, keepdim=True)
        patches = patches - mean
        covariance = patches @ patches.mT / patches.shape[-1]
        along = weight @ covariance
        variance = (along * weight).sum(-1)
        rate = (variance + self.eps).rsqrt()
        scale = (gain * rate)[..., None]
        buffers = self._moved(buffers, params, weight, mean, variance, patches.shape[-1])
        inputs = self._with_ones(patches)
        logits, active = self._logits(params, weight * scale, params["norm.bias"], inputs)

        def pull(dlogits: Tensor) -> Params:
            dz = dlogits.mT
            dactive = (head.mT @ dz) * (active > 0)
            daffine = dactive.view(*weight.shape[:2], -1) @ inputs.mT
            along_weight = (daffine[..., :-1] * weight).sum(-1)
            dvariance = along_weight * gain * rate**3
            dweight = daffine[..., :-1] * scale - dvariance[..., None] * along
            return {
                "conv.weight": dweight.view_as(params["conv.weight"]),
                "conv.bias": torch.zeros_like(params["conv.bias"]),
                "head.weight": dz @ active.mT,
                "head.bias": dz.sum(-1),
                "norm.weight": along_weight * rate,
                "norm.bias": daffine[..., -1],
            }

        return logits, buffers, pull

    def first_layer(self, params: Params) -> Tensor:
        """The filters as small images, ``(R, 20, 5, 5)``."""
        return params["conv.weight"][:, :, 0]

    def _logits(self, params, weight, shift, inputs) -> tuple[Tensor, Tensor]:
        """Logits ``(R, B, C)`` and units ``(R, 20·576, B)`` of patches with a row of ones."""
        # A row of ones carries the shift: adding it afterwards is a pass over all activations, a
        # quarter of the step at R = 4.
        affine = torch.cat([weight, shift[..., None]], -1)
        active = (affine @ inputs).relu()
        active = active.view(len(weight), params["head.weight"].shape[-1], -1)
        logits = params["head.weight"] @ active + params["head.bias"][..., None]
        return logits.mT, active

    def _with_ones(self, patches: Tensor) -> Tensor:
        return torch.cat([patches, torch.ones_like(patches[..., :1, :])], -2)

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
