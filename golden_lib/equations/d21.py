r"""D21: S. Jaeger, A Dual Process Model for Optimizing Cross Entropy, 2021, Eq. 1 to 31.

The argument: a viewer's uncertainty (1, 2), what information measures (3 to 8), the golden ratio
(9 to 17), an energy carried to the unit circle (18 to 23), the divergence loss (24 to 26), the
equilibrium states of two dual processes (27, 28), and the two training parameters (29 to 31).
"""

import sympy as sp
from sympy import Eq, Rational, cos, exp, log, pi, sin, sqrt

from golden_lib.equations.ledger import Claim, Equation, Fact
from golden_lib.equations.proofs import (
    P1,
    PHI,
    d,
    differ,
    identical,
    less,
    p,
    p_1,
    phi,
    sign_on,
    varphi,
    zero,
)
from golden_lib.equations.shared import (
    ALPHA,
    HALF,
    QUARTER,
    E,
    alpha,
    chain,
    circle_energy,
    cross_entropy_section,
    delta_rule,
    difference,
    divergence,
    energy,
    entropy,
    eta,
    golden_ratio,
    learning_rate,
    momentum,
    rate_claims,
    resolved,
    sigmoid,
    sign_of_the_delta,
    tends_to_infinity,
    uncertainty,
)

_i, _z = sp.symbols("i z")
_X = sp.Symbol("X", real=True)


def _holds_for_i_one(relation: sp.Eq, value: sp.Expr) -> bool:
    """Whether a relation between E and i holds for E of a given value with i = 1."""
    return zero((relation.lhs - relation.rhs).subs({E: value, _i: 1}))


def _turned_by_i(relation: sp.Eq) -> bool:
    """Whether i times X = iE is iX = −E, and i times that is X = iE again."""
    left, right = relation.lhs.subs(_i, sp.I), relation.rhs
    once = (sp.expand(sp.I * left), sp.I * right)
    return (
        zero(once[0] + relation.lhs.subs(_i, 1))
        and zero(-sp.expand(sp.I * once[0]) - left)
        and zero(-sp.expand(sp.I * once[1]) - right)
    )


_UNCERTAINTY_CLAIM = Claim(
    r"Both terms are equal only for $p = 0.5$ when $p$ is in the closed interval $[0; 1]$.",
    False,
    r"as $p \to 0$ both terms tend to 0, so with $0 \ln 0 = 0$ the end $p = 0$ meets Eq. 1 too; "
    r"G22 prints the open interval",
    lambda e: (
        not (
            sp.limit(e.statement.lhs, p, 0, "+") == 0 and sp.limit(e.statement.rhs, p, 0, "+") == 0
        )
    ),
)

_NEGATIVE_RECIPROCAL = Claim(
    "The opposing dual process uses this relation to compute the complement of its input, $p = "
    "-1/p$.",
    False,
    r"the relation is $1 - p = -1/p$; $p = -1/p$ has the solutions $\pm i$ and no real one",
    lambda e: bool(sp.real_roots(sp.Poly(p**2 + 1, p))),
)

_loss = sp.Symbol("L", real=True)
_D = sp.Function("D")
_steep = sp.Symbol("u", nonnegative=True)
_cos_squared = sp.Symbol("k", positive=True)


def _divergence_loss_is_least(relation: sp.Eq) -> bool:
    """Whether Eq. 26 is 1/2 where D = 0, and there only; D is 0 at cos² d = 1/2 alone."""
    outer = relation.rhs.subs(_D(cos(d) ** 2), _steep * sin(d))
    k = _cos_squared
    return (
        zero(outer - sigmoid(_steep))
        and zero(sigmoid(sp.S.Zero) - HALF)
        and sp.simplify(sp.diff(sigmoid(_steep), _steep)).is_positive
        and sign_on(divergence(p).subs(p, k), k, 0, HALF) == 1
        and sign_on(divergence(p).subs(p, k), k, HALF, 1) == 1
        and zero(divergence(cos(QUARTER) ** 2))
    )


EQUATIONS: tuple[Equation, ...] = (
    # 2. Motivation and approach, 3. Cross entropy
    *uncertainty("D21", {1: (_UNCERTAINTY_CLAIM,)}),
    *cross_entropy_section("D21", r"\neg p", r"H(\mathcal{X})"),
    # 4. Golden ratio
    *golden_ratio(
        "D21",
        9,
        extra={16: (_NEGATIVE_RECIPROCAL,)},
        notes={
            12: r"Garbled in the text, which has $-\sqrt{5-1}/2 = -1$; reconstructed from "
            r"G22 Eq. 12 and the decimal −1.618."
        },
    ),
    # 5. Intrinsic uncertainty
    *chain("D21"),
    Equation(
        "D21",
        23,
        "energy with a regulating parameter",
        r"Ei = -p \cdot \ln\left(\frac{1-p}{p}\right)",
        Eq(E * _i, energy(p)),
        "assumption",
        r"with $E$ of Eq. 18 it holds for $i = 1$, and for another $i$ only at $p = 1/2$",
        lambda s: zero((s.lhs - s.rhs).subs(E, energy(p)) - (_i - 1) * energy(p)),
        facts=(
            Fact(
                r"with $i$ the imaginary unit, $E$ is imaginary wherever it is not 0",
                lambda e: (
                    sp.solve(e.statement.lhs.subs({_i: sp.I, E: _z}) - _X, _z) == [-sp.I * _X]
                    and sp.re(-sp.I * _X) == 0
                ),
            ),
        ),
        claims=(
            Claim(
                "With $i^2 = -1$, multiplying by $i$ turns the sign of the energy and brings $i$ "
                "to the other side; multiplying again brings both back.",
                True,
                r"$Ei = X \Rightarrow -E = iX \Rightarrow Ei = X$",
                lambda e: _turned_by_i(e.statement),
            ),
        ),
        note=r"$i$ is a placeholder here and the imaginary unit from Section 7 on.",
    ),
    # 6. Loss function
    difference("D21", 24, "d(y,t)"),
    resolved("D21", 25, 18),
    Equation(
        "D21",
        26,
        "divergence loss",
        r"p = \frac{1}{1 + \exp\left(-D(\cos^2(d))/\sin(d)\right)}",
        Eq(_loss, 1 / (1 + exp(-_D(cos(d) ** 2) / sin(d)))),
        "definition",
        r"it is Eq. 25 with $D(\cos^2 d)$ of Eq. 6 for $E$ and $\sin d$ for the $p$ in the "
        r"exponent",
        lambda s: identical(s.rhs.subs(_D(cos(d) ** 2), _steep * sin(d)), 1 / (1 + exp(-_steep))),
        facts=(
            Fact(
                r"it is not symmetric: $D(\cos^2 d)$ is the same for $d$ and $\pi/2 - d$, but it "
                r"is divided by $\sin d$, so $y - t = -1/3$ costs more than $y - t = 1/3$",
                lambda e: (
                    identical(divergence(cos(d) ** 2), divergence(sin(d) ** 2))
                    and less(
                        e.statement.rhs.subs(d, pi / 3).subs(
                            _D(Rational(1, 4)), divergence(HALF / 2)
                        ),
                        e.statement.rhs.subs(d, pi / 6).subs(
                            _D(Rational(3, 4)), divergence(Rational(3, 4))
                        ),
                    )
                ),
            ),
        ),
        claims=(
            Claim(
                "The cosine is squared to include the multiplication by two in Eq. 22.",
                True,
                r"$2 \ln\cos d = \ln\cos^2 d$",
                lambda e: zero(circle_energy(d) + sin(d) * log(cos(d) ** 2)),
            ),
            Claim(
                "The energy $E$ of Eq. 25 can be computed as this divergence.",
                False,
                "$D(p) = E(p) + E(1-p)$, and $E(1-p) = 0$ at $p = 1/2$ alone; at $p = p_1$, $D$ is "
                "$0.114$ and $E$ is $0.297$",
                lambda e: (
                    not (
                        identical(divergence(p), energy(p) + energy(1 - p))
                        and differ(divergence(P1), energy(P1))
                    )
                ),
            ),
            Claim(
                r"The $p$ that it gives is the $p = \sin d$ put into its exponent.",
                False,
                r"at $d = \pi/4$ it gives 1/2, and $\sin d$ is $1/\sqrt 2$",
                lambda e: zero(
                    e.statement.rhs.subs(d, QUARTER).subs(_D(HALF), divergence(HALF)) - sin(QUARTER)
                ),
            ),
            Claim(
                r"Its values lie in the interval $[1/2; 1]$.",
                True,
                r"$D/\sin d \ge 0$ has every value from 0 up; 1 is a limit for $d \to 0$ and $d "
                r"\to \pi/2$",
                lambda e: (
                    _divergence_loss_is_least(e.statement)
                    and sp.limit(sigmoid(_steep), _steep, sp.oo) == 1
                    and sp.limit(divergence(p), p, 0, "+") == sp.oo
                    and sp.limit(divergence(p), p, 1, "-") == sp.oo
                ),
            ),
            Claim(
                r"It reaches its minimum of 0.5 if, and only if, the Kullback–Leibler divergence "
                r"is zero, $\cos^2 d = 0.5$, output equal to teaching input.",
                True,
                r"$1/(1+e^{-u})$ increases from 1/2 at $u = 0$, and $D > 0$ but at $\cos^2 d = "
                r"1/2$",
                lambda e: _divergence_loss_is_least(e.statement),
            ),
        ),
        note=r"$p$ stands for two things, the value on the left and $\sin d$ on the right; the "
        r"value is the loss.",
    ),
    # 7. Dual process model
    Equation(
        "D21",
        27,
        "equilibrium on the circle",
        r"\frac{Ei}{2} = -\frac{1}{\sqrt{2}} \cdot \ln\left(\frac{1}{\sqrt{2}}\right)",
        Eq(E * _i / 2, -1 / sqrt(2) * log(1 / sqrt(2))),
        "identity",
        r"with $E$ of Eq. 22 at $\phi = \pi/4$ and $i = 1$ both sides are $\ln 2/(2\sqrt 2)$",
        lambda s: (
            _holds_for_i_one(s, circle_energy(QUARTER)) and zero(s.rhs - log(2) / (2 * sqrt(2)))
        ),
        claims=(
            Claim(
                "It is a state where the energy released equals the energy absorbed.",
                True,
                r"Eq. 22 and its dual are equal at $\phi = \pi/4$",
                lambda e: zero(circle_energy(QUARTER) - circle_energy(pi / 2 - QUARTER)),
            ),
            Claim(
                "It is the state where the measured equals the true probability, which is the "
                "golden ratio.",
                False,
                r"$1/\sqrt 2$ is no root of $p^2 + p - 1$, which is $0.207$ there: the equality of "
                r"sine and cosine and that of Eq. 9 are two equilibria",
                lambda e: zero((p**2 + p - 1).subs(p, 1 / sqrt(2))),
            ),
            Claim(
                r"$1/\sqrt 2$ times $\sqrt 2 \cdot p_1$ is the golden ratio.",
                True,
                "algebra",
                lambda e: zero(sqrt(2) * p_1 / sqrt(2) - p_1),
            ),
            Claim(
                "With the factor 1/2 brought to the right by squaring the argument, the measured "
                "probability is 1/2.",
                True,
                r"$-\frac{1}{\sqrt 2} \ln\frac{1}{\sqrt 2} \cdot 2 = -\frac{1}{\sqrt 2} "
                r"\ln\frac12$",
                lambda e: zero(2 * e.statement.rhs + log(HALF) / sqrt(2)),
            ),
            Claim(
                "In that form too it describes measured and true probability as equal.",
                False,
                r"the measured is 1/2 and the true, in front, is still $1/\sqrt 2$",
                lambda e: not differ(HALF, 1 / sqrt(2)),
            ),
            Claim(
                r"Squaring $p = 1/\sqrt 2$ leads to $p = 0.5$, where the divergence is least and "
                r"the entropy greatest.",
                True,
                r"$D(1/2) = 0$ and $H(1/2) = \ln 2$",
                lambda e: (
                    zero((1 / sqrt(2)) ** 2 - HALF)
                    and zero(divergence(HALF))
                    and zero(entropy(HALF) - log(2))
                ),
            ),
        ),
        note="Read with $i$ as the placeholder of Eq. 23; with $i$ the imaginary unit and a real "
        "$E$ it cannot hold.",
    ),
    Equation(
        "D21",
        28,
        "equilibrium at the golden ratio",
        r"\frac{Ei}{2} = \frac{\ln(\varphi)}{\varphi}",
        Eq(E * _i / 2, log(varphi) / varphi),
        "erratum",
        "with $i = 1$ it holds for the energy at the golden ratio, which Eq. 18, 20, 21 and 22 "
        "give alike",
        lambda s: all(
            _holds_for_i_one(s, value)
            for value in (energy(P1), -P1 * log(1 - P1**2), -2 * P1 * log(sqrt(P1)))
        ),
        facts=(
            Fact(
                r"the right side is Eq. 27's with $p_1$ put for $1/\sqrt 2$ in both places",
                lambda e: zero(e.statement.rhs + P1 * log(P1)),
            ),
            Fact(
                r"at the golden point of the circle, $\sin\phi = p_1$, Eq. 22 is "
                r"$\ln(\varphi)/\varphi$, since $\cos\phi = \sqrt{p_1}$",
                lambda e: (
                    zero(P1**2 + sqrt(P1) ** 2 - 1)
                    and zero(-2 * P1 * log(sqrt(P1)) - log(PHI) / PHI)
                ),
            ),
            Fact(
                r"sine and cosine cannot both be $p_1$, as in Eq. 27 both are $1/\sqrt 2$: $2 "
                r"p_1^2 \approx 0.764$",
                lambda e: not zero(2 * P1**2 - 1) and zero(2 * (1 / sqrt(2)) ** 2 - 1),
            ),
        ),
        claims=(
            Claim(
                r"Multiplying $1/\sqrt 2$ by $\sqrt 2 \cdot p_1$ in Eq. 27 and writing $1/\varphi$ "
                r"for $p_1$ gives the right side.",
                True,
                r"$-p_1 \ln p_1 = \ln(\varphi)/\varphi$; the left side changes with it",
                lambda e: zero(e.statement.rhs + (p * log(p)).subs(p, sqrt(2) * P1 / sqrt(2))),
            ),
            Claim(
                "Measuring the complement of the input, going right in Figure 2, squares it.",
                True,
                r"for the input $1/\varphi$: $1/\varphi^2 = 1 - 1/\varphi$",
                lambda e: zero((1 / varphi) ** 2 - (1 - 1 / varphi)),
            ),
            Claim(
                r"The dual process, where $1/\varphi$ and $\varphi$ change places, is based on the "
                r"complement of the true probability, $1 - p$.",
                False,
                r"the complement of $1/\varphi$ is $1/\varphi^2 \approx 0.382$, and $\varphi "
                r"\approx 1.618$ is no probability",
                lambda e: not differ(1 - 1 / PHI, PHI),
            ),
            Claim(
                "Multiplying by $i$ brings a minus sign and $i$ to the other side; doing it again "
                "removes both.",
                True,
                r"$i^2 = -1$",
                lambda e: _turned_by_i(e.statement),
            ),
        ),
        correction=Eq(E * _i, log(varphi) / varphi),
        correction_latex=r"Ei = \frac{\ln(\varphi)}{\varphi}",
        evidence=r"At $p_1$, $E = -p_1 \ln p_1 = \ln(\varphi)/\varphi \approx 0.2974$ by each of "
        r"Eq. 18, 20, 21 and 22, so $E/2 \approx 0.1487$: the printed form is too large by the "
        r"factor 2.",
        note=r"The 2 belongs to the circle, where $2 \ln\cos\phi = \ln\cos^2\phi$. Where measured "
        r"and true are one number $x$, Eq. 18 is $-x \ln x$ without it. Only an $E$ of its own, "
        r"not that of Eq. 18 to 22, would save the printed form.",
    ),
    # 8. Regularization
    delta_rule("D21", 29, (sign_of_the_delta(),)),
    Equation(
        "D21",
        30,
        "momentum weight",
        r"\alpha = \sqrt{2} \cdot p_1 \approx 0.874",
        Eq(alpha, sqrt(2) * p_1),
        "assumption",
        r"it is the number with $\alpha \cdot 1/\sqrt 2 = p_1$, and rounds to 0.874",
        momentum,
        claims=(
            Claim(
                r"$1/\sqrt 2$ in Eq. 27 is the gradient of $E/2$ as a linear function of $-\ln x$.",
                True,
                r"with the factor in front held fixed",
                lambda e: zero(sp.diff(E / sqrt(2), E) - 1 / sqrt(2)),
            ),
            Claim(
                "The dual process, with input and output reversed, has the same gradient.",
                False,
                r"the reversed linear function has the reciprocal gradient, $\sqrt 2$",
                lambda e: not differ(1 / (1 / sqrt(2)), 1 / sqrt(2)),
            ),
        ),
        note="That the momentum term must carry the golden ratio is a choice; nothing derives it.",
    ),
    Equation(
        "D21",
        31,
        "learning rate",
        r"\eta = (1 - \alpha)^2 \approx 0.016",
        Eq(eta, (1 - alpha) ** 2),
        "assumption",
        r"it is the square of the complement of $\alpha$, and rounds to 0.016",
        learning_rate,
        claims=(
            Claim(
                r"For $\phi = \pi/2$ in Eq. 22, $\sin\phi$ becomes one.",
                True,
                r"but there $\cos\phi = 0$ and the energy of Eq. 22 is infinite",
                lambda e: sin(pi / 2) == 1 and tends_to_infinity(circle_energy(phi), phi, pi / 2),
            ),
            *rate_claims(r"By Eq. 13, squaring $1 - \alpha$ computes its complement."),
            Claim(
                r"The true probability of the dual process is $1 - \alpha$, the complement of "
                r"$\alpha$, and $\eta$ its square.",
                True,
                r"by definition of the steps; $1 - \alpha \approx 0.126$",
                lambda e: zero(e.statement.rhs - (1 - alpha) ** 2) and less(0, 1 - ALPHA),
            ),
        ),
        note="Complement and square are a choice; nothing derives them.",
    ),
)
