r"""How the losses stay right at every logit: the derivation, and its code.

**The trouble.** A loss is Σ f(yₖ, tₖ) over the classes, y the softmax of the logits z, and the
golden losses' f depend on d = (y − t + 1) π/4. For a confident y one of y and 1 − y is e^−gap. Past
a gap of 17 (float32) or 37 (float64) 1 − y rounds to 0: ln cos d is then ln 0, a derivative is
inf · 0, and the difference y − t that the whole gradient is made of is lost.

**1. Softmax by its small numbers.** M is the largest class, aⱼ = zⱼ − z_M ≤ 0, and

    ρ = Σ_{j≠M} e^{aⱼ},   ln ρ = logsumexp_{j≠M} aⱼ,   y_M = 1/(1+ρ),   1 − y_M = ρ/(1+ρ).

Sums of positive terms keep every digit. Each class is described by a probability p with its
logarithm: p = yₖ, except that the largest class, once y_M > 3/4, is mirrored: p = 1 − y_M, with its
target mirrored too, t → 1 − t. So p ≤ 3/4 always, x = p − t is ±(y − t), and for t ∈ {0, 1}, x and
1 − |x| are p, 1 − p or 0 + p: no cancellation. For t = 1, ln(1 − |x|) is ln p itself, and stays
finite where p underflows.

**2. The energy around its minimum.** With a = |d − π/4| = |x| π/4, s = sin 2a, c = cos 2a:
sin d, cos d = (cos a ± sin a)/√2 and ln sin d, ln cos d = ½ ln((1 ± s)/2), hence exactly

    √2 (E*(d) − E*(π/4)) = sin a · T − cos a · ln c − 2 ln 2 · sin²(a/2),   T = artanh s,
    √2 dE*/da            = cos a · (T + 2s/c) + sin a · (2/c + ln c − ln 2),
    D(cos² d)            = 2 s T,   since cos 2d = ∓s and ln tan d = ±T.

Near a = 0 each term is of the order of the sum and has its own relative accuracy, so the gradient
keeps its digits however close y is to t. Near the ends, a = π/4, put e = 1 − |x|, so that
c = sin(e π/2) = e S with S → π/2: ln c = ln e + ln S and T = ln(1 + s) − ln c need only ln e, which
is ln p for t = 1.

**3. The sigmoid.** Each golden loss is κ (1 − h)ⁿ with h = 1/(1 + e^Q) and an exponent Q ≥ 0 made
of the above. h, not 1 − h, is what gets small: df = −κ n (1 − h)ⁿ⁻¹ dh, dh = −h (1 − h) dQ. At the
ends Q grows like −ln e, so h falls like a power of e (e^(1/2) for the energy loss, e^(1/√2) for
both information losses) while dQ/dx has the pole 1/c = 1/(e S). The derivative wanted is by ln p,

    W = p · df/dx,   in which p/c = (p/e)/S, and p/e = 1 for t = 1: the pole is gone.

The divergence loss is not symmetric. At d = π/2 it is like the others, h ~ e². At d = 0 its
exponent D/sin d ~ −2 ln(d)/d itself has a pole, and h is 0 in either precision well before
d = 10⁻³ π/4, where sin d may therefore be stopped.

**4. Through the softmax.** dL/dzⱼ = yⱼ (gⱼ − Σ yₖ gₖ) with gₖ = df/dyₖ. It cancels when confident
and right (g_M − y_M g_M), and when all the g's that count are equal (a target far below tied
rivals). As Σ y = 1, any constant may be taken from g; taking g_M leaves

    Hⱼ = yⱼ (gⱼ − g_M),  H_M = 0,   dL/dz = H − y Σ H,

in which ties are exactly 0. For a mirrored M the pole of g_M is met by yⱼ = (1 − y_M) rⱼ, r the
softmax of the others: Hⱼ = Wⱼ + rⱼ W_M, as W_M = −(1 − y_M) g_M.

What remains is conditioning: a gradient that is nearly 0 because a soft target is nearly met, or
because rivals are nearly but not exactly tied, is right to rounding of its summands.
"""

from math import log, pi, sqrt
from typing import NamedTuple

import torch
from torch import Tensor


class Classes(NamedTuple):
    """The softmax by its small numbers (step 1); all are ``(..., B, C)`` unless said."""

    p: Tensor
    """y, or 1 − y where mirrored; at most 3/4."""
    log_p: Tensor
    t: Tensor
    """target, mirrored with p."""
    co_t: Tensor
    """1 − t, taken from the target as given: t = 1e-20 mirrored is not 1."""
    mirrored: Tensor
    top: Tensor
    """whether this is the largest class."""
    share: Tensor
    """r, softmax of the others; 0 at the largest."""
    odds: Tensor
    """ρ = (1 − y_M)/y_M, shape ``(..., B, 1)``."""


def classes(logits: Tensor, target: Tensor) -> Classes:
    """Split logits ``(..., B, C)`` and target probabilities as step 1 says."""
    top = torch.arange(logits.shape[-1], device=logits.device) == logits.argmax(-1, keepdim=True)
    a = below_top(logits, top)
    others = a.masked_fill(top, -torch.inf)
    log_odds = others.logsumexp(-1, keepdim=True)
    weight = others.exp()
    odds = weight.sum(-1, keepdim=True)
    mirrored = top & (odds < 1 / 3)
    log_p = torch.where(mirrored, log_odds, a) - odds.log1p()
    # A quotient, not exp(log_p): the difference in log_p costs a rounding of |log_p| ulps.
    p = torch.where(mirrored, odds, weight.masked_fill(top, 1.0)) / (1 + odds)
    t = torch.where(mirrored, 1 - target, target)
    co_t = torch.where(mirrored, target, 1 - target)
    return Classes(p, log_p, t, co_t, mirrored, top, (others - log_odds).exp(), odds)


def below_top(logits: Tensor, top: Tensor) -> Tensor:
    """Return zⱼ − z_M by a masked sum, which every exporter knows, unlike gather's gradient."""
    return logits - torch.where(top, logits, 0.0).sum(-1, keepdim=True)


class Angle(NamedTuple):
    """What step 2 makes of x = ±(y − t): functions of a = |x| π/4 and of e = 1 − |x|."""

    e: Tensor
    log_e: Tensor
    s: Tensor
    log1p_s: Tensor
    ratio: Tensor
    """S = c/e."""
    log_ratio: Tensor
    c: Tensor
    T: Tensor
    sin: Tensor
    cos: Tensor


def angle(m: Tensor, e: Tensor, log_e: Tensor) -> Angle:
    """Compute step 2 from m = |x|, e = 1 − m and ln e: three numbers, as each can be tiny."""
    s = torch.sin(m * (pi / 2))
    log1p_s = s.log1p()
    c = torch.sin(e * (pi / 2))
    ratio = c / e
    log_ratio = ratio.log()
    # artanh where s is small, to keep its digits; where s rounds to 1, the logarithm of e instead.
    T = torch.where(m < 0.5, torch.atanh(s.clamp(max=0.75)), log1p_s - log_ratio - log_e)
    a = m * (pi / 4)
    return Angle(e, log_e, s, log1p_s, ratio, log_ratio, c, T, a.sin(), a.cos())


class Square:
    """The summand (y − t)²."""

    def forms(self, k: Classes) -> tuple[Tensor, Tensor, Tensor]:
        """Return f, g = df/dx and W = df/d ln p."""
        x = k.p - k.t
        g = 2 * x
        return x * x, g, k.p * g

    def at(self, y: Tensor, t: Tensor) -> Tensor:
        """Return f as a function of probabilities."""
        return (y - t).square()


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

    def forms(self, k: Classes) -> tuple[Tensor, Tensor, Tensor]:
        """Return f, g = df/dx and W = df/d ln p."""
        x = k.p - k.t
        negative = x < 0
        exact = k.co_t == 0
        # In the exact case e is p, and p/c is taken as 1/S: stopping e at 1e-8, where S is π/2 to
        # rounding, only keeps the unused 1/c and its derivatives finite.
        e = torch.where(negative, k.p + k.co_t, (1 - k.p) + k.t)
        e = torch.where(exact, e.clamp(min=1e-8), e)
        v = angle(torch.where(negative, -x, x), e, torch.where(exact, k.log_p, e.log()))
        decay, regular, pole = self.exponent(v, negative == k.mirrored)
        q = 1 + decay
        f = self.scale / (q if self.power == 1 else q**self.power)
        outer = f * decay / q * (pi / 4 * self.power)
        outer = torch.where(negative, -outer, outer)
        g = outer * (regular + pole / v.c)
        # Elsewhere p g, as tied classes must round alike (step 4).
        return f, g, torch.where(exact, outer * (k.p * regular + pole / v.ratio), k.p * g)

    def at(self, y: Tensor, t: Tensor) -> Tensor:
        """Return f as a function of probabilities."""
        x = y - t
        # Not abs, whose derivative at 0 is 0: the curvature at y = t would vanish.
        m = torch.where(x < 0, -x, x)
        e = (1 - m).clamp(min=torch.finfo(x.dtype).tiny)
        return self.scale / (1 + self.exponent(angle(m, e, e.log()), x > 0)[0]) ** self.power


class Energy(Sigmoid):
    """Q = rate · (√2 (E* − E*(π/4)) + offset), the exponent of three losses."""

    def __init__(self, rate: float, offset: float = 0.0, scale: float = 1.0, power: int = 1):
        super().__init__(scale, power)
        self.rate, self.offset = rate, offset

    def exponent(self, v: Angle, above: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return e^−Q, N₁ and N₂."""
        # sin a · T − cos a · ln c = sin a · ln(1 + s) − w ln(e S), and w = sin a + cos a is √2 at
        # the end without rounding: ln e, large there, is multiplied by as exact a factor as can be.
        w = torch.cos(v.e * (pi / 4)) * sqrt(2)
        rest = v.sin * v.log1p_s - w * v.log_ratio + v.cos * log(2) + (self.offset - log(2))
        decay = torch.exp(w * self.rate * v.log_e) * torch.exp(rest * -self.rate)
        regular = v.cos * v.T + v.sin * (v.log_e + v.log_ratio - log(2))
        return decay, regular * self.rate, (v.s * v.cos + v.sin) * (2 * self.rate)


class Divergence(Sigmoid):
    """Q = D(cos² d)/sin d."""

    def exponent(self, v: Angle, above: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return e^−Q, N₁ and N₂."""
        sin_d = torch.sin(torch.where(above, 2 - v.e, v.e.clamp(min=1e-3)) * (pi / 4))
        rest = v.e * (pi / 4)
        signed_cos_d = torch.where(above, rest.sin(), -rest.cos())
        w = 2 * v.s / sin_d
        decay = torch.exp(w * v.log_e) * torch.exp(w * (v.log_ratio - v.log1p_s))
        return decay, (4 * v.c - w * signed_cos_d) * v.T / sin_d, 2 * w


class SumOverClasses(torch.autograd.Function):
    """Σ f over the classes with the gradient of step 4, itself differentiable.

    Plain operators throughout, so that `torch.func`, `make_fx`, `torch.compile` and an exporter see
    through it. No forward mode: torch.compile refuses a Function that has one.
    The target is a constant: no gradient reaches it.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(logits: Tensor, target: Tensor, summand: Square | Sigmoid) -> tuple[Tensor, Tensor]:
        """Return the loss of each sample, ``(..., B)``, and its gradient, ``(..., B, C)``."""
        return value_and_gradient(logits, target, summand)

    @staticmethod
    def setup_context(ctx, inputs, outputs) -> None:
        """Keep the gradient, and the inputs in case that it is to be differentiated itself."""
        ctx.mark_non_differentiable(outputs[1])
        ctx.save_for_backward(*inputs[:2], outputs[1])
        ctx.summand = inputs[2]

    @staticmethod
    def backward(ctx, grad: Tensor, _: Tensor) -> tuple[Tensor, None, None]:
        """Return dL/dz."""
        logits, target, gradient = ctx.saved_tensors
        if torch.is_grad_enabled():  # create_graph, or torch.func: wanted as a function of z
            _, gradient = value_and_gradient(logits, target, ctx.summand)
        return grad.unsqueeze(-1) * gradient, None, None


def value_and_gradient(
    logits: Tensor, target: Tensor, summand: Square | Sigmoid
) -> tuple[Tensor, Tensor]:
    """Return Σ f, ``(..., B)``, and H − y Σ H (step 4), ``(..., B, C)``."""
    k = classes(logits, target)
    f, g, W = summand.forms(k)
    sure = k.odds < 1 / 3
    pivot = torch.where(k.top, torch.where(sure, -W, g), 0.0).sum(-1, keepdim=True)
    H = (W - torch.where(sure, k.share, k.p) * pivot).masked_fill(k.top, 0.0)
    y = torch.where(k.mirrored, 1 / (1 + k.odds), k.p)
    return f.sum(-1), H - y * H.sum(-1, keepdim=True)
