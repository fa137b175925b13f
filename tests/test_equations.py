"""The ledger: every verdict is proved, and a false one is refused."""

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
    Equation,
    ProofError,
    counts,
    equation,
    errata,
    false_claims,
)

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
    assert entry.latex.count(r"\left") == entry.latex.count(r"\right")
    assert isinstance(entry.statement, sp.Eq | sp.And)
    assert all(claim.evidence for claim in entry.claims)


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


@every_equation
def test_no_fact_is_proved_of_another_statement_and_kept(entry):
    for fact in entry.facts:
        with pytest.raises(ProofError, match="not so"):
            replace(entry, facts=(replace(fact, test=lambda e: False),), claims=()).check()
