"""The equations and exact forms that sister papers print alike, with their proofs.

D21 and G22 share Eq. 1 to 22 but for an interval and a notation; G20 has the golden ratio of their
Section IV one number later, and their chain from p to the unit circle without one step. Each
paper's own file puts these sections in its order and adds what that paper says of them.
"""

from collections.abc import Mapping
from functools import cache

import sympy as sp
from sympy import And, Eq, Rational, cos, exp, log, pi, sin, sqrt

from golden_lib.equations.ledger import Claim, Equation, Fact
from golden_lib.equations.proofs import (
    GOLDEN,
    P1,
    P2,
    PHI,
    d,
    differ,
    identical,
    least_at,
    less,
    p,
    p_1,
    p_2,
    parts,
    phi,
    rounds_to,
    sign_on,
    solutions,
    solved_by,
    zero,
)

HALF = Rational(1, 2)
QUARTER = pi / 4
E = sp.Symbol("E", real=True)
alpha, eta = sp.symbols("alpha eta", positive=True)
y, t = sp.symbols("y t", real=True)
Claims = tuple[Claim, ...]
Extra = Mapping[int, Claims]


# --- exact forms ---


def energy(x: sp.Expr) -> sp.Expr:
    """The energy of a probability, −x·ln((1 − x)/x) (G20 5, D21 18, G22 18)."""
    return -x * log((1 - x) / x)


def circle_energy(angle: sp.Expr) -> sp.Expr:
    """The energy on the unit circle, −sin φ·ln(cos φ)·2 (G20 8, D21 22, G22 22)."""
    return -sin(angle) * log(cos(angle)) * 2


def combined_energy(angle: sp.Expr) -> sp.Expr:
    """E*(d) = −sin d·ln cos d − cos d·ln sin d (G22 24; the negative of G20 9 as printed)."""
    return -sin(angle) * log(cos(angle)) - cos(angle) * log(sin(angle))


def divergence(x: sp.Expr) -> sp.Expr:
    """The Kullback–Leibler divergence of (x, 1 − x) from (1 − x, x) (D21 6, G22 6)."""
    return energy(x) + energy(1 - x)


def entropy(x: sp.Expr) -> sp.Expr:
    """The entropy of (x, 1 − x) in nats (D21 8, G22 8)."""
    return -x * log(x) - (1 - x) * log(1 - x)


def sigmoid(x: sp.Expr) -> sp.Expr:
    """1/(1 + e^−x)."""
    return 1 / (1 + exp(-x))


LEAST_COMBINED = log(2) / sqrt(2)
"""E*(π/4)."""


# --- proofs that more than one paper needs ---


@cache
def combined_energy_is_least(expr: sp.Expr) -> bool:
    """Whether a function of d, a multiple of E*, is least on (0, π/2) at π/4 alone.

    No, if it is lower somewhere else. Yes, by convexity: E*″ = sin d·h(cos d) + cos d·h(sin d) with
    h(c) = ln c + 2 + 1/c², and h > 0 on (0, 1) since h′ < 0 and h(1) = 3.
    """
    if any(less(expr.subs(d, angle), expr.subs(d, QUARTER)) for angle in (pi / 8, pi / 6, pi / 3)):
        return False
    c = sp.Symbol("c")

    def bend(x: sp.Expr) -> sp.Expr:
        return log(x) + 2 + 1 / x**2

    factor = sp.simplify(expr.subs(d, QUARTER) / LEAST_COMBINED)
    convex = factor * (sin(d) * bend(cos(d)) + cos(d) * bend(sin(d)))
    return (
        identical(sp.diff(expr, d, 2), convex)
        and less(0, factor)
        and sign_on(bend(c), c) == 1
        and zero(sp.diff(expr, d).subs(d, QUARTER))
    )


@cache
def circle_energy_increases(expr: sp.Expr) -> bool:
    """Whether a function of φ has the derivative 2(1 − c² − c² ln c)/c, c = cos φ, which is > 0."""
    c = sp.Symbol("c", positive=True)
    slope = 2 * (1 - c**2 - c**2 * log(c)) / c
    return identical(sp.diff(expr, phi), slope.subs(c, cos(phi))) and sign_on(slope, c) == 1


@cache
def tends_to_infinity(expr: sp.Expr, angle: sp.Symbol, at: sp.Expr) -> bool:
    """Whether a function tends to +∞ as the angle tends to an end of (0, π/2) from inside."""
    return sp.limit(expr, angle, at, "+" if at == 0 else "-") == sp.oo


def increasing(outer: sp.Expr, x: sp.Symbol) -> bool:
    """Whether SymPy knows the derivative of a function of a real x to be positive."""
    return bool(sp.simplify(sp.diff(outer, x)).is_positive)


# --- II. intrinsic uncertainty ---


def uncertainty(paper: str, extra: Extra) -> tuple[Equation, ...]:
    """Eq. 1 and 2 of D21 and G22: when the two expected informations agree."""
    first = Eq(-p * log(p), -p * log(1 - p))
    return (
        Equation(
            paper,
            1,
            "no uncertainty",
            r"-p \cdot \ln(p) = -p \cdot \ln(1-p)",
            first,
            "definition",
            r"on $(0, 1)$ the condition is met at $p = 1/2$ and nowhere else",
            lambda s: solved_by(s, p, HALF),
            claims=extra[1],
        ),
        Equation(
            paper,
            2,
            "no uncertainty, as one logarithm",
            r"0 = -p \cdot \ln\left(\frac{1-p}{p}\right)",
            Eq(0, energy(p), evaluate=False),
            "definition",
            "the right side is the difference of the two sides of Eq. 1, and on $(0, 1)$ it is 0 "
            "at $p = 1/2$ alone",
            lambda s: identical(s.rhs - s.lhs, first.rhs - first.lhs) and solved_by(s, p, HALF),
            claims=(
                Claim(
                    "It is equivalent to Eq. 1.",
                    True,
                    "the same solutions in $(0, 1)$",
                    lambda e: solutions(e.statement, p) == solutions(first, p),
                ),
                Claim(
                    "To know $p$ is not to know whether the fraction or its inverse is meant, and "
                    "so not the sign; to know the sign leaves $p$ and $1-p$.",
                    True,
                    r"$p \to 1-p$ inverts the fraction and turns the sign of its logarithm",
                    lambda e: zero(e.statement.rhs / p + (e.statement.rhs / p).subs(p, 1 - p)),
                ),
                Claim(
                    "It shows the structure of the Kullback–Leibler divergence.",
                    True,
                    r"$D(p) = E(p) + E(1-p)$ with $E$ the right side",
                    lambda e: identical(
                        e.statement.rhs + e.statement.rhs.subs(p, 1 - p),
                        -p * log((1 - p) / p) - (1 - p) * log(p / (1 - p)),
                    ),
                ),
            ),
        ),
    )


# --- III. cross-entropy ---

_x, _n = sp.symbols("x n", integer=True, positive=True)
_P, _Q = sp.IndexedBase("P", positive=True), sp.IndexedBase("Q", positive=True)
_H_pq, _D_pq, _H_p = sp.symbols("H_pq D_pq H_p", real=True)
_odds = sp.Symbol("w", positive=True)
_Q_VALUE = _odds / (1 + _odds)


def _two(expr: sp.Expr, p_of_1: sp.Expr, q_of_1: sp.Expr) -> sp.Expr:
    """A sum over n outcomes for n = 2."""
    values = {_P[1]: p_of_1, _P[2]: 1 - p_of_1, _Q[1]: q_of_1, _Q[2]: 1 - q_of_1}
    return expr.subs(_n, 2).doit().subs(values)


def cross_entropy_section(paper: str, complement: str, variable: str) -> tuple[Equation, ...]:
    r"""Eq. 3 to 8 of D21 and G22.

    Args:
        paper: whose equations.
        complement: how the paper writes 1 − p as a distribution.
        variable: how it writes the two-valued variable's entropy.
    """
    cross = -sp.Sum(_P[_x] * log(_Q[_x]), (_x, 1, _n))
    relative = -sp.Sum(_P[_x] * log(_Q[_x] / _P[_x]), (_x, 1, _n))
    shannon = -sp.Sum(_P[_x] * log(_P[_x]), (_x, 1, _n))
    u = sp.Symbol("u", positive=True)
    coin_in_nats = Claim(
        "It counts bits.",
        False,
        r"with $\ln$ a fair coin counts $\ln 2 \approx 0.693$, not 1: the unit is the nat",
        lambda e: not differ(_two(cross, HALF, HALF), 1),
    )
    return (
        Equation(
            paper,
            3,
            "cross-entropy",
            r"H(p,q) = -\sum_{x \in \mathcal{X}} p(x) \cdot \ln\left(q(x)\right)",
            Eq(_H_pq, cross),
            "definition",
            r"for two outcomes it is $-p \ln q - (1-p) \ln(1-q)$",
            lambda s: identical(
                _two(s.rhs, p, _Q_VALUE), -p * log(_Q_VALUE) - (1 - p) * log(1 - _Q_VALUE)
            ),
            claims=(coin_in_nats,),
        ),
        Equation(
            paper,
            4,
            "cross-entropy is divergence plus entropy",
            r"H(p,q) = D(p,q) + H(p)",
            Eq(_H_pq, _D_pq + _H_p),
            "identity",
            "it holds term by term of the three sums, Eq. 3, 5 and 7",
            lambda s: zero(
                (s.lhs - s.rhs).subs(
                    {
                        _H_pq: cross.args[1].function * -1,
                        _D_pq: relative.args[1].function * -1,
                        _H_p: shannon.args[1].function * -1,
                    }
                )
            ),
            claims=(
                Claim(
                    "Only both processes together, one that minimizes the divergence and one that "
                    "minimizes the entropy, can minimize the cross-entropy.",
                    False,
                    "for a given $p$ the entropy $H(p)$ is a constant, so $H(p,q)$ and $D(p,q)$ "
                    "have the same gradient in $q$; and $H(p, 1-p)$ is least at $p = 1/2$, where "
                    "the entropy is greatest",
                    lambda e: (
                        not (
                            zero(sp.diff(_two(cross - relative, p, _Q_VALUE), _odds))
                            and least_at(_two(cross, p, 1 - p), p, HALF)
                            and least_at(-entropy(p), p, HALF)
                        )
                    ),
                ),
            ),
        ),
        Equation(
            paper,
            5,
            "Kullback–Leibler divergence",
            r"D_{\mathrm{KL}}(p,q) = -\sum_{x \in \mathcal{X}} p(x) \cdot "
            r"\ln\left(\frac{q(x)}{p(x)}\right)",
            Eq(_D_pq, relative),
            "definition",
            r"for two outcomes it is $p \ln(p/q) + (1-p) \ln((1-p)/(1-q))$",
            lambda s: identical(
                _two(s.rhs, p, _Q_VALUE),
                p * log(p / _Q_VALUE) + (1 - p) * log((1 - p) / (1 - _Q_VALUE)),
            ),
            facts=(
                Fact(
                    r"$D_{\mathrm{KL}}(p,p) = 0$, and otherwise it is positive: $-\ln u > 1 - u$ "
                    r"for $u = q/p \ne 1$, and $\sum (p - q) = 0$",
                    lambda e: (
                        zero(_two(e.statement.rhs, p, p))
                        and sign_on(u - 1 - log(u), u, 0, 1) == 1
                        and sign_on(u - 1 - log(u), u, 1, sp.oo) == 1
                    ),
                ),
            ),
            claims=(coin_in_nats,),
        ),
        Equation(
            paper,
            6,
            "divergence between p and its complement",
            rf"D_{{\mathrm{{KL}}}}(p, {complement}) = -p \cdot \ln\left(\frac{{1-p}}{{p}}\right) - "
            rf"(1-p) \cdot \ln\left(\frac{{p}}{{1-p}}\right)",
            Eq(_D_pq, -p * log((1 - p) / p) - (1 - p) * log(p / (1 - p))),
            "identity",
            r"it is Eq. 5 for the distributions $(p, 1-p)$ and $(1-p, p)$",
            lambda s: identical(s.rhs, _two(relative, p, 1 - p)),
            facts=(
                Fact(
                    r"it is symmetric in $p$ and $1-p$, and equals $(2p-1) \ln(p/(1-p))$",
                    lambda e: identical(
                        e.statement.rhs,
                        e.statement.rhs.subs(p, 1 - p),
                        (2 * p - 1) * log(p / (1 - p)),
                    ),
                ),
            ),
            claims=(
                Claim(
                    r"It assumes its minimum of zero when $p = 1 - p = 0.5$.",
                    True,
                    r"$D(1/2) = 0$, $D'(1/2) = 0$ and $D'' > 0$ on $(0, 1)$",
                    lambda e: (
                        zero(e.statement.rhs.subs(p, HALF)) and least_at(e.statement.rhs, p, HALF)
                    ),
                ),
            ),
        ),
        Equation(
            paper,
            7,
            "Shannon entropy",
            r"H(\mathcal{X}) = -\sum_{x \in \mathcal{X}} p(x) \cdot \ln\left(p(x)\right)",
            Eq(_H_p, shannon),
            "definition",
            r"of $n$ equally likely outcomes it is $\ln n$, for every $n$",
            lambda s: zero(sp.expand_log(s.rhs.xreplace({_P[_x]: 1 / _n}).doit() - log(_n))),
            facts=(
                Fact(
                    r"it is the cross-entropy of $p$ with itself, $H(p) = H(p,p)$",
                    lambda e: e.statement.rhs == cross.xreplace({_Q[_x]: _P[_x]}),
                ),
            ),
        ),
        Equation(
            paper,
            8,
            "entropy of two outcomes",
            rf"{variable} = -p \cdot \ln(p) - (1-p) \cdot \ln(1-p)",
            Eq(_H_p, -p * log(p) - (1 - p) * log(1 - p)),
            "identity",
            "it is Eq. 7 for two outcomes",
            lambda s: identical(s.rhs, _two(shannon, p, p)),
            claims=(
                Claim(
                    r"It assumes its maximum, not its minimum, at $p = 0.5$.",
                    True,
                    r"$H(1/2) = \ln 2$, $H'(1/2) = 0$ and $H'' < 0$ on $(0, 1)$",
                    lambda e: (
                        least_at(-e.statement.rhs, p, HALF)
                        and zero(e.statement.rhs.subs(p, HALF) - log(2))
                    ),
                ),
            ),
        ),
    )


# --- IV. the golden ratio ---


def golden_ratio(
    paper: str, first: int, extra: Extra | None = None, notes: Mapping[int, str] | None = None
) -> tuple[Equation, ...]:
    """The nine equations of the golden ratio: G20 10 to 18, D21 and G22 9 to 17.

    Args:
        paper: whose equations.
        first: the number of p = (1 − p)/p.
        extra: more claims, by number.
        notes: notes, by number.
    """
    extra, notes = extra or {}, notes or {}
    square, mirror = Eq(p**2 + p - 1, 0), Eq(p**2 - p - 1, 0)

    def equation(offset: int, *args: object, claims: Claims = (), **more: object) -> Equation:
        number = first + offset
        return Equation(
            paper,
            number,
            *args,
            claims=claims + tuple(extra.get(number, ())),
            note=notes.get(number, ""),
            **more,
        )

    return (
        equation(
            0,
            "the measured equals the true",
            r"p = \frac{1-p}{p}",
            Eq(p, (1 - p) / p),
            "golden",
            r"its real solutions are $p_1$ and $p_2$ and no others",
            lambda s: solved_by(s, p, P1, P2),
        ),
        equation(
            1,
            "the golden quadratic",
            r"p^2 + p - 1 = 0",
            square,
            "golden",
            r"its solutions are $p_1$ and $p_2$ and no others",
            lambda s: solved_by(s, p, P1, P2),
            claims=(
                Claim(
                    f"It is equivalent to Eq. {first}.",
                    True,
                    r"the same solutions, none of them $p = 0$",
                    lambda e: solutions(e.statement, p) == solutions(Eq(p, (1 - p) / p), p),
                ),
                Claim(
                    "It has two solutions, both irrational.",
                    True,
                    r"$\sqrt 5$ is irrational",
                    lambda e: (
                        all(
                            sp.Poly(sp.minimal_polynomial(r)).degree() == 2
                            for r in solutions(e.statement, p)
                        )
                        and len(solutions(e.statement, p)) == 2
                    ),
                ),
            ),
        ),
        equation(
            2,
            "first golden root",
            r"p_1 = \frac{\sqrt{5} - 1}{2} \approx 0.618",
            Eq(p_1, (sqrt(5) - 1) / 2),
            "definition",
            rf"it is a root of Eq. {first + 1}, positive, and rounds to 0.618",
            lambda s: zero(s.rhs**2 + s.rhs - 1) and rounds_to(s.rhs, "0.618"),
        ),
        equation(
            3,
            "second golden root",
            r"p_2 = \frac{-\sqrt{5} - 1}{2} \approx -1.618",
            Eq(p_2, (-sqrt(5) - 1) / 2),
            "definition",
            rf"it is a root of Eq. {first + 1}, negative, and rounds to −1.618",
            lambda s: zero(s.rhs**2 + s.rhs - 1) and rounds_to(s.rhs, "-1.618"),
        ),
        equation(
            4,
            "the complement is the square",
            r"1 - p = p^2",
            Eq(1 - p, p**2),
            "golden",
            r"it holds for both $p_1$ and $p_2$ and for no other number",
            lambda s: solved_by(s, p, P1, P2),
        ),
        equation(
            5,
            "the other golden quadratic",
            r"p^2 - p - 1 = 0",
            mirror,
            "golden",
            r"its solutions are $-p_1$ and $-p_2$ and no others",
            lambda s: solved_by(s, p, -P1, -P2),
            claims=(
                Claim(
                    rf"It results from replacing $p$ by $-p$ in Eq. {first + 1}.",
                    True,
                    r"$(-p)^2 + (-p) - 1 = p^2 - p - 1$",
                    lambda e: identical(
                        e.statement.lhs - e.statement.rhs, (square.lhs - square.rhs).subs(p, -p)
                    ),
                ),
            ),
        ),
        equation(
            6,
            "roots of the other quadratic",
            r"-p_1 \approx -0.618 \quad \text{and} \quad -p_2 \approx 1.618",
            And(Eq(-p_1, (1 - sqrt(5)) / 2), Eq(-p_2, (1 + sqrt(5)) / 2)),
            "identity",
            f"the two numbers are the roots of Eq. {first + 5}, the negatives of $p_1$ and $p_2$, "
            f"and round to −0.618 and 1.618",
            lambda s: (
                all(zero(part.lhs - part.rhs) for part in parts(s))
                and {rounds_to(part.rhs, "-0.618") for part in parts(s)} == {True, False}
                and {rounds_to(part.rhs, "1.618") for part in parts(s)} == {True, False}
                and solved_by(mirror, p, *(part.rhs for part in parts(s)))
            ),
        ),
        equation(
            7,
            "the complement is the negative reciprocal",
            r"1 - p = -\frac{1}{p}",
            Eq(1 - p, -1 / p),
            "golden",
            r"it holds for both $-p_1$ and $-p_2$ and for no other number",
            lambda s: solved_by(s, p, -P1, -P2),
        ),
        equation(
            8,
            "sums of the roots",
            r"p_1 + p_2 = -1 \quad \text{and} \quad -p_1 - p_2 = 1",
            And(Eq(p_1 + p_2, -1), Eq(-p_1 - p_2, 1)),
            "identity",
            r"both sums are exact: the sum of the roots of $p^2 + bp + c$ is $-b$",
            lambda s: all(zero(part.lhs - part.rhs) for part in parts(s)),
        ),
    )


# --- V. from p to the unit circle ---


def energy_of_p(paper: str, number: int, claims: Claims, note: str = "") -> Equation:
    """The energy of a probability (G20 5, D21 18, G22 18)."""
    return Equation(
        paper,
        number,
        "energy of a probability",
        r"E = -p \cdot \ln\left(\frac{1-p}{p}\right)",
        Eq(E, energy(p)),
        "definition",
        r"$e^{-E/p} = (1-p)/p$, the measured probability, for every $p$",
        lambda s: zero(exp(-s.rhs / p) - (1 - p) / p),
        facts=(
            Fact(
                r"on $(0, 1)$ it is strictly convex, negative for $p < 1/2$, 0 at $1/2$, positive "
                r"for $p > 1/2$ and unbounded as $p \to 1$",
                lambda e: (
                    sign_on(sp.diff(e.statement.rhs, p, 2), p) == 1
                    and sign_on(e.statement.rhs, p, 0, HALF) == -1
                    and sign_on(e.statement.rhs, p, HALF, 1) == 1
                    and sp.limit(e.statement.rhs, p, 1, "-") == sp.oo
                ),
            ),
        ),
        claims=claims,
        note=note,
    )


def golden_step(paper: str, number: int, claims: Claims = ()) -> Equation:
    """The step that puts 1 − p² for (1 − p)/p (G20 6, D21 20, G22 20)."""
    return Equation(
        paper,
        number,
        "energy with 1 − p² for the measured",
        r"\Leftrightarrow\; -p \cdot \ln\left(1 - p^2\right)",
        Eq(E, -p * log(1 - p**2)),
        "golden",
        r"on $(0, 1)$ it equals $E = -p \ln((1-p)/p)$ at $p_1$ and nowhere else",
        lambda s: solved_by(Eq(energy(p), s.rhs), p, P1),
        facts=(
            Fact(
                r"at $p_1$ it is $\ln(\varphi)/\varphi \approx 0.2974$",
                lambda e: zero(e.statement.rhs.subs(p, P1) - log(PHI) / PHI),
            ),
        ),
        claims=claims,
        note=r"Printed with $\Leftrightarrow$; what is meant is that the value stays the same.",
    )


def root_step(paper: str, number: int) -> Equation:
    """The step that takes a root and doubles (G20 7, D21 21, G22 21)."""
    return Equation(
        paper,
        number,
        "energy with a root",
        r"\Leftrightarrow\; -p \cdot \ln\left(\sqrt{1 - p^2}\right) \cdot 2",
        Eq(E, -p * log(sqrt(1 - p**2)) * 2),
        "identity",
        rf"it equals Eq. {number - 1} for every $p$ in $(0, 1)$",
        lambda s: identical(s.rhs, -p * log(1 - p**2)),
        note=f"The step from Eq. {number - 1} is an identity; the energy of a probability it "
        f"equals at the golden ratio alone, as that does.",
    )


def circle_step(paper: str, number: int, claims: Claims) -> Equation:
    """The step to the unit circle (G20 8, D21 22, G22 22)."""
    return Equation(
        paper,
        number,
        "energy on the unit circle",
        r"\Leftrightarrow\; -\sin(\phi) \cdot \ln\left(\cos(\phi)\right) \cdot 2",
        Eq(E, circle_energy(phi)),
        "identity",
        rf"it is Eq. {number - 1} with $p = \sin\phi$, for every $\phi$ in $(0, \pi/2)$",
        lambda s: identical(s.rhs, (-p * log(sqrt(1 - p**2)) * 2).subs(p, sin(phi))),
        facts=(
            Fact(
                r"it increases strictly from 0, so it is positive on $(0, \pi/2)$",
                lambda e: (
                    circle_energy_increases(e.statement.rhs) and zero(e.statement.rhs.subs(phi, 0))
                ),
            ),
        ),
        claims=claims,
        note=rf"The step from Eq. {number - 1} is an identity; the energy of a probability it "
        rf"equals at $\sin\phi = p_1$ alone.",
    )


def chain(paper: str) -> tuple[Equation, ...]:
    """Eq. 18 to 22 of D21 and G22."""
    squared = -(p**2) * log(1 - p)
    return (
        energy_of_p(
            paper,
            18,
            claims=(
                Claim(
                    "The energy can be absorbed or released, depending on its sign.",
                    True,
                    r"it changes its sign at $p = 1/2$",
                    lambda e: sign_on(e.statement.rhs, p) == 0,
                ),
                Claim(
                    r"The argument of the logarithm, $(1-p)/p$, is a probability.",
                    False,
                    r"it exceeds 1 for every $p < 1/2$: 3 at $p = 1/4$",
                    lambda e: sign_on(1 - (1 - p) / p, p) == 1,
                ),
            ),
        ),
        Equation(
            paper,
            19,
            "energy with p² in front",
            r"\Leftrightarrow\; -p^2 \cdot \ln\left(1-p\right)",
            Eq(E, squared),
            "erratum",
            r"at the golden ratio it equals $E = -p \ln((1-p)/p)$ of Eq. 18",
            lambda s: zero((energy(p) - s.rhs).subs(p, P1)),
            facts=(
                Fact(
                    r"the correction is golden: with $1-p = p^2$, $\ln((1-p)/p) = \ln p = \tfrac12 "
                    r"\ln(1-p)$, and on $(0, 1)$ it equals Eq. 18 at $p_1$ alone",
                    lambda e: (
                        identical(e.correction.rhs.subs(p, P1), -P1 * log(1 - P1**2), -P1 * log(P1))
                        and solved_by(Eq(2 * energy(p), 2 * e.correction.rhs), p, P1)
                    ),
                ),
                Fact(
                    r"as printed it fails at $p_2$ too: there it is real and Eq. 18 is not",
                    lambda e: (
                        differ(sp.im(sp.N(energy(P2), 50)), 0)
                        and e.statement.rhs.subs(p, P2).is_real
                    ),
                ),
                Fact(
                    r"it does equal Eq. 18 at $p \approx 0.6963$, which is not golden",
                    _meets_elsewhere,
                ),
            ),
            correction=Eq(E, -p / 2 * log(1 - p)),
            correction_latex=r"E = -\frac{p}{2} \cdot \ln\left(1-p\right)",
            evidence=r"At $p_1$, Eq. 18 is $0.2974$ and the printed form $0.3676$; it is larger by "
            r"the factor $2 p_1 \approx 1.236$.",
        ),
        golden_step(
            paper,
            20,
            claims=(
                Claim(
                    "It follows from Eq. 19.",
                    False,
                    r"at $p_1$ Eq. 19 is $0.3676$ and Eq. 20 is $0.2974$; it follows from Eq. 18",
                    lambda e: zero((e.statement.rhs - squared).subs(p, P1)),
                ),
            ),
        ),
        root_step(paper, 21),
        circle_step(paper, 22, _circle_claims()),
    )


def _meets_elsewhere(equation: Equation) -> bool:
    """Whether Eq. 18 and 19 meet between 0.69 and 0.70, and E18 − E19 is not 0 at p₁."""
    gap = energy(p) - equation.statement.rhs
    return (
        less(gap.subs(p, Rational(69634, 100000)), 0)
        and less(0, gap.subs(p, Rational(69635, 100000)))
        and differ(gap.subs(p, P1), 0)
    )


def _circle_claims() -> Claims:
    dual = circle_energy(pi / 2 - phi)
    golden_angle = sp.asin(P1)
    return (
        Claim(
            r"$E$ attains its minimum of zero for $\phi = 0$.",
            True,
            r"$E(0) = 0$ and $E' > 0$ on $(0, \pi/2)$",
            lambda e: (
                zero(e.statement.rhs.subs(phi, 0)) and circle_energy_increases(e.statement.rhs)
            ),
        ),
        Claim(
            r"$E$ reaches its maximum, infinity, for $\phi = \pi/2$.",
            True,
            "as a limit",
            lambda e: tends_to_infinity(e.statement.rhs, phi, pi / 2),
        ),
        Claim(
            "Swapping sine and cosine mirrors the energy at the main diagonal; the dual energy is "
            "greatest where the energy is least, and the reverse.",
            True,
            r"the swap is $\phi \to \pi/2 - \phi$, and $E$ increases",
            lambda e: (
                identical(e.statement.rhs.subs(phi, pi / 2 - phi), dual)
                and identical(dual, -cos(phi) * log(sin(phi)) * 2)
                and circle_energy_increases(e.statement.rhs)
            ),
        ),
        Claim(
            r"Measured and true probability, as cosine and sine, are equal at $\phi = \pi/4$, with "
            r"the value $1/\sqrt 2$.",
            True,
            r"$\sin(\pi/4) = \cos(\pi/4) = 1/\sqrt 2$",
            lambda e: zero(sin(QUARTER) - 1 / sqrt(2)) and zero(cos(QUARTER) - 1 / sqrt(2)),
        ),
        Claim(
            r"That is the state of Eq. 9, where the measured $(1-p)/p$ equals the true $p$.",
            False,
            r"at $p = 1/\sqrt 2$ the measured is $\sqrt 2 - 1 \approx 0.414$; Eq. 9 wants "
            r"$\sin\phi = p_1$, $\phi \approx 38.17°$, where $\cos\phi = \sqrt{p_1}$",
            lambda e: (
                not zero(cos(golden_angle) ** 2 - P1)
                or zero(((1 - p) / p - p).subs(p, 1 / sqrt(2)))
            ),
        ),
        Claim(
            r"At $\phi = \pi/4$ it has the value of Eq. 18 for $p = \sin\phi$.",
            False,
            r"$E = \ln 2/\sqrt 2 \approx 0.490$ on the circle, and Eq. 18 is $0.623$",
            lambda e: zero(e.statement.rhs.subs(phi, QUARTER) - energy(1 / sqrt(2))),
        ),
        Claim(
            "Its sign tells whether energy is absorbed or released.",
            False,
            r"on $(0, \pi/2)$ it is positive; the papers set the sign by hand, by the side of "
            r"$\pi/4$",
            lambda e: not circle_energy_increases(e.statement.rhs),
        ),
    )


# --- VI. and after ---


def difference(paper: str, number: int, name: str) -> Equation:
    """The angle of an output and a teaching input (G20 19, D21 24, G22 23)."""
    angle = sp.Symbol("d", real=True)
    return Equation(
        paper,
        number,
        "difference as an angle",
        rf"{name} = (y - t + 1) \cdot \frac{{\pi}}{{4}}",
        Eq(angle, (y - t + 1) * pi / 4),
        "definition",
        r"it is the affine function of $y - t$ that is 0 at −1 and $\pi/2$ at 1",
        lambda s: (
            zero(s.rhs.subs(y, t - 1))
            and zero(s.rhs.subs(y, t + 1) - pi / 2)
            and zero(sp.diff(s.rhs, y, 2))
            and zero(sp.diff(s.rhs, y) + sp.diff(s.rhs, t))
        ),
        claims=(
            Claim(
                r"Its values lie in $[0, \pi/2]$, and it is at an end when $\lvert y - t\rvert = "
                r"1$.",
                True,
                r"it increases with $y - t$, from 0 at −1 to $\pi/2$ at 1",
                lambda e: (
                    less(0, sp.diff(e.statement.rhs, y))
                    and zero(e.statement.rhs.subs({y: 0, t: 1}))
                    and zero(e.statement.rhs.subs({y: 1, t: 0}) - pi / 2)
                ),
            ),
            Claim(
                r"It is $\pi/4$, the middle, when output and teaching input are identical.",
                True,
                r"$y - t = 0$",
                lambda e: zero(e.statement.rhs.subs(y, t) - QUARTER),
            ),
        ),
    )


def resolved(paper: str, number: int, energy_number: int) -> Equation:
    """The energy solved for the p outside the logarithm (G20 20, D21 25, G22 25)."""
    return Equation(
        paper,
        number,
        "the true probability as a sigmoid",
        r"p = \frac{1}{1 + \exp(-E/p)}",
        Eq(p, 1 / (1 + exp(-E / p))),
        "identity",
        rf"with $E$ of Eq. {energy_number} it holds for every $p$ in $(0, 1)$",
        lambda s: zero((s.lhs - s.rhs).subs(E, energy(p))),
        claims=(
            Claim(
                rf"It resolves Eq. {energy_number} for $p$.",
                False,
                r"$p$ stands on both sides; on $(0, 1)$ an $E$ between $-W(1/e) \approx -0.278$ "
                r"and 0 belongs to two values of $p$",
                _p_is_resolved,
            ),
            Claim(
                r"It is a sigmoidal function.",
                True,
                r"for a fixed $p > 0$ in the exponent it increases with $E$ from 0 to 1",
                lambda e: (
                    increasing(e.statement.rhs.subs(p, alpha), E)
                    and sp.limit(e.statement.rhs.subs(p, alpha), E, -sp.oo) == 0
                    and sp.limit(e.statement.rhs.subs(p, alpha), E, sp.oo) == 1
                ),
            ),
        ),
    )


def _p_is_resolved(equation: Equation) -> bool:
    """Whether E gives p: the right side is free of p, and E is one to one on (0, 1).

    E(p) = −x/(1 + eˣ) with x = ln((1 − p)/p) turns where (x − 1)eˣ = 1. There x = 1 + W with
    W = W(1/e) > 0, so eˣ = 1/W, and E = −W. E is 0 at p = 0 and p = 1/2, and convex (Eq. 18).
    """
    x = sp.Symbol("x", real=True)
    W = sp.Symbol("W", positive=True)
    turn = {exp(x): 1 / W, x: 1 + W}
    value = -x / (1 + exp(x))
    two_to_one = (
        zero(energy(p) - value.subs(x, log((1 - p) / p)))
        and zero(sp.diff(value, x).subs(turn))
        and zero(value.subs(turn) + W)
        and sp.limit(energy(p), p, 0, "+") == energy(HALF) == 0
        and sign_on(sp.diff(energy(p), p, 2), p) == 1
    )
    return not (equation.statement.rhs.has(p) and two_to_one)


_weight = sp.Symbol("w_ij", real=True)
_gradient = sp.Symbol("g_ij", real=True)
_step, _before = sp.symbols("Delta_t Delta_before", real=True)


def delta_rule(paper: str, number: int, extra: Claims = ()) -> Equation:
    """The delta rule with momentum (G20 4, D21 29, G22 27)."""
    return Equation(
        paper,
        number,
        "delta rule with momentum",
        r"\Delta w_{ij}(t) = -\eta \frac{\partial L}{\partial w_{ij}(t)} + \alpha \cdot \Delta "
        r"w_{ij}(t-1)",
        Eq(_step, -eta * _gradient + alpha * _before),
        "definition",
        r"from rest, with a constant gradient $g$, it makes $\Delta w(t) = -\eta g (1 - "
        r"\alpha^{t+1})/(1 - \alpha)$ at every $t$",
        _unrolls,
        facts=(
            Fact(
                r"it is the sum $-\eta \sum_k \alpha^k g(t-k)$ of all past gradients, so momentum "
                r"does smooth, whatever else is read into it",
                lambda e: _unrolls_any_gradient(e.statement),
            ),
        ),
        claims=(
            Claim(
                "The gradient's term is negative so that the loss approaches its minimum.",
                True,
                r"with $\alpha = 0$ the loss changes by $-\eta g^2$ to first order",
                lambda e: zero((e.statement.rhs * _gradient).subs(_before, 0) + eta * _gradient**2),
            ),
            *extra,
        ),
    )


def sign_of_the_delta() -> Claim:
    """The claim of D21 and G22 that Δw is negative."""
    return Claim(
        r"The sign of $\Delta w_{ij}(t)$ is negative.",
        False,
        r"it is opposite to the gradient's: at $w = -1$ of $L = w^2/2$ the weight moves by $+\eta$",
        lambda e: bool(e.statement.rhs.subs({_before: 0, _gradient: -1}).is_negative),
    )


def _unrolls(relation: sp.Eq) -> bool:
    moment = sp.Symbol("t", integer=True, nonnegative=True)

    def closed(at: sp.Expr) -> sp.Expr:
        return -eta * _gradient * (1 - alpha ** (at + 1)) / (1 - alpha)

    follows = relation.rhs.subs(_before, closed(moment - 1)) - closed(moment)
    return zero(sp.simplify(sp.powsimp(sp.expand(follows)))) and zero(closed(-1))


def _unrolls_any_gradient(relation: sp.Eq) -> bool:
    """Whether a past worth −η Σ αᵏ g(t−1−k) becomes −η Σ αᵏ g(t−k), for any number n of terms."""
    n, k, moment = sp.symbols("n k t", integer=True, nonnegative=True)
    g = sp.Function("g")
    past = -eta * sp.Sum(alpha**k * g(moment - 1 - k), (k, 0, n - 1))
    shifted = -eta * sp.Sum(alpha ** (k + 1) * g(moment - 1 - k), (k, 0, n - 1))
    whole = -eta * alpha**0 * g(moment) + shifted
    made = relation.rhs.subs({_before: past, _gradient: g(moment)})
    return sp.simplify(made - whole) == 0


ALPHA = sqrt(2) * P1
ETA = (1 - ALPHA) ** 2


def momentum(relation: sp.Eq) -> bool:
    """Whether a relation gives the α that takes 1/√2 to p₁ and rounds to 0.874."""
    values = sp.solve(relation.subs(GOLDEN), alpha)
    return len(values) == 1 and zero(values[0] / sqrt(2) - P1) and rounds_to(values[0], "0.874")


def learning_rate(relation: sp.Eq) -> bool:
    """Whether a relation gives η as the square of the complement of α, which rounds to 0.016."""
    return zero(relation.rhs - (1 - alpha) ** 2) and rounds_to(
        relation.rhs.subs(alpha, ALPHA), "0.016"
    )


def rate_claims(squared_to_complement: str) -> Claims:
    """What the papers say to reach η from α."""
    return (
        Claim(
            squared_to_complement,
            False,
            r"$1 - p = p^2$ holds at the golden ratio alone: $(1-\alpha)^2 \approx 0.0159$, and "
            r"the complement of $1-\alpha$ is $\alpha \approx 0.874$",
            lambda e: zero((1 - ALPHA) ** 2 - ALPHA),
        ),
    )
