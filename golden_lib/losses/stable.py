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
    S: Tensor
    T: Tensor
    sin: Tensor
    cos: Tensor
    far: Tensor
    """T + ln e = ln(1 + s) − ln S: what T is beside its logarithm."""


def angle(m: Tensor, e: Tensor, log_e: Tensor) -> Angle:
    """Compute step 2 from m = |x|, e = 1 − m and ln e: three numbers, as each can be tiny."""
    s = torch.sin(m * (pi / 2))
    S = torch.sin(e * (pi / 2)) / e
    far = s.log1p() - S.log()
    # artanh where s is small, to keep its digits; where s rounds to 1, the logarithm of e instead.
    T = torch.where(m < 0.5, torch.atanh(s.clamp(max=0.75)), far - log_e)
    a = m * (pi / 4)
    return Angle(e, log_e, s, S, T, a.sin(), a.cos(), far)


class Square:
    """The summand (y − t)²."""

    def value(self, k: Classes) -> Tensor:
        """Return f."""
        return (k.p - k.t).square()

    def slopes(self, k: Classes) -> tuple[Tensor, Tensor]:
        """Return g = df/dx and W = p g."""
        g = 2 * (k.p - k.t)
        return g, k.p * g

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

    def decay(self, v: Angle, above: Tensor) -> Tensor:
        """Return e^−Q ≤ 1; `above` says whether y > t."""
        raise NotImplementedError

    def rates(self, v: Angle, above: Tensor) -> tuple[Tensor, Tensor]:
        """Return N₁ and N₂ of dQ/da = N₁ + N₂/c: the regular part and the pole's."""
        raise NotImplementedError

    def value(self, k: Classes) -> Tensor:
        """Return f."""
        v, above, _, _ = self._place(k)
        return self.scale / (1 + self.decay(v, above)) ** self.power

    def at(self, y: Tensor, t: Tensor) -> Tensor:
        """Return f as a function of probabilities."""
        x = y - t
        # Not abs, whose derivative at 0 is 0: the curvature at y = t would vanish.
        m = torch.where(x < 0, -x, x)
        e = (1 - m).clamp(min=torch.finfo(x.dtype).tiny)
        return self.scale / (1 + self.decay(angle(m, e, e.log()), x > 0)) ** self.power

    def slopes(self, k: Classes) -> tuple[Tensor, Tensor]:
        """Return g = df/dx and W = df/d ln p."""
        v, above, sign, exact = self._place(k)
        regular, pole = self.rates(v, above)
        u = self.decay(v, above)
        outer = sign * (pi / 4 * self.scale * self.power) * u / (1 + u) ** (self.power + 1)
        g = outer * (regular + pole / (v.S * v.e))
        # Elsewhere p g, as tied classes must round alike (step 4).
        return g, torch.where(exact, outer * (k.p * regular + pole / v.S), k.p * g)

    def _place(self, k: Classes) -> tuple[Angle, Tensor, Tensor, Tensor]:
        x = k.p - k.t
        negative = x < 0
        exact = k.co_t == 0
        # In the exact case e is p, and p/c is taken as 1/S: stopping e at 1e-8, where S is π/2 to
        # rounding, only keeps the unused 1/c and its derivatives finite.
        e = torch.where(negative, k.p + k.co_t, (1 - k.p) + k.t)
        e = torch.where(exact, e.clamp(min=1e-8), e)
        v = angle(torch.where(negative, -x, x), e, torch.where(exact, k.log_p, e.log()))
        return v, negative == k.mirrored, torch.where(negative, -1.0, 1.0).to(x.dtype), exact


class Energy(Sigmoid):
    """Q = rate · (√2 (E* − E*(π/4)) + offset), the exponent of three losses."""

    def __init__(self, rate: float, offset: float = 0.0, scale: float = 1.0, power: int = 1):
        super().__init__(scale, power)
        self.rate, self.offset = rate, offset

    def decay(self, v: Angle, above: Tensor) -> Tensor:
        """Return e^−Q."""
        # sin a · T − cos a · ln c = sin a · ln(1 + s) − w ln(e S), and w = sin a + cos a is √2 at
        # the end without rounding: ln e, large there, is multiplied by as exact a factor as can be.
        w = sqrt(2) * torch.cos(v.e * (pi / 4))
        rest = v.sin * v.s.log1p() - w * v.S.log() - log(2) * (1 - v.cos) + self.offset
        return torch.exp(self.rate * w * v.log_e) * torch.exp(-self.rate * rest)

    def rates(self, v: Angle, above: Tensor) -> tuple[Tensor, Tensor]:
        """Return N₁ and N₂."""
        regular = v.cos * v.T + v.sin * (v.log_e + v.S.log() - log(2))
        return self.rate * regular, self.rate * 2 * (v.s * v.cos + v.sin)


class Divergence(Sigmoid):
    """Q = D(cos² d)/sin d."""

    def decay(self, v: Angle, above: Tensor) -> Tensor:
        """Return e^−Q."""
        w = 2 * v.s / self._sin_d(v, above)
        return torch.exp(w * v.log_e) * torch.exp(-w * v.far)

    def rates(self, v: Angle, above: Tensor) -> tuple[Tensor, Tensor]:
        """Return N₁ and N₂."""
        sin_d = self._sin_d(v, above)
        signed_cos_d = torch.where(above, torch.sin(v.e * (pi / 4)), -torch.cos(v.e * (pi / 4)))
        Q = 2 * v.s * v.T / sin_d
        return (4 * v.S * v.e * v.T - Q * signed_cos_d) / sin_d, 4 * v.s / sin_d

    def _sin_d(self, v: Angle, above: Tensor) -> Tensor:
        return torch.sin(torch.where(above, 2 - v.e, v.e.clamp(min=1e-3)) * (pi / 4))


class SumOverClasses(torch.autograd.Function):
    """Σ f over the classes with the gradient of step 4, itself differentiable.

    Plain operators throughout, so that `torch.func`, `make_fx` and an exporter see through it.
    The target is a constant: no gradient reaches it.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(logits: Tensor, target: Tensor, summand: Square | Sigmoid) -> Tensor:
        """Return the loss of each sample, ``(..., B)``."""
        return summand.value(classes(logits, target)).sum(-1)

    @staticmethod
    def setup_context(ctx, inputs, output) -> None:
        """Keep the inputs: the gradient starts from them, so that it can be differentiated."""
        ctx.save_for_backward(*inputs[:2])
        ctx.save_for_forward(*inputs[:2])
        ctx.summand = inputs[2]

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor, None, None]:
        """Return dL/dz."""
        return grad.unsqueeze(-1) * gradient(*ctx.saved_tensors, ctx.summand), None, None

    @staticmethod
    def jvp(ctx, tangent: Tensor, *_) -> Tensor:
        """Return dL/dz · tangent."""
        return (gradient(*ctx.saved_tensors, ctx.summand) * tangent).sum(-1)


def gradient(logits: Tensor, target: Tensor, summand: Square | Sigmoid) -> Tensor:
    """Return H − y Σ H (step 4), shape ``(..., B, C)``."""
    k = classes(logits, target)
    g, W = summand.slopes(k)
    mirrored = k.odds < 1 / 3
    pivot = torch.where(k.top, torch.where(mirrored, -W, g), 0.0).sum(-1, keepdim=True)
    H = (W - torch.where(mirrored, k.share, k.p) * pivot).masked_fill(k.top, 0.0)
    y = torch.where(k.mirrored, 1 / (1 + k.odds), k.p)
    return H - y * H.sum(-1, keepdim=True)
