r"""DLR: dynamic learning rate, Eq. 1 to 3.

The argument: a synapse learns at a rate of its own, the higher the larger its weight is among
those of its neuron (1, or 3 for the other neuron); the rate then replaces the one rate of gradient
descent (2).
"""

import sympy as sp
from sympy import Eq

from golden_lib.equations.ledger import Claim, Equation, Fact, ProofError
from golden_lib.equations.proofs import sign_on, zero

eta_ij = sp.Symbol("eta_ij", real=True)
eta_0, alpha, weight, others = sp.symbols(r"eta_0 alpha \lvert{}w_{ij}\rvert r", positive=True)
norm, norm_j, norm_i = sp.symbols(
    r"\lVert{}w\rVert \lVert{}w_j\rVert \lVert{}w_i\rVert", positive=True
)
gradient = sp.Symbol("g_ij", real=True, nonzero=True)
_step = sp.Symbol("Delta_w", real=True)
_share = sp.Symbol("x", positive=True)
_RATE = eta_0 * (weight + alpha) / (norm + alpha)


def _rate_of(relation: sp.Eq) -> sp.Expr:
    """The rate that Eq. 1 or 3 gives, with one letter for either norm."""
    return relation.rhs.subs({norm_j: norm, norm_i: norm})


def _sign(expr: sp.Expr) -> int:
    """The sign of an expression in positive symbols, as far as SymPy knows it."""
    if expr.is_positive:
        return 1
    if expr.is_negative:
        return -1
    raise ProofError(f"undecided: the sign of {expr}")


def _descends(relation: sp.Eq) -> bool:
    """Whether a rate descends, η₀ for a neuron's only weight and α's share for a weight of 0."""
    return (
        zero(_rate_of(relation).subs(norm, weight) - eta_0)
        and zero(_rate_of(relation).subs(weight, 0) - eta_0 * alpha / (norm + alpha))
        and zero(sp.diff(_rate_of(relation), weight, 2))
        and _sign(_step_of_2(_rate_of(relation)) * gradient) == -1
    )


def _step_of_2(rate: sp.Expr) -> sp.Expr:
    """The step that Eq. 2 makes with a rate."""
    return -rate * gradient


def _slope_by_own_weight() -> sp.Expr:
    """∂η_ij/∂|w_ij| where the norm grows with the weight, ‖w‖² = w_ij² + r²."""
    return sp.simplify(sp.diff(_RATE.subs(norm, sp.sqrt(weight**2 + others**2)), weight))


def _own_rate_grows() -> bool:
    """Whether that slope is η₀(r² + α(‖w‖ − w))/(‖w‖(‖w‖ + α)²), positive since ‖w‖ > w."""
    length = sp.sqrt(weight**2 + others**2)
    top = others**2 + alpha * (length - weight)
    gap = sp.expand((length - weight) * (length + weight))
    return (
        sp.simplify(_slope_by_own_weight() - eta_0 * top / (length * (length + alpha) ** 2)) == 0
        and _sign(gap) == 1
    )


_BOUNDS = Fact(
    r"the corrected rate lies between $\alpha \eta_0/(\lVert w\rVert + \alpha)$, for a weight of "
    r"0, and $\eta_0$, for a neuron's only weight, since $0 \le \lvert w_{ij}\rvert \le \lVert "
    r"w\rVert$",
    lambda e: (
        _sign(sp.diff(_rate_of(e.correction), weight)) == 1
        and zero(_rate_of(e.correction).subs(weight, 0) - eta_0 * alpha / (norm + alpha))
        and zero(_rate_of(e.correction).subs(weight, norm) - eta_0)
    ),
)

_PRINTED_CLIMBS = (
    r"Eq. 2 has a minus sign too: with the printed rate the cost changes by $+\eta_0 \frac{\lvert "
    r"w\rvert + \alpha}{\lVert w\rVert + \alpha} (\partial C/\partial w)^2 > 0$ to first order, so "
    r"every step climbs."
)


def _rate(number: int, index: str, title: str, claims: tuple[Claim, ...], note: str) -> Equation:
    """Eq. 1 or Eq. 3, which differ in the neuron whose weights the norm sums."""
    of_neuron = {"j": norm_j, "i": norm_i}[index]
    share = rf"\frac{{\lvert w_{{ij}}\rvert + \alpha}}{{\lVert w_{index}\rVert + \alpha}}"
    return Equation(
        "DLR",
        number,
        title,
        r"\eta_{ij} = -\eta_0 " + share,
        Eq(eta_ij, -_RATE.subs(norm, of_neuron)),
        "erratum",
        r"it is a rate with which Eq. 2 lowers the cost to first order, $\eta_0$ for a neuron's "
        r"only weight and $\alpha \eta_0/(\lVert w\rVert + \alpha)$ for a weight of 0",
        _descends,
        facts=(_BOUNDS,),
        claims=claims,
        correction=Eq(eta_ij, _RATE.subs(norm, of_neuron)),
        correction_latex=r"\eta_{ij} = \eta_0 " + share,
        evidence=_PRINTED_CLIMBS,
        note=note,
    )


EQUATIONS: tuple[Equation, ...] = (
    _rate(
        1,
        "j",
        "rate by the norm of outgoing weights",
        claims=(
            Claim(
                "Bigger weights are assigned a higher learning rate.",
                False,
                "as printed all rates are negative and the biggest weight has the lowest; true of "
                "the correction",
                lambda e: _sign(sp.diff(_rate_of(e.statement), weight)) == 1,
            ),
            Claim(
                r"With $\alpha > \lVert w_j\rVert \gg w_{ij}$ all synapses have similar learning "
                r"rates.",
                True,
                r"in size they lie between $\eta_0/2$ and $\eta_0$; for $w_{ij} \ll \lVert "
                r"w_j\rVert$ all of a neuron's are near $\alpha \eta_0/(\lVert w_j\rVert + "
                r"\alpha)$",
                lambda e: _lowest_share_exceeds_half(_rate_of(e.correction)),
            ),
            Claim(
                "As learning progresses and the norm grows, the learning rate of all synapses "
                "decreases.",
                False,
                r"not of the weight that grows: with the others fixed, $\partial "
                r"\eta_{ij}/\partial \lvert w_{ij}\rvert = \eta_0 \frac{r^2 + \alpha(\lVert "
                r"w\rVert - \lvert w_{ij}\rvert)}{\lVert w\rVert (\lVert w\rVert + \alpha)^2} > "
                r"0$; only those of the others fall",
                lambda e: not (_own_rate_grows() and _sign(sp.diff(_RATE, norm)) == -1),
            ),
            Claim(
                "Large synapses retain a relatively large learning rate while that of small ones "
                "becomes small.",
                True,
                r"as $\lVert w\rVert \to \infty$ the rate of a fixed weight tends to 0, of a fixed "
                r"share $x$ of the norm to $x \eta_0$",
                lambda e: (
                    sp.limit(_rate_of(e.correction), norm, sp.oo) == 0
                    and zero(
                        sp.limit(_rate_of(e.correction).subs(weight, _share * norm), norm, sp.oo)
                        - _share * eta_0
                    )
                ),
            ),
            Claim(
                "It works similarly to gradient descent with a uniform rate.",
                True,
                r"as $\alpha \to \infty$ every corrected rate tends to $\eta_0$",
                lambda e: zero(sp.limit(_rate_of(e.correction), alpha, sp.oo) - eta_0),
            ),
        ),
        note=r"$\lVert w_j\rVert$ sums over $i$, the post-synaptic weights of the pre-synaptic "
        r"neuron $j$: its outgoing weights. A sign in the condition on $\alpha$ is lost in the "
        r"text, read as $\gg$.",
    ),
    Equation(
        "DLR",
        2,
        "gradient descent with a rate per synapse",
        r"\Delta w_{ij} = -\eta_{ij} \frac{\partial C}{\partial w_{ij}}",
        Eq(_step, -eta_ij * gradient),
        "definition",
        r"it changes the cost by $-\eta_{ij} (\partial C/\partial w_{ij})^2$ to first order, which "
        r"for a positive rate is a fall",
        lambda s: (
            zero(s.rhs * gradient + eta_ij * gradient**2)
            and _sign((s.rhs * gradient).subs(eta_ij, _RATE)) == -1
        ),
        facts=(
            Fact(
                "with Eq. 1 as printed the two minus signs cancel, and it climbs",
                lambda e: _sign((e.statement.rhs * gradient).subs(eta_ij, -_RATE)) == 1,
            ),
        ),
        note="Right as it stands; the minus signs of Eq. 1 and 3 are the ones too many.",
    ),
    _rate(
        3,
        "i",
        "rate by the norm of incoming weights",
        claims=(
            Claim(
                r"DLR also works with $\lVert w_i\rVert$ in place of $\lVert w_j\rVert$.",
                True,
                "the corrected form has the same bounds and descends as well; which is faster is "
                "left to experiment",
                lambda e: _descends(e.correction),
            ),
        ),
        note=r"$\lVert w_i\rVert$ sums over $j$, the weights into the post-synaptic neuron $i$.",
    ),
)


def _lowest_share_exceeds_half(rate: sp.Expr) -> bool:
    """Whether α/(‖w‖ + α) > 1/2 for all 0 < ‖w‖ < α, by Sturm's theorem in ‖w‖/α."""
    share = sp.cancel((rate.subs(weight, 0) / eta_0).subs(norm, _share * alpha))
    return sign_on(share - sp.Rational(1, 2), _share, 0, 1) == 1
