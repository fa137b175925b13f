r"""G22: S. Jaeger, The Golden Ratio in Machine Learning, 2022, Eq. 1 to 29.

The argument: a viewer's uncertainty (1, 2), what information measures (3 to 8), the golden ratio
where the measured equals the true (9 to 17), an energy carried to the unit circle (18 to 22), the
combined energy and the loss made of it (23 to 26), and the two training parameters (27 to 29).
"""

import sympy as sp
from sympy import Eq, Rational, cos, exp, log, pi, sin, sqrt

from golden_lib.equations.ledger import Claim, Equation, Fact
from golden_lib.equations.proofs import d, differ, identical, less, p, p_1, phi, solved_by, zero
from golden_lib.equations.shared import (
    ALPHA,
    LEAST_COMBINED,
    QUARTER,
    alpha,
    chain,
    circle_energy,
    combined_energy,
    combined_energy_is_least,
    cross_entropy_section,
    delta_rule,
    difference,
    divergence,
    energy,
    entropy,
    eta,
    golden_ratio,
    increasing,
    learning_rate,
    momentum,
    rate_claims,
    resolved,
    sign_of_the_delta,
    tends_to_infinity,
    uncertainty,
)

_energy_at = sp.Function("E^*")
_rise = sp.Symbol("Delta_E", real=True)
_L = sp.Symbol("L", real=True)


def _in_rise(expr: sp.Expr) -> sp.Expr:
    """A function of E*(d) as a function of E*(d) − E*(π/4)."""
    return expr.subs(_energy_at(d), _energy_at(QUARTER) + _rise)


def _loss_is_least(expr: sp.Expr, value: sp.Expr, limit: sp.Expr) -> bool:
    """Whether a function of E*(d) has its least value at d = π/4 and a limit it does not reach."""
    outer = _in_rise(expr)
    return (
        increasing(outer, _rise)
        and combined_energy_is_least(combined_energy(d))
        and identical(outer.subs(_rise, 0), value)
        and zero(sp.limit(outer, _rise, sp.oo) - limit)
    )


_UNCERTAINTY_CLAIM = Claim(
    r"Both terms are equal only for $p = 0.5$ when $p$ is in the open interval $]0; 1[$.",
    True,
    r"$\ln p = \ln(1-p)$ only for $p = 1/2$, and $p \ne 0$",
    lambda e: solved_by(e.statement, p, Rational(1, 2)),
)

EQUATIONS: tuple[Equation, ...] = (
    # II. Motivation and approach, III. Cross-entropy, IV. Golden ratio, V. Intrinsic uncertainty
    *uncertainty("G22", {1: (_UNCERTAINTY_CLAIM,)}),
    *cross_entropy_section("G22", "1-p", r"H(\mathcal{X})"),
    *golden_ratio("G22", 9),
    *chain("G22"),
    # VI. Loss function
    difference("G22", 23, "d(y, t)"),
    Equation(
        "G22",
        24,
        "combined energy",
        r"E^*(d) = -\sin(d) \cdot \ln(\cos(d)) - \cos(d) \cdot \ln(\sin(d))",
        Eq(_energy_at(d), -sin(d) * log(cos(d)) - cos(d) * log(sin(d))),
        "definition",
        "it is half the sum of the energy of Eq. 22 and of its dual",
        lambda s: identical(s.rhs, (circle_energy(d) + circle_energy(pi / 2 - d)) / 2),
        facts=(
            Fact(
                r"it is symmetric, $E^*(d) = E^*(\pi/2 - d)$",
                lambda e: identical(e.statement.rhs, e.statement.rhs.subs(d, pi / 2 - d)),
            ),
            Fact(
                r"its least value is $\ln 2/\sqrt 2 \approx 0.490$, where its curvature is $\sqrt "
                r"2 (4 - \tfrac12 \ln 2) \approx 5.17$",
                lambda e: (
                    zero(e.statement.rhs.subs(d, QUARTER) - LEAST_COMBINED)
                    and zero(
                        sp.diff(e.statement.rhs, d, 2).subs(d, QUARTER) - sqrt(2) * (4 - log(2) / 2)
                    )
                ),
            ),
            Fact(
                r"it tends to $+\infty$ at both ends of $(0, \pi/2)$",
                lambda e: all(tends_to_infinity(e.statement.rhs, d, end) for end in (0, pi / 2)),
            ),
        ),
        claims=(
            Claim(
                r"It assumes its minimum for an angle of 45°, $d = \pi/4$.",
                True,
                r"$E^{*\prime}(\pi/4) = 0$ and $E^{*\prime\prime} > 0$ on $(0, \pi/2)$",
                lambda e: combined_energy_is_least(e.statement.rhs),
            ),
            Claim(
                "In this state of equilibrium both dual energies are equal.",
                True,
                r"$E(\pi/4) = E(\pi/2 - \pi/4)$",
                lambda e: zero((circle_energy(d) - circle_energy(pi / 2 - d)).subs(d, QUARTER)),
            ),
            Claim(
                "This corresponds to $p = 0.5$ in Eq. 18.",
                False,
                r"at $p = 1/2$ Eq. 18 is 0, and here both energies are $\ln 2/\sqrt 2 \approx "
                r"0.490$; $\sin(\pi/4)$ is $1/\sqrt 2$, and 1/2 is its square",
                lambda e: zero(energy(Rational(1, 2)) - e.statement.rhs.subs(d, QUARTER)),
            ),
            Claim(
                "Minimizing it minimizes the Kullback–Leibler divergence and maximizes the "
                "entropy.",
                True,
                r"read with $p = \sin^2 d$, which is 1/2 at $\pi/4$; with $p = \sin d$ it is "
                r"false, $D(1/\sqrt 2) \approx 0.365$",
                lambda e: (
                    combined_energy_is_least(e.statement.rhs)
                    and zero(divergence(sin(QUARTER) ** 2))
                    and zero(entropy(sin(QUARTER) ** 2) - log(2))
                    and less(0, divergence(sin(QUARTER)))
                ),
            ),
        ),
        note="The factor 2 of Eq. 22 is left out, so $E^*$ is the mean of both dual energies, not "
        "their sum.",
    ),
    resolved("G22", 25, 18),
    Equation(
        "G22",
        26,
        "energy loss",
        r"L(d) = \frac{\sqrt{2}}{1 + \exp(-(E^*(d) - E^*(\pi/4))/2)}",
        Eq(_L, sqrt(2) / (1 + exp(-(_energy_at(d) - _energy_at(QUARTER)) / 2))),
        "erratum",
        r"it is what Eq. 25 gives with $E^*(d) - E^*(\pi/4)$ for $E$ and $1/\sqrt 2$ for $p$",
        lambda s: identical(_in_rise(s.rhs), 1 / (1 + exp(-_rise / (1 / sqrt(2))))),
        facts=(
            Fact(
                r"the printed loss is least at $d = \pi/4$, tends to $\sqrt 2$ at both ends and "
                r"reaches it nowhere",
                lambda e: _loss_is_least(e.statement.rhs, 1 / sqrt(2), sqrt(2)),
            ),
            Fact(
                r"so it is no probability, as $p$ of Eq. 25 is: it passes 1 where "
                r"$E^*(d) - E^*(\pi/4) > -2 \ln(\sqrt 2 - 1) \approx 1.76$",
                lambda e: zero(_in_rise(e.statement.rhs).subs(_rise, -2 * log(sqrt(2) - 1)) - 1),
            ),
            Fact(
                r"the corrected form is least there too, with the value 1/2, and tends to 1",
                lambda e: _loss_is_least(e.correction.rhs, Rational(1, 2), sp.S.One),
            ),
        ),
        claims=(
            Claim(
                r"The loss reaches its minimum of $1/\sqrt 2$ when output and teaching input are "
                r"equal, $d = \pi/4$.",
                True,
                r"of the printed form; the corrected one has the minimum 1/2",
                lambda e: _loss_is_least(e.statement.rhs, 1 / sqrt(2), sqrt(2)),
            ),
            Claim(
                "With it the standard deviation improves by an order of magnitude each time, from "
                "10 to 0.06 (Section VIII).",
                True,
                "10, 1 and 0.06 in Table I, where G20 printed 0.1 for its own loss",
                lambda e: 10 / Rational(1) >= 10 and 1 / Rational("0.06") >= 10,
            ),
        ),
        correction=Eq(_L, 1 / (1 + exp(-sqrt(2) * (_energy_at(d) - _energy_at(QUARTER))))),
        correction_latex=r"L(d) = \frac{1}{1 + \exp\left(-\sqrt{2} \cdot (E^*(d) - "
        r"E^*(\pi/4))\right)}",
        evidence=r"Dividing by $p = 1/\sqrt 2$ multiplies by $\sqrt 2$, and the numerator stays 1: "
        r"the exponent is printed $2\sqrt 2$ times too small. At $E^*(d) - E^*(\pi/4) = 1$ the "
        r"printed form is $0.880$ and the substitution gives $0.804$.",
        note="An erratum of the derivation only. The printed form is nevertheless the definition "
        "of the loss that the paper trains with, and the library's energy loss is this printed "
        "form.",
    ),
    # VII. Regularization
    delta_rule("G22", 27, (sign_of_the_delta(),)),
    Equation(
        "G22",
        28,
        "momentum weight",
        r"\alpha = \sqrt{2} \cdot p_1 \approx 0.874",
        Eq(alpha, sqrt(2) * p_1),
        "assumption",
        r"it is the number with $\alpha \cdot 1/\sqrt 2 = p_1$, and rounds to 0.874",
        momentum,
        claims=(
            Claim(
                "Multiplied by this constant the equilibrium value becomes the golden ratio, for "
                "which the measured probability equals the true one.",
                True,
                r"$\sqrt 2\, p_1/\sqrt 2 = p_1$ and $(1-p_1)/p_1 = p_1$",
                lambda e: zero(ALPHA / sqrt(2) - p_1) and zero((1 - p_1) / p_1 - p_1),
            ),
            Claim(
                r"$p$ in Eq. 18 is the gradient of a linear function of the information $-\ln x$.",
                True,
                "with $p$ held fixed; along Eq. 18 itself the slope is $p + (1-p) E$, and $p$ at "
                "$p = 1/2$ alone",
                lambda e: zero(
                    sp.diff(energy(p), p) / sp.diff(energy(p) / p, p) - p - (1 - p) * energy(p)
                ),
            ),
        ),
        note="That the momentum term must carry the golden ratio is a choice; nothing derives it.",
    ),
    Equation(
        "G22",
        29,
        "learning rate",
        r"\eta = (1 - \alpha)^2 \approx 0.016",
        Eq(eta, (1 - alpha) ** 2),
        "assumption",
        r"it is the square of the complement of $\alpha$, and rounds to 0.016",
        learning_rate,
        facts=(
            Fact(
                r"a constant gradient moves a weight by $\eta/(1-\alpha) = 1 - \alpha \approx "
                r"0.126$ gradients a step in the long run",
                lambda e: zero(e.statement.rhs / (1 - alpha) - (1 - alpha)),
            ),
        ),
        claims=(
            Claim(
                r"For $\phi = \pi/2$ in Eq. 22, $\sin\phi$ becomes one.",
                True,
                r"but there $\cos\phi = 0$ and the energy of Eq. 22 is infinite",
                lambda e: sin(pi / 2) == 1 and tends_to_infinity(circle_energy(phi), phi, pi / 2),
            ),
            *rate_claims(r"By Eq. 13, squaring $1 - \alpha$ computes its complement."),
            Claim(
                r"The steps from $\alpha$ to $\eta$ take the complement twice.",
                False,
                r"the complement taken twice is $1 - (1 - \alpha) = \alpha$",
                lambda e: not differ(1 - (1 - ALPHA), e.statement.rhs.subs(alpha, ALPHA)),
            ),
        ),
        note="Complement and square are a choice; nothing derives them.",
    ),
)
