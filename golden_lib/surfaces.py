"""Arrays behind the figures: losses over the angle and over (y, t), and what η and α do.

All take and return NumPy arrays in float64; `golden_lib.figures` draws them.
"""

from collections.abc import Iterable
from math import pi
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from golden_lib.losses import LOSSES, pointwise

Array = NDArray[np.float64]

ANGLE_LOSSES = tuple(name for name in LOSSES if name not in ("cross_entropy", "logistic_sse"))
"""The losses whose summand depends on y − t alone, so on the angle d; `sse` is one of them."""


class AngleProfile(NamedTuple):
    """A loss along the angle: all of shape ``(N,)``."""

    d: Array
    """Angle in radians, inside (0, π/2)."""
    value: Array
    """L(d), the summand of one class."""
    slope: Array
    """dL/dd, per radian."""


def angle_profile(name: str, count: int = 400, margin: float = 1e-3) -> AngleProfile:
    r"""Summand of a loss, and its derivative, over the angle d = (y − t + 1) π/4 (G22, Eq. 23).

    Args:
        name: one of `ANGLE_LOSSES`.
        count: N; odd numbers include d = π/4.
        margin: distance kept from d = 0 and d = π/2, in radians, where slopes are infinite.

    Raises:
        ValueError: if the loss does not depend on d alone.
    """
    if name not in ANGLE_LOSSES:
        raise ValueError(f"name must be one of {', '.join(ANGLE_LOSSES)}, got {name!r}")
    d = torch.linspace(margin, pi / 2 - margin, count, dtype=torch.float64, requires_grad=True)
    error = 4 * d / pi - 1
    # y − t = error with both in [0, 1]: t is 0 where the output is too high, 1 where too low.
    t = (error.detach() < 0).double()
    value = pointwise(name, error + t, t)
    (slope,) = torch.autograd.grad(value.sum(), d)
    return AngleProfile(*(array.detach().numpy() for array in (d, value, slope)))


def curvature(name: str) -> float:
    """Second derivative in y of a loss's summand at y = t = 1/2, where every loss is least.

    The larger it is, the smaller the η with which a step near the optimum overshoots.

    Raises:
        ValueError: if the name is no loss.
    """
    y = torch.tensor(0.5, dtype=torch.float64, requires_grad=True)
    value = pointwise(name, y, torch.tensor(0.5, dtype=torch.float64))
    (slope,) = torch.autograd.grad(value, y, create_graph=True)
    (bend,) = torch.autograd.grad(slope, y)
    return float(bend)


class LossSurface(NamedTuple):
    """Losses over the unit square."""

    y: Array
    """Outputs, shape ``(N,)``."""
    t: Array
    """Targets, shape ``(N,)``."""
    values: dict[str, Array]
    """Name → summand of shape ``(N, N)``, t down and y across."""


def loss_surface(names: Iterable[str], count: int = 41, margin: float = 0.0) -> LossSurface:
    """Summands of losses over output y and target t.

    Args:
        names: names in `LOSSES`.
        count: N points along each side.
        margin: distance kept from y = 0 and y = 1, where cross-entropy is infinite.
    """
    y = torch.linspace(margin, 1 - margin, count, dtype=torch.float64)
    t = torch.linspace(0, 1, count, dtype=torch.float64)
    values = {name: pointwise(name, y, t.unsqueeze(1)).numpy() for name in names}
    return LossSurface(y.numpy(), t.numpy(), values)


def momentum_rate(eta: ArrayLike, alpha: ArrayLike, curvature: ArrayLike) -> Array:
    r"""Factor by which a step of the delta rule shrinks the error on a parabola, in the long run.

    On the cost ½λw² the rule Δw(t) = −ηλw + α Δw(t−1) (G22, Eq. 27) multiplies (w, Δw) by a matrix
    with characteristic polynomial

    .. math:: z^2 - (1 + \alpha - \eta\lambda)\, z + \alpha

    and its spectral radius is returned: below 1 the error dies out, above 1 it grows.

    Args:
        eta: learning rate η > 0.
        alpha: momentum α ≥ 0.
        curvature: λ. All three broadcast.

    Returns:
        Spectral radius, the common shape.
    """
    eta, alpha, curvature = (np.asarray(a, dtype=float) for a in (eta, alpha, curvature))
    half_trace = (1 + alpha - eta * curvature) / 2
    discriminant = half_trace**2 - alpha
    real = np.abs(half_trace) + np.sqrt(np.maximum(discriminant, 0))
    return np.where(discriminant < 0, np.sqrt(alpha + 0 * half_trace), real)
