r"""Update rules as pure functions of parameters, gradients and memory; DLR as an optimizer.

Every tensor carries a leading replica axis R. η and α have shape (R,) and may change at every step.
All rules but Adam and DLR are written for the step Δw itself, as in the papers (G20, Eq. 4; G22,
Eq. 27), so η acts on the gradient of its own moment. `torch.optim.SGD` keeps η outside its
velocity and rescales past gradients when η moves; the two agree while η is constant.

====================  ============================================================  ===========
rule                  update                                                        α
====================  ============================================================  ===========
``delta``             Δw(t) = −η ∂L/∂w + α Δw(t−1)                                  [0, 1)
``nesterov``          the same Δw; w moves by −η ∂L/∂w + α Δw(t)                    [0, 1)
``adam``              Kingma & Ba with β₁ = α, β₂ = 0.999, ε = 1e-8                 [0, 1)
``dlr``               Δw_ij = −η (\|w_ij\| + α) / (‖w_j‖ + α) ∂L/∂w_ij (DLR, Eq. 1)   (0, ∞)
``dlr_incoming``      the same with ‖w_i‖ (DLR, Eq. 3)                              (0, ∞)
====================  ============================================================  ===========
"""

from collections.abc import Callable
from math import isfinite
from typing import Literal, NamedTuple

import torch
from torch import Tensor

Params = dict[str, Tensor]
Memory = dict[str, Params]
Norm = Literal["outgoing", "incoming"]

BETA2 = 0.999
"""Adam's decay of the squared gradients, at its authors' value."""
EPSILON = 1e-8
"""Adam's guard against division by 0, at its authors' value."""


class Rule(NamedTuple):
    """An update rule: its memory at the start, its update, and the α that it takes.

    `init` makes the memory from the parameters; `update` takes ``(params, grads, memory, eta,
    alpha)`` and returns ``(params, memory)``, changing none of them; `momentum` is True where α
    must be in [0, 1), False where it must be in (0, ∞).
    """

    init: Callable[[Params], Memory]
    update: Callable[[Params, Params, Memory, Tensor, Tensor], tuple[Params, Memory]]
    momentum: bool = True


def dlr_rate(weight: Tensor, eta, alpha, norm: Norm = "outgoing") -> Tensor:
    r"""Learning rate of each synapse (DLR, Eq. 1 and 3, without their minus sign).

    .. math:: η_{ij} = η_0 \frac{|w_{ij}| + α}{‖w_j‖ + α}

    i is the post-synaptic and j the pre-synaptic neuron; :math:`‖w_j‖` is the L2 norm over the
    outgoing weights of j (Eq. 1), and :math:`‖w_i‖` that over the incoming weights of i (Eq. 3). As
    printed, Eq. 1 and Eq. 2 both carry a minus, and the two together would climb.

    A convolution is the linear layer on its patches: a pre-synaptic neuron is an input channel at
    one offset of the kernel, a post-synaptic one is a filter. A bias or gain has one weight per
    neuron; the norm over it alone is \|w\|, so its rate is η₀.

    Args:
        weight: ``(R, out, in, ...)`` as `torch.nn` lays it out behind R, or ``(R, n)`` for biases.
        eta: η₀, a number or shape ``(R,)``.
        alpha: α > 0, a number or shape ``(R,)``; the larger, the more uniform the rates.
        norm: ``"outgoing"`` (Eq. 1) or ``"incoming"`` (Eq. 3).

    Returns:
        Rates in the shape of `weight`, positive and at most η₀.

    Raises:
        ValueError: if `norm` is unknown.
    """
    _check_norm(norm)
    eta, alpha = _per_replica(eta, weight), _per_replica(alpha, weight)
    if weight.dim() < 3:
        return (torch.ones_like(weight) * eta).to(weight.dtype)
    size = weight.abs()
    over = 1 if norm == "outgoing" else tuple(range(2, weight.dim()))
    # √Σw², as vector_norm over the outgoing weights takes 10 times as long on a CPU (torch 2.15).
    length = weight.square().sum(over, keepdim=True).sqrt()
    return (size + alpha) * (eta / (length + alpha))


class DLR(torch.optim.Optimizer):
    r"""Dynamic learning rate (DLR, Eq. 1 to 3) as a `torch.optim.Optimizer`.

    .. math:: w_{ij} ← w_{ij} - η_0 \frac{|w_{ij}| + α}{‖w_j‖ + α} \frac{∂L}{∂w_{ij}}

    The signs are those that descend; see `dlr_rate`, which is what it calls, also for what i, j and
    the norm mean in convolutions and biases. It keeps no memory of past gradients.

    Args:
        params: parameters or parameter groups, laid out as in `torch.nn` (``(out, in, ...)``).
        lr: η₀ > 0.
        alpha: α > 0, above the norms at the start for nearly uniform rates then. At 0 a weight that
            is 0 could never learn, and a neuron without weights would divide 0 by 0.
        norm: ``"outgoing"`` (Eq. 1) or ``"incoming"`` (Eq. 3).

    Raises:
        ValueError: if lr or alpha is not positive and finite, or norm is unknown.
        TypeError: if a parameter is complex, or, in `step`, a gradient is sparse.

    Source: the DLR paper, Results.
    """

    def __init__(self, params, lr: float = 0.1, alpha: float = 1.0, norm: Norm = "outgoing"):
        super().__init__(params, {"lr": lr, "alpha": alpha, "norm": norm})

    def add_param_group(self, param_group: dict) -> None:
        """Add a group of parameters, with its own lr, alpha or norm if it names them."""
        settings = {**self.defaults, **param_group}
        for name in ("lr", "alpha"):
            if not (settings[name] > 0 and isfinite(settings[name])):
                raise ValueError(f"{name} must be > 0 and finite, got {settings[name]}")
        _check_norm(settings["norm"])
        super().add_param_group(param_group)
        for parameter in self.param_groups[-1]["params"]:
            if parameter.is_complex():
                self.param_groups.pop()
                raise TypeError(f"DLR parameters must be real, got {parameter.dtype}")

    @torch.no_grad()
    def step(self, closure: Callable[[], Tensor] | None = None) -> Tensor | None:
        """Move each parameter that has a gradient; `closure` evaluates the loss again first."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for parameter in group["params"]:
                grad = parameter.grad
                if grad is None:
                    continue
                if grad.layout != torch.strided:
                    raise TypeError(f"DLR gradients must be dense, got {grad.layout}")
                rate = dlr_rate(parameter[None], group["lr"], group["alpha"], group["norm"])
                parameter.addcmul_(rate[0], grad, value=-1)
        return loss


def _check_norm(norm: Norm) -> None:
    if norm not in ("outgoing", "incoming"):
        raise ValueError(f"norm must be outgoing or incoming, got {norm!r}")


def _per_replica(value, like: Tensor):
    """View a (R,) tensor so that it spreads over `like`; a number passes as it is."""
    return value.view(-1, *(1,) * (like.dim() - 1)) if isinstance(value, Tensor) else value


def _zeros(params: Params) -> Memory:
    return {"delta": {k: torch.zeros_like(w) for k, w in params.items()}}


def _delta(params, grads, memory, eta, alpha):
    r"""Delta rule with momentum (G20, Eq. 4; G22, Eq. 27): Δw(t) = −η ∂L/∂w + α Δw(t−1)."""
    deltas = {}
    for k, w in params.items():
        pushed = _per_replica(alpha, w) * memory["delta"][k]
        deltas[k] = torch.addcmul(pushed, _per_replica(eta, w), grads[k], value=-1)
    return {k: w + deltas[k] for k, w in params.items()}, {"delta": deltas}


def _nesterov(params, grads, memory, eta, alpha):
    r"""Nesterov's momentum, with the parameters held at the point looked ahead to.

    Δw(t) = −η ∂L/∂w + α Δw(t−1) and w(t+1) = w(t) − η ∂L/∂w + α Δw(t): the form of
    ``torch.optim.SGD(nesterov=True)``, which it equals at constant η, in the delta convention.
    """
    moved, deltas = {}, {}
    for k, w in params.items():
        push = _per_replica(eta, w) * grads[k]
        a = _per_replica(alpha, w)
        deltas[k] = a * memory["delta"][k] - push
        moved[k] = w - push + a * deltas[k]
    return moved, {"delta": deltas}


def _adam_zeros(params: Params) -> Memory:
    some = next(iter(params.values()))
    # No two entries are one tensor: a tracer, or a CUDA graph that writes in place, would mix them.
    memory = {
        part: {k: torch.zeros_like(w) for k, w in params.items()} for part in ("first", "second")
    }
    memory["weight"] = {part: some.new_zeros(len(some)) for part in ("first", "second")}
    return memory


def _adam(params, grads, memory, eta, alpha):
    r"""Adam with β₁ = α (Kingma & Ba 2015), right also when α moves.

    The averages start at 0 and are divided by the sum of the weights given so far. That sum is
    itself such an average, of ones: at constant β it is :math:`1 - β^t`, without the cancellation,
    and it stays exact when β₁ changes.
    """
    c1 = alpha * memory["weight"]["first"] + (1 - alpha)
    c2 = BETA2 * memory["weight"]["second"] + (1 - BETA2)
    moved, first, second = {}, {}, {}
    for k, w in params.items():
        a = _per_replica(alpha, w)
        first[k] = a * memory["first"][k] + (1 - a) * grads[k]
        second[k] = BETA2 * memory["second"][k] + (1 - BETA2) * grads[k].square()
        spread = (second[k] / _per_replica(c2, w)).sqrt() + EPSILON
        moved[k] = w - _per_replica(eta / c1, w) * first[k] / spread
    return moved, {"first": first, "second": second, "weight": {"first": c1, "second": c2}}


def _dlr(norm: Norm):
    def update(params, grads, memory, eta, alpha):
        rates = {k: dlr_rate(w, eta, alpha, norm) for k, w in params.items()}
        moved = {k: torch.addcmul(w, rates[k], grads[k], value=-1) for k, w in params.items()}
        return moved, memory

    return update


def _nothing(params: Params) -> Memory:
    return {}


RULES: dict[str, Rule] = {
    "delta": Rule(_zeros, _delta),
    "nesterov": Rule(_zeros, _nesterov),
    "adam": Rule(_adam_zeros, _adam),
    "dlr": Rule(_nothing, _dlr("outgoing"), momentum=False),
    "dlr_incoming": Rule(_nothing, _dlr("incoming"), momentum=False),
}
"""The update rules by name."""


def find_rule(rule: str | Rule) -> Rule:
    """Look up a rule by name; a rule is returned as it is.

    Raises:
        ValueError: if there is none of this name; the known ones are listed.
    """
    if not isinstance(rule, str):
        return rule
    if rule not in RULES:
        raise ValueError(f"rule must be one of {', '.join(RULES)}, got {rule!r}")
    return RULES[rule]
