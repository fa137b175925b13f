"""The ledger: every verdict is proved, and a false one is refused."""

import re
import subprocess
import sys
from dataclasses import replace

import mpmath as mp
import pytest
import sympy as sp

from golden_lib import golden
from golden_lib.equations import (
    LEDGER,
    STATUSES,
    Fact,
    ProofError,
    counts,
    equation,
    errata,
    false_claims,
)
from golden_lib.equations.proofs import (
    P1,
    P2,
    PHI,
    d,
    least_at,
    p,
    phi,
    proved,
    rounds_to,
    sign_on,
    zero,
)
from golden_lib.equations.shared import ALPHA, ETA, LEAST_COMBINED, energy

SIZES = {"G20": 25, "D21": 31, "G22": 29, "DLR": 3}
every_equation = pytest.mark.parametrize("entry", LEDGER, ids=lambda e: e.label)
every_erratum = pytest.mark.parametrize("entry", errata(), ids=lambda e: e.label)


@every_equation
def test_every_verdict_is_proved(entry):
    proved = entry.check()
    assert len(proved) == 1 + (entry.status == "erratum") + len(entry.facts) + len(entry.claims)


# --- completeness ---


def test_every_numbered_equation_of_the_four_papers_has_one_entry():
    assert len(LEDGER) == 88
    for paper, size in SIZES.items():
        assert [e.number for e in LEDGER if e.paper == paper] == list(range(1, size + 1))


def test_counts_agree_with_the_ledger():
    assert set(counts()) == set(STATUSES)
    assert sum(counts().values()) == 88
    for status in STATUSES:
        assert counts()[status] == sum(counts(paper)[status] for paper in SIZES)


def test_the_errata_are_these():
    assert [e.label for e in errata()] == [
        "G20 Eq. 9",
        "G20 Eq. 21",
        "D21 Eq. 19",
        "D21 Eq. 28",
        "G22 Eq. 19",
        "G22 Eq. 26",
        "DLR Eq. 1",
        "DLR Eq. 3",
    ]


@every_equation
def test_every_entry_can_be_read(entry):
    texts = [entry.title, entry.latex, entry.proposition]
    assert all(texts)
    texts += [entry.note, entry.evidence, *(f.text for f in entry.facts)]
    texts += [part for c in entry.claims for part in (c.text, c.evidence)]
    for text in texts:
        assert text.count("$") % 2 == 0
        assert text.count("{") == text.count("}")
        assert "|" not in text  # it would end a Markdown table's cell
    for latex in (entry.latex, entry.correction_latex):
        assert latex.count(r"\left") - latex.count(r"\leftr") == latex.count(r"\right")
        assert latex.count("{") == latex.count("}")
    assert isinstance(entry.statement, sp.Eq | sp.And)
    assert all(claim.evidence for claim in entry.claims)


@every_equation
def test_the_latex_uses_only_what_mathjax_knows_without_extensions(entry):
    known = {
        *("alpha", "approx", "cdot", "cos", "eta", "exp", "frac", "ge", "infty", "lambda", "le"),
        *("left", "lim", "ln", "lvert", "lVert", "mathcal", "mathit", "mathrm", "min", "ne", "neg"),
        *("partial", "phi", "pi", "pm", "prime", "quad", "right", "Rightarrow", "rvert", "rVert"),
        *("sin", "sqrt", "sum", "text", "tfrac", "to", "varphi", "Delta", "Leftrightarrow", "gg"),
        *("Longrightarrow", "in", "ll"),
    }
    for text in (
        entry.latex,
        entry.correction_latex,
        entry.proposition,
        entry.note,
        entry.evidence,
        *(fact.text for fact in entry.facts),
        *(part for claim in entry.claims for part in (claim.text, claim.evidence)),
    ):
        assert set(re.findall(r"\\([A-Za-z]+)", text)) <= known


@every_erratum
def test_every_erratum_has_a_correction_and_evidence(entry):
    assert entry.correction != entry.statement
    assert entry.evidence
    assert entry.correction_latex


def test_only_an_erratum_has_a_correction():
    for entry in LEDGER:
        assert (entry.correction is not None) == (entry.status == "erratum")


# --- a check can fail ---


def mutants(relation):
    """Each right side with its sign flipped, doubled, and moved by a seventh."""
    sides = tuple(sp.And.make_args(relation))
    for k, part in enumerate(sides):
        for rhs in (-part.rhs, 2 * part.rhs, part.rhs + sp.Rational(1, 7)):
            changed = sp.Eq(part.lhs, rhs, evaluate=False)
            if changed != part:
                others = (*sides[:k], changed, *sides[k + 1 :])
                yield changed if len(sides) == 1 else sp.And(*others, evaluate=False)


@every_equation
def test_a_flipped_sign_a_doubled_or_a_shifted_side_is_refused(entry):
    field = "correction" if entry.status == "erratum" else "statement"
    tried = 0
    for changed in mutants(getattr(entry, field)):
        with pytest.raises(ProofError):
            replace(entry, **{field: changed}).check()
        tried += 1
    assert tried >= 1


@every_erratum
def test_an_erratum_that_holds_is_refused(entry):
    with pytest.raises(ProofError, match="the printed form satisfies"):
        replace(entry, statement=entry.correction).check()


@pytest.mark.parametrize(
    ("entry", "k"),
    [pytest.param(e, k, id=f"{e.label} claim {k}") for e in LEDGER for k in range(len(e.claims))],
)
def test_the_opposite_verdict_on_a_claim_is_refused(entry, k):
    wrong = replace(entry.claims[k], holds=not entry.claims[k].holds)
    with pytest.raises(ProofError):
        replace(entry, facts=(), claims=(wrong,)).check()


def test_a_refuted_fact_stops_the_check():
    entry = equation("G22", 24)
    fact = Fact(
        "it is antisymmetric",
        lambda e: zero(e.statement.rhs + e.statement.rhs.subs(d, sp.pi / 2 - d)),
    )
    with pytest.raises(ProofError, match="not so: it is antisymmetric"):
        replace(entry, facts=(fact,)).check()


def test_an_answer_that_is_neither_yes_nor_no_is_refused():
    entry = equation("G22", 24)
    with pytest.raises(ProofError, match="undecided"):
        replace(entry, decide=lambda relation: None).check()
    with pytest.raises(ProofError):  # SymPy's false is not Python's
        replace(entry, decide=lambda relation: sp.false).check()


def test_another_exponent_in_a_golden_step_is_refused():
    entry = equation("D21", 20)
    cubed = sp.Eq(entry.statement.lhs, -p * sp.log(1 - p**3))
    with pytest.raises(ProofError):
        replace(entry, statement=cubed).check()


def test_the_golden_equations_do_not_hold_at_a_half():
    for entry in LEDGER:
        if entry.status == "golden" and entry.statement.has(p):
            (relation,) = sp.And.make_args(entry.statement)
            lhs = energy(p) if not relation.lhs.has(p) else relation.lhs
            assert abs(sp.N((lhs - relation.rhs).subs(p, sp.Rational(1, 2)))) > 0.1


# --- how a thing is decided ---


def test_nothing_is_called_zero_for_being_small():
    assert not zero(p * sp.Rational(1, 10**30))
    with pytest.raises(ProofError, match="undecided"):
        zero(p * sp.Rational(1, 10**45) * sp.sin(p))


def test_the_sign_of_a_function_is_counted_out_not_sampled():
    x = sp.Symbol("x")
    narrow = (1000 * x - 501) * (1000 * x - 502)  # negative on a thousandth of (0, 1) only
    assert sign_on(narrow, x) == 0
    assert sign_on(narrow + 1, x) == 1
    assert sign_on(x - 1 - sp.log(x), x) == 1
    assert sign_on(sp.log(2 * x), x) == 0


def test_a_minimum_elsewhere_is_refused():
    assert least_at((p - sp.Rational(1, 2)) ** 2, p, sp.Rational(1, 2))
    assert not least_at((p - sp.Rational(1, 3)) ** 2, p, sp.Rational(1, 2))
    with pytest.raises(ProofError):
        least_at(p * 0 + 1, p, sp.Rational(1, 2))


def test_a_decimal_is_rounded_not_truncated():
    assert rounds_to(sp.Rational(2, 3), "0.667")
    assert not rounds_to(sp.Rational(2, 3), "0.666")


# --- independent numbers, in 50 digits and without the ledger's proofs ---


@pytest.fixture
def digits():
    with mp.workdps(50):
        yield mp.mpf(10) ** -40


def combined(x):
    return -mp.sin(x) * mp.log(mp.cos(x)) - mp.cos(x) * mp.log(mp.sin(x))


def side(paper, number, *arguments, form="statement"):
    """The right side of an entry as a function of mpmath numbers."""
    return sp.lambdify(arguments, getattr(equation(paper, number), form).rhs, "mpmath")


def test_the_combined_energy_has_one_minimum_by_root_finding(digits):
    (angle,) = equation("G22", 24).statement.rhs.free_symbols
    entry = side("G22", 24, angle)
    slope = [mp.diff(entry, mp.pi / 2 * k / 40) for k in range(1, 40)]
    assert all(s < 0 for s in slope[:19])
    assert all(s > 0 for s in slope[20:])
    assert abs(mp.findroot(lambda x: mp.diff(entry, x), mp.mpf("0.7")) - mp.pi / 4) < 1e-20
    assert abs(entry(mp.pi / 4) - mp.log(2) / mp.sqrt(2)) < digits


def test_the_printed_information_loss_is_upside_down(digits):
    printed = side("G20", 9, d)
    assert printed(mp.pi / 4) > printed(mp.pi / 5) > printed(mp.mpf("0.01"))
    assert abs(side("G20", 9, d, form="correction")(mp.mpf(1)) - combined(mp.mpf(1))) < digits


def test_the_substitution_behind_the_losses_is_not_what_is_printed(digits):
    x, half = mp.mpf("0.3"), 1 / mp.sqrt(2)
    rise = combined(x) - combined(mp.pi / 4)
    inserted = {"G20": 1 / (1 + mp.exp(-combined(x) / half)), "G22": 1 / (1 + mp.exp(-rise / half))}
    for paper, number, name in (("G20", 21, "L_I"), ("G22", 26, "E^*")):
        entry = equation(paper, number)
        for form, agrees in (("statement", False), ("correction", True)):
            expr = getattr(entry, form).rhs.replace(
                lambda e, name=name: e.is_Function and getattr(e.func, "__name__", "") == name,
                lambda e: sp.Float(str(combined(mp.mpf(str(e.args[0].subs(d, x).evalf(50))))), 50),
            )
            value = mp.mpf(str(sp.N(expr, 50)))
            assert (abs(value - inserted[paper]) < 1e-30) is agrees


def test_the_derivative_in_g20_22_is_that_of_the_printed_loss_with_the_sign_corrected(digits):
    (loss,) = equation("G20", 22).statement.rhs.free_symbols - {d}
    printed = side("G20", 22, d, loss)

    def of_output(y):
        return 1 / (1 + mp.exp(-combined((y + 1) * mp.pi / 4) / mp.sqrt(2)))

    for y in (mp.mpf("-0.8"), mp.mpf("0.1"), mp.mpf("0.6")):
        assert abs(mp.diff(of_output, y) - printed((y + 1) * mp.pi / 4, of_output(y))) < 1e-20


def test_the_text_s_derivative_of_g20_24_is_three_eighths_of_it_at_the_minimum(digits):
    def root(y):
        return 1 / (1 + mp.exp(-(combined((y + 1) * mp.pi / 4) - combined(mp.pi / 4)) / mp.sqrt(2)))

    y = mp.mpf(10) ** -12
    true = mp.diff(lambda x: root(x) ** 2, y)
    bracket = mp.diff(root, y) / (root(y) * (1 - root(y)))
    loss = root(y) ** 2
    assert abs(bracket * loss * (1 - loss) * 2 * loss / true - mp.mpf(3) / 8) < 1e-9


def test_the_chain_at_the_golden_ratio_breaks_at_step_19_alone(digits):
    golden_p = (mp.sqrt(5) - 1) / 2
    values = {k: side("D21", k, p)(golden_p) for k in (18, 19, 20, 21)}
    values[22] = side("D21", 22, phi)(mp.asin(golden_p))
    assert [k for k, value in values.items() if abs(value - values[18]) > digits] == [19]
    assert abs(values[19] / values[18] - 2 * golden_p) < digits
    assert abs(side("D21", 19, p, form="correction")(golden_p) - values[18]) < digits
    assert abs(values[18] - mp.log(mp.phi) / mp.phi) < digits
    crossing = mp.findroot(lambda x: side("D21", 18, p)(x) - side("D21", 19, p)(x), 0.7)
    assert abs(crossing - mp.mpf("0.6963")) < 1e-4


def test_an_energy_below_zero_belongs_to_two_probabilities(digits):
    entry = side("G22", 18, p)
    low, high = (mp.findroot(lambda x: entry(x) + mp.mpf("0.1"), start) for start in (0.03, 0.45))
    assert high - low > 0.3
    for x in (low, high):
        assert abs(x - 1 / (1 + mp.exp(mp.mpf("0.1") / x))) < 1e-30
    lowest = mp.findroot(lambda x: mp.diff(entry, x), 0.2)
    assert abs(entry(lowest) + mp.lambertw(mp.exp(-1))) < 1e-20


def test_the_divergence_loss_is_least_at_one_half_and_not_symmetric(digits):
    def loss(x):
        k = mp.cos(x) ** 2
        return 1 / (1 + mp.exp(-(2 * k - 1) * mp.log(k / (1 - k)) / mp.sin(x)))

    assert loss(mp.pi / 4) == mp.mpf(1) / 2
    assert all(loss(mp.pi / 4 + x) > 0.5 for x in (-0.7, -0.1, 0.1, 0.7))
    assert loss(mp.pi / 6) > loss(mp.pi / 3)


def test_descent_with_the_printed_rate_climbs_and_with_the_corrected_falls():
    weights = mp.matrix([0.3, -0.8, 0.1])
    for form, falls in (("statement", False), ("correction", True)):
        for number in (1, 3):
            relation = getattr(equation("DLR", number), form)
            letters = sorted(relation.rhs.free_symbols, key=str)
            values = {"eta_0": 0.01, "alpha": 2.0, "norm": mp.norm(weights)}
            cost_before = sum(w**2 for w in weights) / 2
            after = []
            for w in weights:
                by_name = {
                    s: abs(w) if "ij" in s.name else values.get(s.name, values["norm"])
                    for s in letters
                }
                after.append(w - float(relation.rhs.subs(by_name)) * w)
            assert (sum(w**2 for w in after) / 2 < cost_before) is falls


def test_the_delta_rule_is_the_weighted_sum_of_all_past_gradients():
    relation = equation("G20", 4).statement
    names = {s.name: s for s in relation.rhs.free_symbols}
    gradients = [sp.Rational(k * k - 7, 5) for k in range(6)]
    step = sp.Integer(0)
    for gradient in gradients:
        step = relation.rhs.subs({names["g_ij"]: gradient, names["Delta_before"]: step})
    eta, alpha = names["eta"], names["alpha"]
    unrolled = -eta * sum(alpha**k * g for k, g in enumerate(reversed(gradients)))
    assert sp.expand(step - unrolled) == 0


def test_the_ledger_s_numbers_are_the_library_s():
    assert float(P1) == golden.P1
    assert float(P2) == golden.P2
    assert float(PHI) == golden.PHI
    assert float(ALPHA) == pytest.approx(golden.ALPHA, rel=1e-15)
    assert float(ETA) == pytest.approx(golden.ETA, rel=1e-14)
    assert float(LEAST_COMBINED) == pytest.approx(golden.EQUILIBRIUM_ENERGY, rel=1e-15)


# --- looking up ---


def test_an_equation_is_found_by_paper_and_number():
    assert equation("G22", 24).title == "combined energy"
    assert all(equation(e.paper, e.number) is e for e in LEDGER)


@pytest.mark.parametrize(
    ("paper", "number", "sentence"),
    [
        ("G23", 1, "paper must be one of G20, D21, G22, DLR, got 'G23'"),
        ("G22", 30, "number must be an integer from 1 to 29 for G22, got 30"),
        ("DLR", 0, "number must be an integer from 1 to 3 for DLR, got 0"),
        ("G20", 1.0, "number must be an integer from 1 to 25 for G20, got 1.0"),
        ("G20", True, "number must be an integer from 1 to 25 for G20, got True"),
    ],
)
def test_an_unknown_equation_is_refused_in_one_sentence(paper, number, sentence):
    with pytest.raises(ValueError, match="must be") as error:
        equation(paper, number)
    assert str(error.value) == sentence


def test_counts_refuse_an_unknown_paper():
    with pytest.raises(ValueError, match="paper must be one of"):
        counts("G23")


def test_an_unknown_status_is_refused():
    with pytest.raises(ValueError, match="status must be one of"):
        replace(equation("G22", 24), status="theorem")


def test_an_erratum_without_a_correction_is_refused():
    with pytest.raises(ValueError, match="must go with an erratum only"):
        replace(equation("G20", 9), correction=None)


def test_the_false_claims_are_those_that_do_not_hold():
    listed = false_claims()
    assert all(not claim.holds and claim in entry.claims for entry, claim in listed)
    assert len(listed) == sum(not c.holds for e in LEDGER for c in e.claims)


def test_the_ledger_needs_no_torch():
    code = "import sys, golden_lib.equations; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_line_of_a_derivation_is_returned_if_true_and_refused_if_false():
    true = sp.Eq(p * (1 - p), p - p**2, evaluate=False)
    assert proved(true) is true
    with pytest.raises(ProofError, match="not so: Eq"):
        proved(sp.Eq(1 - p, p**2))
