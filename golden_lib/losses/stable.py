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

and for a mirrored M, the pole of whose g_M is met by yⱼ = (1 − y_M) rⱼ, r the softmax of the
others: Hⱼ = Wⱼ + rⱼ W_M, as W_M = −(1 − y_M) g_M.

**5. Nearly tied rivals.** With the target far below, what tells j from M may be all the gradient
there is, and gⱼ − g_M has only the digits in which the two differ. Where y − t is nearly the same,

    gⱼ − g_M = (xⱼ − x_M) · mean of f″ between them,  xⱼ − x_M = y_M expm1(zⱼ − z_M) − (tⱼ − t_M),

the mean by Gauss's three points: its error is of the sixth power of the interval over its distance
from the ends, below rounding where step 4 begins to lose; an exact tie is exactly 0. f″ follows
from step 3 by (F(Q))″ = F′ (Q″ − Q′² (1 − n e^−Q)/(1 + e^−Q)) with

    √2 d²E*/da² = cos a · (4/c² + 4/c + ln c − ln 2) + sin a · (4s/c² − 4s/c − T),
    d²D/da²     = 8 (1 + 1/c²) − 4 D.

What remains is conditioning, which shifting a logit by half an ulp would show as well: a soft
target nearly met, where y − t has only the digits in which the two differ, and saddle points, where
classes far apart happen to have one slope (the divergence loss has them between rivals).
"""

from typing import NamedTuple

import torch
from torch import Tensor

from golden_lib.losses.arguments import known
from golden_lib.losses.summands import Classes, Sigmoid, Square


class Odds(NamedTuple):
    """What step 4 needs of the softmax beside `Classes`."""

    top: Tensor
    """whether this is the largest class M, ``(..., B, C)``."""
    below: Tensor
    """zⱼ − z_M, ``(..., B, C)``."""
    share: Tensor
    """r, softmax of the others; 0 at M, ``(..., B, C)``."""
    y_top: Tensor
    """y_M, ``(..., B, 1)``."""
    sure: Tensor
    """whether y_M > 3/4, ``(..., B, 1)``."""


def split(logits: Tensor, target: Tensor) -> tuple[Classes, Odds]:
    """Split logits ``(..., B, C)`` and target probabilities as step 1 says."""
    top = torch.arange(logits.shape[-1], device=logits.device) == logits.argmax(-1, keepdim=True)
    below, lost = below_top(logits, top)
    others = below.masked_fill(top, -torch.inf)
    second = others.detach().amax(-1, keepdim=True)
    weight = torch.exp(others - second + lost)
    total = weight.sum(-1, keepdim=True)
    share = weight / total
    odds = second.exp() * total
    log1p_odds = odds.log1p()
    sure = odds < 1 / 3
    mirrored = top & sure
    y_top = 1 / (1 + odds)
    rest = odds * y_top
    p = torch.where(top, torch.where(sure, rest, y_top), share * rest)
    # ln p in two parts, the first without rounding: at a gap of 200 one ulp of it is 2e-5.
    log_p = torch.where(mirrored, second, below)
    log_p_low = torch.where(mirrored, total.log(), lost) - log1p_odds
    t = torch.where(mirrored, 1 - target, target)
    co_t = torch.where(mirrored, target, 1 - target)
    return Classes(p, log_p, log_p_low, t, co_t, mirrored), Odds(top, below, share, y_top, sure)


def below_top(logits: Tensor, top: Tensor) -> tuple[Tensor, Tensor]:
    """Return zⱼ − z_M and what rounding took from it.

    z_M is a masked sum, which every exporter knows, unlike gather's gradient.
    """
    most = torch.where(top, logits, 0.0).sum(-1, keepdim=True)
    z, m = logits.detach(), most.detach()
    below = z - m
    back = below - z
    return logits - most, (z - (below - back)) - (m + back)


class SumOverClasses(torch.autograd.Function):
    """Σ f over the classes with the gradient of steps 4 and 5, itself differentiable.

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
    k, odds = split(logits, target)
    f, g, W = summand.forms(k)
    pivot = at_top(torch.where(odds.sure, -W, g), odds)
    H = (W - torch.where(odds.sure, odds.share, k.p) * pivot).masked_fill(odds.top, 0.0)
    # Step 5 costs as much again and is rarely needed in training: it is left out where all values
    # can be seen not to need it.
    reach, bearable = (0.08, 10) if logits.dtype == torch.float32 else (0.004, 500)
    t_top = at_top(k.t, odds)
    apart = odds.y_top * odds.below.expm1() - (k.t - t_top)
    cancels = (k.p * pivot).abs() > bearable * H.abs().amax(-1, keepdim=True)
    tied = cancels & ~odds.sure & ~odds.top & (apart.abs() < reach)
    if known(tied.any()) is not False:
        start = torch.where(odds.sure, 0.0, odds.y_top - t_top)
        apart = torch.where(tied, apart, 0.0)
        H = torch.where(tied, k.p * apart * mean_curvature(summand, start, apart), H)
    y = torch.where(odds.top, odds.y_top, k.p)
    return f.sum(-1), H - y * H.sum(-1, keepdim=True)


def at_top(x: Tensor, odds: Odds) -> Tensor:
    """Return the largest class's value, ``(..., B, 1)``."""
    return torch.where(odds.top, x, 0.0).sum(-1, keepdim=True)


def mean_curvature(summand: Square | Sigmoid, start: Tensor, apart: Tensor) -> Tensor:
    """Return the mean of f″ over [start, start + apart] by Gauss's three points (step 5)."""
    points = torch.arange(-1, 2, dtype=apart.dtype, device=apart.device) * (0.6**0.5 / 2) + 0.5
    bend = summand.curvature(start.unsqueeze(-1) + apart.unsqueeze(-1) * points)
    return (5 * bend.sum(-1) + 3 * bend[..., 1]) / 18
