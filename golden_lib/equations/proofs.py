"""Decisions that can fail: each function proves, disproves, or raises `ProofError`.

A yes is exact: a normal form that is zero, Sturm's theorem on a rational function, monotony down
to a limit at the end of an interval. A no is a counterexample in 50 digits. No number of sample
points makes a yes.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from math import prod
from typing import Final

import sympy as sp
from sympy.logic.boolalg import Boolean

from golden_lib.equations.ledger import ProofError

DIGITS: Final = 50
"""Working precision of every numerical comparison."""

TOLERANCE: Final = sp.Float(10) ** -40
"""Below this a number of 50 digits is too close to 0 to call it different from 0."""

p = sp.Symbol("p", real=True)
"""A probability, in (0, 1) where nothing else is said."""

phi, d = sp.symbols("phi d", positive=True)
"""Angles, in (0, π/2)."""

p_1, p_2 = sp.symbols("p_1 p_2", real=True)
"""The two roots of p² + p − 1 = 0."""

varphi = sp.Symbol("varphi", positive=True)
"""The golden ratio above one, 1/p₁."""

P1: Final = (sp.sqrt(5) - 1) / 2
P2: Final = -(sp.sqrt(5) + 1) / 2
PHI: Final = (sp.sqrt(5) + 1) / 2
GOLDEN: Final = {p_1: P1, p_2: P2, varphi: PHI}
"""The exact values of the golden symbols."""

_odds = sp.Symbol("q", positive=True)
_POINTS: Final = tuple(sp.Rational(k, 17) for k in (2, 5, 7, 11, 14, 16))


def number(expr: sp.Expr) -> sp.Expr:
    """The value of a constant in 50 digits; a complex one stays complex."""
    return sp.N(sp.sympify(expr).subs(GOLDEN), DIGITS)


def differ(a: sp.Expr, b: sp.Expr) -> bool:
    """Whether two constants differ in 50 digits; False proves nothing."""
    return bool(abs(number(sp.sympify(a) - b)) > TOLERANCE)


def less(a: sp.Expr, b: sp.Expr) -> bool:
    """Whether a < b, constants that differ in 50 digits.

    Raises:
        ProofError: if they are too close to tell.
    """
    if not differ(a, b):
        raise ProofError(f"{a} and {b} are too close to compare in {DIGITS} digits")
    return bool(number(sp.sympify(b) - a) > 0)


def rounds_to(value: sp.Expr, printed: str) -> bool:
    """Whether a printed decimal is the value rounded to the digits shown."""
    half_unit = sp.Rational(1, 2) * sp.Rational(10) ** -len(printed.partition(".")[2])
    gap = abs(number(value) - number(sp.Rational(printed)))
    return less(gap, half_unit)


def _golden_logs(expr: sp.Expr) -> sp.Expr:
    """Write the logarithm of every power of φ as a multiple of ln φ, where the algebra agrees."""
    exact = {}
    for log in expr.atoms(sp.log):
        argument = sp.radsimp(log.args[0])
        if not argument.is_number or argument.is_Rational or not less(0, argument):
            continue
        power = sp.Integer(round(number(2 * sp.log(argument) / sp.log(PHI)))) / 2
        if power and sp.radsimp(sp.expand(argument**2 - sp.expand(PHI ** int(2 * power)))) == 0:
            exact[log] = power * sp.log(varphi)
    return expr.xreplace(exact)


def _normal(expr: sp.Expr) -> sp.Expr:
    """A form that is 0 for what the ledger meets when it is 0 on its domain.

    p in (0, 1) becomes q/(1 + q), and an angle in (0, π/2) the half-angle's tangent, in (0, 1) too:
    then everything under a root or logarithm is a positive fraction whose factors split.
    """
    expr = _golden_logs(sp.sympify(expr).subs(GOLDEN))
    unit = _odds / (1 + _odds)
    expr = expr.subs(p, unit)
    for angle in expr.free_symbols & {phi, d}:
        sine, cosine = 2 * unit / (1 + unit**2), (1 - unit**2) / (1 + unit**2)
        expr = expr.xreplace({sp.sin(angle): sp.factor(sine), sp.cos(angle): sp.factor(cosine)})
    expr = expr.replace(
        lambda e: isinstance(e, sp.log), lambda e: sp.expand_log(sp.log(_factored(e.args[0])))
    )
    expr = sp.expand_log(sp.expand(expr))
    if not expr.free_symbols - {varphi}:
        return sp.radsimp(sp.expand(sp.simplify(expr)))
    letters = {log: sp.Dummy("ln") for log in expr.atoms(sp.log)}
    top, _ = sp.fraction(sp.together(expr.xreplace(letters)))
    return sp.S.Zero if sp.expand(top) == 0 else expr


def _factored(expr: sp.Expr) -> sp.Expr:
    """Factor what stands under each root, and then the whole."""
    expr = expr.replace(
        lambda e: e.is_Pow and e.exp.is_Rational and not e.exp.is_Integer,
        lambda e: sp.expand_power_base(sp.factor(e.base) ** e.exp),
    )
    return sp.factor(expr)


def _samples(symbols: Iterable[sp.Symbol]) -> Iterator[dict[sp.Symbol, sp.Expr]]:
    symbols = sorted(symbols, key=str)
    for shift in range(len(_POINTS)):
        yield {s: _POINTS[(shift + 2 * k) % len(_POINTS)] for k, s in enumerate(symbols)}


@cache
def zero(expr: sp.Expr) -> bool:
    """Whether an expression is 0 everywhere: p in (0, 1), φ and d in (0, π/2), others as assumed.

    Raises:
        ProofError: if its normal form is not 0 and no counterexample shows.
    """
    expr = sp.sympify(expr)
    if _normal(expr) == 0:
        return True
    for point in _samples(expr.subs(GOLDEN).free_symbols):
        if differ(expr.subs(point), 0):
            return False
    if sp.simplify(_normal(expr)) == 0:
        return True
    raise ProofError(f"undecided whether {expr} is 0")


def identical(*expressions: sp.Expr) -> bool:
    """Whether all expressions are equal everywhere on the domain of `zero`."""
    first, *others = expressions
    return all(zero(sp.sympify(first) - other) for other in others)


def holds(relation: Boolean) -> bool:
    """Whether an equation, or each of several joined by "and", holds everywhere."""
    return all(zero(part.lhs - part.rhs) for part in parts(relation))


def proved(relation: Boolean) -> Boolean:
    """The equation itself, if it holds everywhere: a line of a derivation that cannot be false.

    Write ``Eq(left, right, evaluate=False)`` where SymPy would put True in the equation's place.

    Raises:
        ProofError: if it does not hold.
    """
    if not holds(relation):
        raise ProofError(f"not so: {relation}")
    return relation


def parts(relation: Boolean) -> tuple[sp.Eq, ...]:
    """The equations that a relation joins by "and", or the one that it is."""
    return tuple(sp.And.make_args(relation))


@cache
def sign_on(expr: sp.Expr, x: sp.Symbol, a: sp.Expr = 0, b: sp.Expr = 1, depth: int = 4) -> int:
    """The sign of a function on the open interval (a, b): 1, −1, or 0 if it is not of one sign.

    A rational function is counted out by Sturm's theorem. Any other is split into factors, or
    followed to its derivative: where that has one sign, the limits at a and b decide.

    Raises:
        ProofError: if `depth` derivatives do not lead to a function of one sign.
    """
    if x not in expr.free_symbols:
        return int(sp.sign(number(expr)))
    top, bottom = sp.fraction(sp.together(expr))
    if top.is_polynomial(x) and bottom.is_polynomial(x):
        poly = sp.Poly(top * bottom, x)
        inside = poly.count_roots(a, b) - sum(poly.eval(end) == 0 for end in {a, b} - {sp.oo})
        middle = a + 1 if b == sp.oo else (sp.sympify(a) + b) / 2
        return 0 if inside else int(sp.sign(number(poly.eval(middle))))
    if depth == 0:
        raise ProofError(f"undecided whether {expr} has one sign on ({a}, {b})")
    factors = sp.Mul.make_args(sp.factor(expr))
    if len(factors) > 1:
        with suppress(ProofError):
            return prod(sign_on(factor, x, a, b, depth - 1) for factor in factors)
    slope = sign_on(sp.diff(expr, x), x, a, b, depth - 1)
    if slope == 0:
        raise ProofError(f"undecided: the derivative of {expr} changes sign on ({a}, {b})")
    start, end = sp.limit(expr, x, a, "+"), sp.limit(expr, x, b, "-")
    low, high = (start, end) if slope > 0 else (end, start)
    if low.is_extended_nonnegative:
        return 1
    if high.is_extended_nonpositive:
        return -1
    if low.is_extended_negative and high.is_extended_positive:
        return 0
    raise ProofError(f"undecided: the signs of {low} and {high}")


@cache
def least_at(expr: sp.Expr, x: sp.Symbol, at: sp.Expr, a: sp.Expr = 0, b: sp.Expr = 1) -> bool:
    """Whether a function on (a, b) is least at one point and there only.

    No, if it is lower somewhere else; yes, if its derivative vanishes there and it is convex.

    Raises:
        ProofError: if neither can be shown.
    """
    for share in _POINTS:
        if less(expr.subs(x, a + (b - a) * share), expr.subs(x, at)):
            return False
    if zero(sp.diff(expr, x).subs(x, at)) and sign_on(sp.diff(expr, x, 2), x, a, b) == 1:
        return True
    raise ProofError(f"undecided whether {expr} is least at {at}")


def _argument(side: sp.Expr, x: sp.Symbol) -> sp.Expr:
    """What −x·ln(·) was taken of, so that two such sides are equal where their arguments are."""
    return sp.exp(sp.expand(side / -x)) if side.has(sp.log) or side == 0 else side


def solutions(relation: Boolean, x: sp.Symbol) -> frozenset[sp.Expr]:
    """All real x that satisfy a rational equation, or in (0, 1) one between −x·ln(·) and −x·ln(·).

    Raises:
        ProofError: if the equation is of neither form.
    """
    relation = relation.subs(GOLDEN)
    logs = relation.has(sp.log)
    left, right = (_argument(s, x) for s in relation.args) if logs else relation.args
    top, bottom = sp.fraction(sp.cancel(sp.together(left - right)))
    if not top.is_polynomial(x):
        raise ProofError(f"{relation} is not a rational equation in {x}")
    roots = sp.roots(sp.Poly(top, x)) if x in top.free_symbols else {}
    if sum(roots.values()) != (sp.degree(top, x) if roots else 0):
        raise ProofError(f"not all roots of {top} were found")
    real = {r for r in roots if r.is_real and differ(bottom.subs(x, r), 0)}
    return frozenset(r for r in real if not logs or (r.is_positive and (1 - r).is_positive))


def solved_by(relation: Boolean, x: sp.Symbol, *expected: sp.Expr) -> bool:
    """Whether exactly the expected numbers satisfy an equation (see `solutions`)."""
    found = solutions(relation, x)
    matched = {r for r in found for e in expected if sp.radsimp(sp.expand(r - e)) == 0}
    return matched == found and len(found) == len(expected)
