"""The papers' losses and their rivals, from logits, right at every logit.

Each is ``loss(logits, target, reduction="mean")``, as in `torch.nn.functional.cross_entropy`, but a
probability target may lack the leading axes of the logits, and then all replicas share it. Half
and bfloat16 logits are computed, and their loss returned, in float32. The target is a constant: no
gradient reaches it. A target outside its range is refused where its values can be read; on an
accelerator or under a tracer, where reading would stall the stream, an index outside the classes
makes the loss NaN instead.

Module `stable` derives the forms used; `energies` has the papers' energies by themselves.
"""

from collections.abc import Callable
from math import log, sqrt
from typing import Final

import torch
from torch import Tensor

from golden_lib.losses.arguments import Reduction, admit, reduce
from golden_lib.losses.energies import combined_energy, divergence, dual_energy, energy
from golden_lib.losses.stable import SumOverClasses, below_top
from golden_lib.losses.summands import Divergence, Energy, Sigmoid, Square

__all__ = [
    "LOSSES",
    "combined_energy",
    "cross_entropy",
    "divergence",
    "divergence_loss",
    "dual_energy",
    "energy",
    "energy_loss",
    "find_loss",
    "information_loss",
    "logistic_sse",
    "pointwise",
    "squared_information_loss",
    "sse",
]

Loss = Callable[..., Tensor]


def sse(logits: Tensor, target: Tensor, reduction: Reduction = "mean") -> Tensor:
    r"""Sum of squared errors of the softmax (G20, Eq. 1).

    .. math:: L = \sum_k (y_k - t_k)^2

    Args:
        logits: scores before the softmax, shape ``(..., B, C)``.
        target: class indices ``(..., B)`` or probabilities ``(..., B, C)``.
        reduction: ``"mean"`` over B of the sum over C, ``"sum"``, or ``"none"`` for ``(..., B)``.

    Returns:
        The loss, shape ``(...)``: one number for each replica.

    Raises:
        ValueError: if a dtype, a shape or a class does not fit, or `reduction` is unknown.
    """
    return _over_classes("sse", logits, target, reduction)


def information_loss(logits: Tensor, target: Tensor, reduction: Reduction = "mean") -> Tensor:
    r"""Information loss of G20, Eq. 21, least at y = t with 1/(1 + 1/√2) a class.

    .. math:: L(d) = \frac{1}{1 + e^{-E^*(d)/\sqrt 2}}, \quad d = (y - t + 1)\,\pi/4

    Its energy has the sign of G22, Eq. 24. With the sign that G20, Eq. 9 prints, y = t would be the
    maximum, against that paper's text and its Eq. 22.

    Args:
        logits: scores before the softmax, shape ``(..., B, C)``.
        target: class indices ``(..., B)`` or probabilities ``(..., B, C)``.
        reduction: ``"mean"`` over B of the sum over C, ``"sum"``, or ``"none"`` for ``(..., B)``.

    Returns:
        The loss, shape ``(...)``: one number for each replica.

    Raises:
        ValueError: if a dtype, a shape or a class does not fit, or `reduction` is unknown.
    """
    return _over_classes("information", logits, target, reduction)


def squared_information_loss(
    logits: Tensor, target: Tensor, reduction: Reduction = "mean"
) -> Tensor:
    r"""Squared information loss of G20, Eq. 24, least at y = t with 1/4 a class.

    .. math:: L(d) = \Bigl(1 + e^{-(E^*(d) - E^*(\pi/4))/\sqrt 2}\Bigr)^{-2}

    With d and the sign of E* as in `information_loss`.

    Args:
        logits: scores before the softmax, shape ``(..., B, C)``.
        target: class indices ``(..., B)`` or probabilities ``(..., B, C)``.
        reduction: ``"mean"`` over B of the sum over C, ``"sum"``, or ``"none"`` for ``(..., B)``.

    Returns:
        The loss, shape ``(...)``: one number for each replica.

    Raises:
        ValueError: if a dtype, a shape or a class does not fit, or `reduction` is unknown.
    """
    return _over_classes("squared_information", logits, target, reduction)


def energy_loss(logits: Tensor, target: Tensor, reduction: Reduction = "mean") -> Tensor:
    r"""Energy loss of G22, Eq. 26: a sigmoid of the combined energy, least at y = t with 1/√2.

    .. math:: L(d) = \frac{\sqrt 2}{1 + e^{-(E^*(d) - E^*(\pi/4))/2}}, \quad d = (y - t + 1)\,\pi/4

    Args:
        logits: scores before the softmax, shape ``(..., B, C)``.
        target: class indices ``(..., B)`` or probabilities ``(..., B, C)``.
        reduction: ``"mean"`` over B of the sum over C, ``"sum"``, or ``"none"`` for ``(..., B)``.

    Returns:
        The loss, shape ``(...)``: one number for each replica.

    Raises:
        ValueError: if a dtype, a shape or a class does not fit, or `reduction` is unknown.
    """
    return _over_classes("energy", logits, target, reduction)


def divergence_loss(logits: Tensor, target: Tensor, reduction: Reduction = "mean") -> Tensor:
    r"""Divergence loss of D21, Eq. 26, least at y = t with 1/2 a class; not symmetric in y − t.

    .. math:: L(d) = \frac{1}{1 + e^{-D(\cos^2 d)/\sin d}}, \quad d = (y - t + 1)\,\pi/4

    Args:
        logits: scores before the softmax, shape ``(..., B, C)``.
        target: class indices ``(..., B)`` or probabilities ``(..., B, C)``.
        reduction: ``"mean"`` over B of the sum over C, ``"sum"``, or ``"none"`` for ``(..., B)``.

    Returns:
        The loss, shape ``(...)``: one number for each replica.

    Raises:
        ValueError: if a dtype, a shape or a class does not fit, or `reduction` is unknown.
    """
    return _over_classes("divergence", logits, target, reduction)


def cross_entropy(logits: Tensor, target: Tensor, reduction: Reduction = "mean") -> Tensor:
    r"""Cross-entropy of the softmax (G22, Eq. 3).

    .. math:: L = -\sum_k t_k \ln y_k

    `torch.nn.functional.cross_entropy` has the same value, but for a confident and right y its
    gradient y − 1 has lost its digits, and its mean exports to ONNX B times too large.

    Args:
        logits: scores before the softmax, shape ``(..., B, C)``.
        target: class indices ``(..., B)`` or probabilities ``(..., B, C)``.
        reduction: ``"mean"`` over B of the sum over C, ``"sum"``, or ``"none"`` for ``(..., B)``.

    Returns:
        The loss, shape ``(...)``: one number for each replica.

    Raises:
        ValueError: if a dtype, a shape or a class does not fit, or `reduction` is unknown.
    """
    z, t = admit(logits, target, reduction)
    # ln y = (zⱼ − z_M) − ln(1 + ρ), ρ summed without the largest class M: with it, ρ < eps is lost.
    top = torch.arange(z.shape[-1], device=z.device) == z.argmax(-1, keepdim=True)
    a, _ = below_top(z, top)
    others = a.masked_fill(top, -torch.inf).exp().sum(-1)
    # zⱼ − z_M is masked where it is 0, as its derivatives 1 − 1 would not cancel to every digit.
    return reduce(t.sum(-1) * others.log1p() - (t * a.masked_fill(top, 0.0)).sum(-1), reduction)


def logistic_sse(logits: Tensor, target: Tensor, reduction: Reduction = "mean") -> Tensor:
    r"""Sum of squared errors of logistic output units, no softmax (DLR, Methods).

    .. math:: L = \sum_k (\sigma(z_k) - t_k)^2

    Args:
        logits: each unit's input z, shape ``(..., B, C)``.
        target: class indices ``(..., B)`` or each unit's target in [0, 1], ``(..., B, C)``.
        reduction: ``"mean"`` over B of the sum over C, ``"sum"``, or ``"none"`` for ``(..., B)``.

    Returns:
        The loss, shape ``(...)``: one number for each replica.

    Raises:
        ValueError: if a dtype, a shape or a class does not fit, or `reduction` is unknown.
    """
    z, t = admit(logits, target, reduction)
    # σ(z) − t = (1 − t) − σ(−z): the side where σ ≤ 1/2 keeps the digits of σ, 1 − σ and σ′, and
    # its exponential does not overflow.
    positive = z > 0
    u = torch.where(positive, -z, z).exp()
    return reduce((u / (1 + u) - torch.where(positive, 1 - t, t)).square().sum(-1), reduction)


LOSSES: Final[dict[str, Loss]] = {
    "sse": sse,
    "information": information_loss,
    "squared_information": squared_information_loss,
    "energy": energy_loss,
    "divergence": divergence_loss,
    "cross_entropy": cross_entropy,
    "logistic_sse": logistic_sse,
}
"""Every loss by the name that the rest of the library uses."""

_SUMMANDS: Final[dict[str, Square | Sigmoid]] = {
    "sse": Square(),
    "information": Energy(rate=1 / 2, offset=log(2)),
    "squared_information": Energy(rate=1 / 2, power=2),
    "energy": Energy(rate=1 / (2 * sqrt(2)), scale=sqrt(2)),
    "divergence": Divergence(),
    "logistic_sse": Square(),
}


def find_loss(name: str) -> Loss:
    """Return the loss called `name`.

    Raises:
        ValueError: if there is none; the message lists those there are.
    """
    if name not in LOSSES:
        raise ValueError(f"loss must be one of {', '.join(LOSSES)}, got {name!r}")
    return LOSSES[name]


def pointwise(name: str, y: Tensor, t: Tensor) -> Tensor:
    """One class's summand as a function of probabilities, for surfaces and their curvature.

    Finite also at the corners |y − t| = 1, except cross-entropy, whose −t ln y is inf at y = 0 < t.

    Args:
        name: a name in `LOSSES`; y is the unit's output for ``"logistic_sse"``.
        y: output in [0, 1], any shape.
        t: target in [0, 1], a shape that broadcasts with `y`.

    Returns:
        The summand, the common shape; differentiable twice in y inside the square.

    Raises:
        ValueError: if `name` is unknown.
    """
    find_loss(name)
    if name == "cross_entropy":
        return -torch.xlogy(t, y)
    return _SUMMANDS[name].at(y - t)


def _over_classes(name: str, logits: Tensor, target: Tensor, reduction: Reduction) -> Tensor:
    z, t = admit(logits, target, reduction)
    return reduce(SumOverClasses.apply(z, t, _SUMMANDS[name])[0], reduction)
