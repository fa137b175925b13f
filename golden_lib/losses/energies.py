"""The papers' energies and their divergence, elementwise, finite or inf up to the boundary.

The angle runs over [0, π/2] and the probability over [0, 1]. Just inside a boundary the logarithm
of a cosine near 1 is taken from the sine, and conversely; on it the limit is returned.
"""

from math import pi

import torch
from torch import Tensor


def energy(phi: Tensor) -> Tensor:
    r"""Energy of an observation at angle φ: 0 at φ = 0, inf at φ = π/2 (G22, Eq. 22; D21, Eq. 22).

    .. math:: E(\varphi) = -2 \sin\varphi \, \ln\cos\varphi

    Args:
        phi: angle in radians in [0, π/2], any shape.

    Returns:
        Energy in nats, the shape of `phi`.
    """
    sin, cos = _sin_cos(phi)
    return 2 * sin * _minus_log(cos, sin)


def dual_energy(phi: Tensor) -> Tensor:
    r"""Energy of the second observer, sine and cosine swapped: inf at φ = 0, 0 at φ = π/2.

    .. math:: E(\pi/2 - \varphi) = -2 \cos\varphi \, \ln\sin\varphi

    G22 and D21 describe it in words after their Eq. 22.

    Args:
        phi: angle in radians in [0, π/2], any shape.

    Returns:
        Energy in nats, the shape of `phi`.
    """
    sin, cos = _sin_cos(phi)
    return 2 * cos * _minus_log(sin, cos)


def combined_energy(d: Tensor) -> Tensor:
    r"""Half the sum of both energies, least at d = π/4 with ln 2/√2 (G22, Eq. 24).

    .. math:: E^*(d) = -\sin d \, \ln\cos d - \cos d \, \ln\sin d

    G20, Eq. 9 prints the opposite sign, with which d = π/4 would be a maximum.

    Args:
        d: angle in radians in [0, π/2], any shape.

    Returns:
        Energy in nats, the shape of `d`; inf at both ends.
    """
    return (energy(d) + dual_energy(d)) / 2


def divergence(p: Tensor) -> Tensor:
    r"""Kullback–Leibler divergence of (p, 1 − p) from (1 − p, p) (G22, Eq. 6; D21, Eq. 6).

    .. math:: D(p) = (2p - 1) \ln\frac{p}{1 - p}

    Args:
        p: probability in [0, 1], any shape.

    Returns:
        Divergence in nats, the shape of `p`: 0 at p = 1/2, inf at 0 and 1.
    """
    w = 2 * p - 1
    # p/(1 − p) rounds to 1 around p = 1/2, where ln(p/(1 − p)) = 2 artanh w keeps every digit.
    centre = 2 * torch.atanh(w.clamp(-0.5, 0.5))
    return w * torch.where(w.abs() < 0.5, centre, torch.log(p) - torch.log1p(-p))


def _sin_cos(phi: Tensor) -> tuple[Tensor, Tensor]:
    # The float nearest π/2 has a cosine of 6e-17, in float32 one of −4e-8: it stands for the end.
    return phi.sin(), torch.where(phi == pi / 2, 0.0, phi.cos())


def _minus_log(c: Tensor, s: Tensor) -> Tensor:
    """−ln c where c² + s² = 1, to every digit also where c is close to 1."""
    near_one = torch.log1p(-s.square().clamp(max=0.5)) / 2
    return -torch.where(s.square() < 0.5, near_one, c.log())
