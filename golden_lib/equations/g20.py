r"""G20: S. Jaeger, The Golden Ratio of Learning and Momentum, 2020, Eq. 1 to 25.

The argument: gradient descent on a squared error (1 to 4), the energy of a synapse's signal
carried to the unit circle (5 to 8), the information loss of both directions (9), the golden ratio
(10 to 18), the loss made of the two (19 to 22), and its square with the two training parameters
(23 to 25).
"""

import sympy as sp
from sympy import Eq, Rational, cos, exp, log, pi, sin, sqrt

from golden_lib.equations.ledger import Claim, Equation, Fact
from golden_lib.equations.proofs import (
    P1,
    P2,
    d,
    differ,
    identical,
    less,
    p,
    p_1,
    phi,
    sign_on,
    solutions,
    solved_by,
    zero,
)
from golden_lib.equations.shared import (
    ALPHA,
    ETA,
    HALF,
    LEAST_COMBINED,
    QUARTER,
    alpha,
    circle_energy,
    circle_step,
    combined_energy,
    combined_energy_is_least,
    delta_rule,
    difference,
    energy_of_p,
    eta,
    golden_ratio,
    golden_step,
    increasing,
    learning_rate,
    momentum,
    rate_claims,
    resolved,
    root_step,
    sigmoid,
    tends_to_infinity,
    y,
)

# --- 2. Backpropagation ---

_n, _k, _m, _j = sp.symbols("n k m j", integer=True, positive=True)
_N, _K = sp.symbols("N K", integer=True, positive=True)
_y, _t = sp.IndexedBase("y", real=True), sp.IndexedBase("t", real=True)
_L = sp.Symbol("L", real=True)
_slope = sp.Symbol("dL_dY", real=True)
_SSE = sp.Sum((_y[_n, _k] - _t[_n, _k]) ** 2, (_k, 1, _K), (_n, 1, _N)) / _N
_w, _delta, _curvature = sp.symbols("w Delta_w lambda", real=True)
_cost = sp.Function("L")
_valley = 3 * _w**4 - 4 * _w**3 - 12 * _w**2


def _derivative_by_one_output(sse: sp.Expr) -> sp.Expr:
    """∂L/∂y of one of the N·K outputs, for symbolic N and K.

    SymPy says "if m ≤ N and j ≤ K, else 0"; the first branch is for an output that there is.
    """
    return (
        sse.diff(_y[_m, _j])
        .doit()
        .replace(lambda e: isinstance(e, sp.Piecewise), lambda e: e.args[0].expr)
    )


def _step_on(relation: sp.Eq, loss: sp.Expr) -> sp.Expr:
    """The step that a rule makes on a given loss of w."""
    return relation.rhs.subs(_cost(_w), loss).doit()


_BACKPROPAGATION = (
    Equation(
        "G20",
        1,
        "squared error",
        r"L = \frac{1}{N} \sum_{n} \sum_{k} (y_{nk} - t_{nk})^2",
        Eq(_L, _SSE),
        "definition",
        r"its derivative by one output is $2(y_{mj} - t_{mj})/N$, and it is 0 for $y = t$",
        lambda s: (
            sp.expand(_derivative_by_one_output(s.rhs) - 2 * (_y[_m, _j] - _t[_m, _j]) / _N) == 0
            and s.rhs.subs({_N: 2, _K: 2})
            .doit()
            .subs({_y[a, b]: _t[a, b] for a in (1, 2) for b in (1, 2)})
            == 0
        ),
        note="Garbled in the text, which keeps a 1 and two sums; reconstructed so that Eq. 2 is "
        "its derivative. Called the sum of the squared error; it is the sum over classes and the "
        "mean over observations.",
    ),
    Equation(
        "G20",
        2,
        "gradient of the squared error",
        r"\frac{dL}{dY} = \frac{2 \cdot (Y - T)}{N}",
        Eq(_slope, 2 * (_y[_m, _j] - _t[_m, _j]) / _N),
        "identity",
        "it is the derivative of Eq. 1, for each observation and class",
        lambda s: sp.expand(_derivative_by_one_output(_SSE) - s.rhs) == 0,
    ),
    Equation(
        "G20",
        3,
        "delta rule",
        r"\Delta w_{ij} = -\eta \frac{\partial L}{\partial w_{ij}}",
        Eq(_delta, -eta * sp.Derivative(_cost(_w), _w)),
        "definition",
        r"on $L = \lambda w^2/2$ the step with $\eta = 1/\lambda$ ends in the minimum",
        lambda s: zero(_w + _step_on(s, _curvature * _w**2 / 2).subs(eta, 1 / _curvature)),
        claims=(
            Claim(
                "The factor −1 moves towards the minimum.",
                True,
                r"to first order the loss changes by $-\eta (\partial L/\partial w)^2 \le 0$",
                lambda e: (
                    sp.expand(
                        e.statement.rhs * sp.diff(_cost(_w), _w) + eta * sp.diff(_cost(_w), _w) ** 2
                    )
                    == 0
                ),
            ),
            Claim(
                "It does not guarantee reaching the global optimum.",
                True,
                "$L = 3w^4 - 4w^3 - 12w^2$ has no gradient at its minimum $w = -1$, $L = -5$, and "
                "is −32 at $w = 2$",
                lambda e: (
                    zero(_step_on(e.statement, _valley).subs(_w, -1))
                    and less(0, sp.diff(_valley, _w, 2).subs(_w, -1))
                    and less(_valley.subs(_w, 2), _valley.subs(_w, -1))
                ),
            ),
        ),
    ),
    delta_rule("G20", 4),
)

# --- 4. Computational model ---

_info = sp.Function("L_I")
_u = sp.Symbol("u", real=True)
_PRINTED_INFO = sin(d) * log(cos(d)) + cos(d) * log(sin(d))
"""L_I of Eq. 9 with the signs printed; the corrected one is `combined_energy`."""


def _information_loss(relation: sp.Eq) -> bool:
    """Whether Eq. 9 is the mean of Eq. 8 in both directions, least at π/4, infinite at the ends."""
    return (
        identical(relation.rhs, (circle_energy(d) + circle_energy(pi / 2 - d)) / 2)
        and combined_energy_is_least(relation.rhs)
        and all(tends_to_infinity(relation.rhs, d, end) for end in (0, pi / 2))
    )


_MODEL = (
    energy_of_p(
        "G20",
        5,
        claims=(
            Claim(
                "The signal $(1-p)/p$ is 0 at $p = 1$ and reaches its maximum strength 1 at $p = "
                "0.5$.",
                True,
                r"on $[1/2, 1]$ it falls from 1 to 0; below $p = 1/2$ it would exceed 1",
                lambda e: (
                    sign_on(sp.diff((1 - p) / p, p), p, HALF, 1) == -1
                    and ((1 - p) / p).subs(p, HALF) == 1
                    and ((1 - p) / p).subs(p, 1) == 0
                ),
            ),
            Claim(
                "Perceived and actual signal are identical when $p$ is the golden ratio.",
                True,
                r"$(1-p)/p = p$ at $p_1$ alone of all $p > 0$",
                lambda e: solved_by(Eq(exp(-e.statement.rhs / p), p), p, P1, P2),
            ),
        ),
        note="For $p$ in $[1/2; 1]$ (the brackets are lost in the text), where $E$ rises from 0 to "
        "infinity.",
    ),
    golden_step("G20", 6),
    root_step("G20", 7),
    circle_step(
        "G20",
        8,
        claims=(
            Claim(
                "The expression is symmetric: sine and cosine can be swapped.",
                False,
                r"the swap keeps the value at $\phi = \pi/4$ alone, since $E$ increases; at "
                r"$\pi/6$ it takes $0.144$ to $1.201$",
                lambda e: identical(e.statement.rhs, e.statement.rhs.subs(phi, pi / 2 - phi)),
            ),
            Claim(
                "Swapped, it is the expected information of a signal in the opposite direction.",
                True,
                r"read as $E(\pi/2 - \phi)$, the energy seen from the other axis",
                lambda e: identical(
                    e.statement.rhs.subs(phi, pi / 2 - phi), -cos(phi) * log(sin(phi)) * 2
                ),
            ),
        ),
    ),
    Equation(
        "G20",
        9,
        "information loss",
        r"L_I(d) = \sin(d) \cdot \ln\left(\cos(d)\right) + \cos(d) \cdot \ln\left(\sin(d)\right)",
        Eq(_info(d), _PRINTED_INFO),
        "erratum",
        r"it is the mean of Eq. 8 in both directions, least at $d = \pi/4$ alone, and tends to "
        r"$+\infty$ at both ends",
        _information_loss,
        facts=(
            Fact(
                "the correction is Eq. 24 of G22, the negative of the printed form",
                lambda e: (
                    identical(e.correction.rhs, combined_energy(d))
                    and identical(e.correction.rhs, -e.statement.rhs)
                ),
            ),
        ),
        claims=(
            Claim(
                r"It assumes its minimum for an angle of 45°, $d = \pi/4$.",
                False,
                r"as printed that is its maximum, $-\ln 2/\sqrt 2 \approx -0.490$; true of the "
                r"correction",
                lambda e: combined_energy_is_least(e.statement.rhs),
            ),
            Claim(
                r"It tends towards infinity as $\lvert y - t\rvert$ tends to 1 (Section 6.1).",
                False,
                r"as printed it tends to $-\infty$; true of the correction",
                lambda e: tends_to_infinity(e.statement.rhs, d, 0),
            ),
            Claim(
                r"At $d = \pi/4$ the signals in both directions are identical.",
                True,
                r"$\sin(\pi/4) = \cos(\pi/4) = 1/\sqrt 2$",
                lambda e: sin(QUARTER) == cos(QUARTER),
            ),
        ),
        correction=Eq(_info(d), -_PRINTED_INFO),
        correction_latex=r"L_I(d) = -\sin(d) \cdot \ln\left(\cos(d)\right) - \cos(d) \cdot "
        r"\ln\left(\sin(d)\right)",
        evidence=r"As printed $L_I(\pi/4) = -\ln 2/\sqrt 2 \approx -0.490$ is the maximum, and "
        r"$L_I \to -\infty$ for $d \to 0$ and $d \to \pi/2$. Both minus signs of Eq. 8 are lost.",
        note="Corrected from G22 Eq. 24; Eq. 22 is the derivative with the corrected sign. The "
        "factor 2 of Eq. 8 is left out, so it is the mean of both directions, not their sum.",
    ),
)

# --- 5. Golden ratio ---

_GOLDEN_CLAIMS = {
    10: (
        Claim(
            "The golden ratio defines the points of minimum uncertainty (Section 1).",
            False,
            r"uncertainty, Eq. 9 with its sign corrected, is least at $\sin d = 1/\sqrt 2$, "
            r"$0.490$; at $\sin d = p_1$ it is $0.527$",
            lambda e: not less(LEAST_COMBINED, combined_energy(sp.asin(P1))),
        ),
    ),
    15: (
        Claim(
            "Two quantities are in the golden ratio if their ratio is that of their sum to the "
            "larger.",
            True,
            r"$x = (x + 1)/x$ has the same solutions, of which $-p_2 \approx 1.618$ is positive",
            lambda e: solutions(Eq(p, (p + 1) / p), p) == solutions(e.statement, p),
        ),
    ),
    17: (
        Claim(
            "It is closely connected with Eq. 14.",
            True,
            "replacing $p$ by $-p$ in $1 - p = p^2$ gives $1 + p = p^2$, which divided by $p$ is "
            "$1 - p = -1/p$",
            lambda e: identical(
                ((1 - p) - p**2).subs(p, -p) / p, e.statement.lhs - e.statement.rhs
            ),
        ),
        Claim(
            "Observed and true signal are in a negatively inverse relation, $p = -1/p$ (Section "
            "6.2).",
            False,
            r"$p = -1/p$ has the solutions $\pm i$ and no real one",
            lambda e: bool(sp.real_roots(sp.Poly(p**2 + 1, p))),
        ),
    ),
    18: (
        Claim(
            "The absolute sum of the solutions equals 1, for each of the two quadratics.",
            True,
            r"read as $\lvert p_1 + p_2 \rvert = 1$; the sum of the absolute values is $\sqrt 5$",
            lambda e: zero(abs(P1 + P2) - 1) and zero(abs(P1) + abs(P2) - sqrt(5)),
        ),
    ),
}

# --- 6. Loss function ---

_loss, _slope_y, _least = sp.symbols("Loss dL_dy min", real=True)
_SLOPE = sin(d) ** 2 / cos(d) - cos(d) ** 2 / sin(d) + sin(d) * log(sin(d)) - cos(d) * log(cos(d))
_IN_USE = "The paper trains with it, and the library has it, with the sign of Eq. 9 corrected."


def _is_least_and_bounded(outer: sp.Expr, value: sp.Expr) -> bool:
    """Whether a function of u = L_I, sign corrected, is least at π/4 and tends to 1 at the ends."""
    return (
        increasing(outer, _u)
        and combined_energy_is_least(combined_energy(d))
        and zero(outer.subs(_u, LEAST_COMBINED) - value)
        and sp.limit(outer, _u, sp.oo) == 1
    )


_LOSS = (
    difference("G20", 19, "d"),
    resolved("G20", 20, 5),
    Equation(
        "G20",
        21,
        "information loss as a sigmoid",
        r"L(d) = \frac{1}{1 + \exp\left(-L_I(d)/\sqrt{2}\right)}",
        Eq(_L, 1 / (1 + exp(-_info(d) / sqrt(2)))),
        "erratum",
        r"it is what Eq. 20 gives with $L_I(d)$ for $E$ and $1/\sqrt 2$ for $p$",
        lambda s: identical(s.rhs.subs(_info(d), _u), 1 / (1 + exp(-_u / (1 / sqrt(2))))),
        facts=(
            Fact(
                r"with the sign of Eq. 9 corrected, the printed form is least at $d = \pi/4$, $2 - "
                r"\sqrt 2 \approx 0.586$, and tends to 1 at both ends, reaching it nowhere",
                lambda e: _is_least_and_bounded(e.statement.rhs.subs(_info(d), _u), 2 - sqrt(2)),
            ),
            Fact(
                r"so corrected, the substitution gives $2/3$ at $d = \pi/4$, and tends to 1 too",
                lambda e: _is_least_and_bounded(
                    e.correction.rhs.subs(_info(d), _u), Rational(2, 3)
                ),
            ),
        ),
        claims=(
            Claim(
                r"It reaches its maximum of 1 for $d = 0$ or $d = \pi/2$.",
                False,
                "with Eq. 9 as printed it tends to 0 there; with its sign corrected 1 is the "
                "limit, not a value",
                lambda e: (
                    sp.limit(
                        e.statement.rhs.subs(_info(d), _u),
                        _u,
                        sp.limit(_PRINTED_INFO, d, 0, "+"),
                    )
                    == 1
                ),
            ),
            Claim(
                "Its minimum is reached when the output equals the teaching input.",
                False,
                r"with Eq. 9 as printed that is its maximum, $\sqrt 2 - 1 \approx 0.414$; true "
                r"with the sign corrected",
                lambda e: less(
                    e.statement.rhs.subs(_info(d), _PRINTED_INFO.subs(d, QUARTER)),
                    e.statement.rhs.subs(_info(d), _PRINTED_INFO.subs(d, pi / 6)),
                ),
            ),
            Claim(
                r"It returns the true signal, which for the minimum uncertainty is $1/\sqrt 2$ "
                r"(Section 6.2).",
                False,
                r"at $d = \pi/4$ it returns $2 - \sqrt 2 \approx 0.586$, and the substitution 2/3, "
                r"not $0.707$: for $p = 1/\sqrt 2$ Eq. 20 needs $E \approx 0.623$, and "
                r"$L_I(\pi/4)$ is $0.490$",
                lambda e: (
                    not all(
                        differ(form.rhs.subs(_info(d), LEAST_COMBINED), 1 / sqrt(2))
                        for form in (e.statement, e.correction)
                    )
                ),
            ),
            Claim(
                "A sigmoidal function keeps the output within fixed limits.",
                True,
                "between 0 and 1",
                lambda e: (
                    sp.limit(sigmoid(_u), _u, -sp.oo) == 0
                    and sp.limit(sigmoid(_u), _u, sp.oo) == 1
                    and increasing(sigmoid(_u), _u)
                ),
            ),
        ),
        correction=Eq(_L, 1 / (1 + exp(-sqrt(2) * _info(d)))),
        correction_latex=r"L(d) = \frac{1}{1 + \exp\left(-\sqrt{2} \cdot L_I(d)\right)}",
        evidence=r"Dividing by $p = 1/\sqrt 2$ multiplies by $\sqrt 2$: the printed exponent is 2 "
        r"times too small. With $L_I(\pi/4) = \ln 2/\sqrt 2$ the printed form is $0.586$ and the "
        r"substitution gives $2/3$.",
        note="An erratum of the derivation only. The printed form is nevertheless a definition. "
        + _IN_USE,
    ),
    Equation(
        "G20",
        22,
        "derivative of the loss",
        r"\frac{dL}{dy} = \frac{\pi}{\sqrt{2}^5} \cdot L(d) \cdot \left(1 - L(d)\right) \cdot "
        r"\left(\frac{\sin^2(d)}{\cos(d)} - \frac{\cos^2(d)}{\sin(d)} + \sin(d) \cdot "
        r"\ln\left(\sin(d)\right) - \cos(d) \cdot \ln\left(\cos(d)\right)\right)",
        Eq(_slope_y, pi / sqrt(2) ** 5 * _L * (1 - _L) * _SLOPE),
        "identity",
        r"it is the derivative by $y$ of Eq. 21 as printed, with $L_I$ of the corrected Eq. 9",
        lambda s: identical(
            s.rhs, _L * (1 - _L) / sqrt(2) * sp.diff(combined_energy(d), d) * pi / 4
        ),
        facts=(
            Fact(
                r"$1/(1 + e^{-u/\sqrt 2})$ has the derivative $L(1-L)/\sqrt 2$",
                lambda e: zero(
                    sp.simplify(
                        sp.diff(sigmoid(_u / sqrt(2)), _u)
                        - sigmoid(_u / sqrt(2)) * (1 - sigmoid(_u / sqrt(2))) / sqrt(2)
                    )
                ),
            ),
            Fact(
                r"$\pi/\sqrt 2^5 = \pi/(4 \sqrt 2)$ fits the exponent $L_I/\sqrt 2$ of Eq. 21; "
                r"$\sqrt 2 L_I$ would make it $\pi/(2 \sqrt 2)$",
                lambda e: (
                    zero(pi / sqrt(2) ** 5 - pi / 4 / sqrt(2))
                    and zero(pi / 4 * sqrt(2) - pi / (2 * sqrt(2)))
                ),
            ),
        ),
        claims=(
            Claim(
                "It follows by the chain rule from Eq. 21 and Eq. 9.",
                False,
                "from Eq. 9 as printed the bracket has the opposite sign; it follows from the "
                "correction",
                lambda e: zero(_SLOPE - sp.diff(_PRINTED_INFO, d)),
            ),
            Claim(
                r"The outer sigmoid has the derivative $L \cdot (1-L)$, and $\partial d/\partial y "
                r"= \pi/4$.",
                True,
                "by the argument of the sigmoid, and Eq. 19",
                lambda e: (
                    zero(sp.simplify(sp.diff(sigmoid(_u), _u) - sigmoid(_u) * (1 - sigmoid(_u))))
                    and zero(sp.diff(difference("G20", 19, "d").statement.rhs, y) - pi / 4)
                ),
            ),
        ),
        note="The bracket is scattered in the text; reconstructed with the one arrangement of its "
        "four terms that is the derivative.",
    ),
)

_REGULARIZATION = (
    Equation(
        "G20",
        23,
        "momentum weight",
        r"\frac{\alpha}{\sqrt{2}} = p_1 \approx 0.618 \;\Longrightarrow\; \alpha \approx 0.874",
        Eq(alpha / sqrt(2), p_1),
        "assumption",
        r"it gives the number with $\alpha \cdot 1/\sqrt 2 = p_1$, which rounds to 0.874",
        momentum,
        claims=(
            Claim(
                r"For the minimum uncertainty, the equilibrium, the signal is $1/\sqrt 2$.",
                True,
                r"Eq. 9, its sign corrected, is least at $\pi/4$, and $\sin(\pi/4) = 1/\sqrt 2$",
                lambda e: (
                    combined_energy_is_least(combined_energy(d)) and sin(QUARTER) == 1 / sqrt(2)
                ),
            ),
        ),
        note="The text prints sqrt(2). That the signal should be the golden ratio instead is a "
        "choice; nothing derives it.",
    ),
    Equation(
        "G20",
        24,
        "squared information loss",
        r"\mathit{Loss}(d) = \left(\frac{1}{1 + \exp\left(-\left(L_I(d) - "
        r"\min\right)/\sqrt{2}\right)}\right)^2",
        Eq(_loss, (1 / (1 + exp(-(_info(d) - _least) / sqrt(2)))) ** 2),
        "definition",
        r"it is the square of Eq. 21 with $L_I - \min$ for $L_I$",
        lambda s: identical(s.rhs.subs(_info(d), _least + _u), sigmoid(_u / sqrt(2)) ** 2),
        facts=(
            Fact(
                r"with the sign of Eq. 9 corrected it is least at $d = \pi/4$, 1/4, and tends to 1 "
                r"at both ends, reaching it nowhere",
                lambda e: _is_least_and_bounded(
                    e.statement.rhs.subs({_info(d): _u, _least: LEAST_COMBINED}), Rational(1, 4)
                ),
            ),
            Fact(
                r"its derivative is Eq. 22 with $\sqrt{\mathit{Loss}}$ for $L$, times $2 "
                r"\sqrt{\mathit{Loss}}$",
                lambda e: zero(
                    sp.simplify(
                        sp.diff(sigmoid(_u / sqrt(2)) ** 2, _u)
                        - 2 * sigmoid(_u / sqrt(2)) ** 2 * (1 - sigmoid(_u / sqrt(2))) / sqrt(2)
                    )
                ),
            ),
        ),
        claims=(
            Claim(
                r"min is the minimum of Eq. 9, attained for $d = \pi/4$.",
                False,
                "as printed Eq. 9 has its maximum there and no minimum; true with the sign "
                "corrected",
                lambda e: combined_energy_is_least(_PRINTED_INFO),
            ),
            Claim(
                r"Its derivative is Eq. 22 with $\mathit{Loss}$ for $L$, times $2 \cdot "
                r"\mathit{Loss}$.",
                False,
                r"with $s = \sqrt{\mathit{Loss}}$ that is $s^2(1+s)$ times the derivative, and "
                r"right only where $s^3 + s^2 = 1$, $s \approx 0.755$; at the minimum, $s = 1/2$, "
                r"it is 3/8 of it",
                lambda e: _text_derivative_is_right(),
            ),
            Claim(
                "Squaring Eq. 21 leads to it.",
                False,
                r"it is also shifted by min: at $d = \pi/4$ the square of Eq. 21 is $(2 - \sqrt "
                r"2)^2 \approx 0.343$, and it is 1/4",
                lambda e: zero(
                    sigmoid(_u / sqrt(2)).subs(_u, LEAST_COMBINED) ** 2
                    - e.statement.rhs.subs({_info(d): _u, _least: _u})
                ),
            ),
            Claim(
                "By Eq. 14, squaring the signal amounts to computing one minus the signal.",
                False,
                r"at the golden ratio alone; the signal here is 1/2 at $d = \pi/4$, its square 1/4",
                lambda e: solved_by(Eq(p**2, 1 - p), p, HALF),
            ),
            Claim(
                "The standard deviation improves by an order of magnitude each time, from 10 to "
                "0.01 (Section 7).",
                False,
                "two orders of magnitude below 10 is 0.1, and Table 1 prints 10, 1 and 0.1",
                lambda e: Rational(10) / 10**2 == Rational("0.01"),
            ),
        ),
        note=_IN_USE,
    ),
    Equation(
        "G20",
        25,
        "learning rate",
        r"\eta = (1 - \alpha)^2 \approx 0.016",
        Eq(eta, (1 - alpha) ** 2),
        "assumption",
        r"it is the square of the complement of $\alpha$, and rounds to 0.016",
        learning_rate,
        claims=(
            *rate_claims(r"By Eq. 14, squaring $1 - \alpha$ computes its complement."),
            Claim(
                "In Eq. 4 the gradients of both directions contribute with the same weight.",
                False,
                r"the weights are $\eta \approx 0.0159$ and $\alpha \approx 0.874$, 55 times as "
                r"large",
                lambda e: not differ(ALPHA, e.statement.rhs.subs(alpha, ALPHA)),
            ),
            Claim(
                "By Eq. 18 the two weighted gradients sum to one in the equilibrium.",
                False,
                r"the weights sum to $\eta + \alpha \approx 0.890$; and at rest in a minimum Eq. 4 "
                r"sums to 0",
                lambda e: zero(ETA + ALPHA - 1),
            ),
        ),
        note="Complement and square are a choice; nothing derives them.",
    ),
)


def _text_derivative_is_right() -> bool:
    """Whether the derivative that the text describes is that of Eq. 24, for all s = √Loss."""
    s = sp.Symbol("s", positive=True)
    inner = s * (1 - s)  # the derivative of the sigmoid, but for factors that both have
    described = (s**2 * (1 - s**2)) * 2 * s**2
    ratio = sp.cancel(described / (2 * s * inner))
    return not (ratio == sp.expand(s**2 * (1 + s)) and ratio.subs(s, HALF) == Rational(3, 8))


EQUATIONS: tuple[Equation, ...] = (
    *_BACKPROPAGATION,
    *_MODEL,
    *golden_ratio("G20", 10, extra=_GOLDEN_CLAIMS),
    *_LOSS,
    *_REGULARIZATION,
)
