"""The summands f of the losses with their first two derivatives: steps 2 and 3 of `stable`."""

from math import log, pi, sqrt
from typing import NamedTuple

import torch
from torch import Tensor


class Classes(NamedTuple):
    """The softmax by its small numbers (step 1), each ``(..., B, C)``."""

    p: Tensor
    """y, or 1 − y where mirrored; at most 3/4."""
    log_p: Tensor
    """ln p but for what `log_p_low` adds."""
    log_p_low: Tensor
    t: Tensor
    """target, mirrored with p."""
    co_t: Tensor
    """1 − t, taken from the target as given: t = 1e-20 mirrored is not 1."""
    mirrored: Tensor


class Angle(NamedTuple):
    """What step 2 makes of x = ±(y − t): functions of a = |x| π/4 and of e = 1 − |x|."""

    e: Tensor
    log_e: Tensor
    log_e_low: Tensor | float
    """what ln e is beside `log_e`."""
    log_c: Tensor
    s: Tensor
    log1p_s: Tensor
    ratio: Tensor
    """S = c/e."""
    log_ratio: Tensor
    c: Tensor
    T: Tensor
    sin: Tensor
    cos: Tensor


def angle(m: Tensor, e: Tensor, log_e: Tensor, log_e_low: Tensor | float = 0.0) -> Angle:
    """Compute step 2 from m = |x|, e = 1 − m and ln e: each can be tiny, so each is given."""
    s = torch.sin(m * (pi / 2))
    log1p_s = s.log1p()
    c = torch.sin(e * (pi / 2))
    ratio = c / e
    log_ratio = ratio.log()
    log_c = log_e + (log_e_low + log_ratio)
    # artanh where s is small, to keep its digits; where s rounds to 1, the logarithm of e instead.
    T = torch.where(m < 0.5, torch.atanh(s.clamp(max=0.75)), log1p_s - log_c)
    a = m * (pi / 4)
    return Angle(e, log_e, log_e_low, log_c, s, log1p_s, ratio, log_ratio, c, T, a.sin(), a.cos())


class Square:
    """The summand (y − t)²."""

    def forms(self, k: Classes) -> tuple[Tensor, Tensor, Tensor]:
        """Return f, g = df/dx and W = df/d ln p."""
        x = k.p - k.t
        g = 2 * x
        return x * x, g, k.p * g

    def at(self, x: Tensor) -> Tensor:
        """Return f as a function of x = y − t."""
        return x.square()

    def curvature(self, x: Tensor) -> Tensor:
        """Return f″ as a function of x = y − t."""
        return torch.full_like(x, 2.0)


class Sigmoid:
    """The summand κ (1 + e^−Q)^−n of step 3; a subclass says what Q is.

    Args:
        scale: κ.
        power: n.
    """

    def __init__(self, scale: float = 1.0, power: int = 1):
        self.scale, self.power = scale, power

    def exponent(self, v: Angle, above: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return e^−Q ≤ 1, N₁ and N₂: dQ/da = N₁ + N₂/c; `above` says whether y > t."""
        raise NotImplementedError

    def bend(self, v: Angle, above: Tensor, rate: Tensor) -> Tensor:
        """Return d²Q/da² from dQ/da = `rate`."""
        raise NotImplementedError

    def forms(self, k: Classes) -> tuple[Tensor, Tensor, Tensor]:
        """Return f, g = df/dx and W = df/d ln p."""
        x = k.p - k.t
        negative = x < 0
        exact = k.co_t == 0
        # In the exact case e is p, and p/c is taken as 1/S: stopping e at 1e-8, where S is π/2 to
        # rounding, only keeps the unused 1/c and its derivatives finite.
        e = torch.where(negative, k.p + k.co_t, (1 - k.p) + k.t)
        e = torch.where(exact, e.clamp(min=1e-8), e)
        log_e = torch.where(exact, k.log_p, e.log())
        v = angle(torch.where(negative, -x, x), e, log_e, torch.where(exact, k.log_p_low, 0.0))
        decay, regular, pole = self.exponent(v, negative == k.mirrored)
        f, outer = self._outer(decay)
        outer = torch.where(negative, -outer, outer)
        g = outer * (regular + pole / v.c)
        return f, g, torch.where(exact, outer * (k.p * regular + pole / v.ratio), k.p * g)

    def at(self, x: Tensor) -> Tensor:
        """Return f as a function of x = y − t."""
        v, above = self._place(x)
        return self._outer(self.exponent(v, above)[0])[0]

    def curvature(self, x: Tensor) -> Tensor:
        """Return f″ as a function of x = y − t, not close to ±1."""
        v, above = self._place(x)
        decay, regular, pole = self.exponent(v, above)
        rate = regular + pole / v.c
        bend = self.bend(v, above, rate) - rate * rate * (1 - self.power * decay) / (1 + decay)
        return self._outer(decay)[1] * (pi / 4) * bend

    def _outer(self, decay: Tensor) -> tuple[Tensor, Tensor]:
        """Return f and (π/4) df/dQ."""
        q = 1 + decay
        f = self.scale / (q if self.power == 1 else q**self.power)
        return f, f * decay / q * (pi / 4 * self.power)

    def _place(self, x: Tensor) -> tuple[Angle, Tensor]:
        # Not abs, whose derivative at 0 is 0: the curvature at y = t would vanish.
        m = torch.where(x < 0, -x, x)
        e = (1 - m).clamp(min=torch.finfo(x.dtype).tiny)
        return angle(m, e, e.log()), x > 0


class Energy(Sigmoid):
    """Q = rate · (√2 (E* − E*(π/4)) + offset), the exponent of three losses."""

    def __init__(self, rate: float, offset: float = 0.0, scale: float = 1.0, power: int = 1):
        super().__init__(scale, power)
        self.rate, self.offset = rate, offset

    def exponent(self, v: Angle, above: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return e^−Q, N₁ and N₂."""
        # sin a · T − cos a · ln c = sin a · ln(1 + s) − √2 w ln(e S), and w = (sin a + cos a)/√2 is
        # 1 at the end without rounding: ln e, large there, meets as exact a factor as can be.
        w = torch.cos(v.e * (pi / 4))
        rest = v.sin * v.log1p_s + v.cos * log(2) + (self.offset - log(2))
        large, small = w * (sqrt(2) * self.rate), v.log_e_low + v.log_ratio
        decay = torch.exp(large * v.log_e) * torch.exp(large * small - rest * self.rate)
        regular = v.cos * v.T + v.sin * (v.log_c - log(2))
        return decay, regular * self.rate, (v.s * v.cos + v.sin) * (2 * self.rate)

    def bend(self, v: Angle, above: Tensor, rate: Tensor) -> Tensor:
        """Return d²Q/da²."""
        pole = 4 / v.c
        even = pole / v.c + pole + v.log_c - log(2)
        odd = v.s * (pole / v.c - pole) - v.T
        return (v.cos * even + v.sin * odd) * self.rate


class Divergence(Sigmoid):
    """Q = D(cos² d)/sin d."""

    def exponent(self, v: Angle, above: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return e^−Q, N₁ and N₂."""
        sin_d, slope = self._sin_d(v, above)
        w = 2 * v.s / sin_d
        small = v.log_e_low + v.log_ratio - v.log1p_s
        decay = torch.exp(w * v.log_e) * torch.exp(w * small)
        return decay, (4 * v.c - w * slope) * v.T / sin_d, 2 * w

    def bend(self, v: Angle, above: Tensor, rate: Tensor) -> Tensor:
        """Return d²Q/da²: Q sin d = D, differentiated twice."""
        sin_d, slope = self._sin_d(v, above)
        D = 2 * v.s * v.T
        return (8 + 8 / v.c.square() - 4 * D - 2 * rate * slope + D) / sin_d

    def _sin_d(self, v: Angle, above: Tensor) -> tuple[Tensor, Tensor]:
        """Return sin d and its derivative by a, ±cos d."""
        sin_d = torch.sin(torch.where(above, 2 - v.e, v.e.clamp(min=1e-3)) * (pi / 4))
        rest = v.e * (pi / 4)
        return sin_d, torch.where(above, rest.sin(), -rest.cos())
