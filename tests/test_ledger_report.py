"""The ledger's Markdown leaves nothing out and breaks no table."""

import pytest

from golden_lib.equations import LEDGER, PAPERS, errata, report


def rows(table: str) -> list[list[str]]:
    return [line.strip("| ").split(" | ") for line in table.splitlines()]


@pytest.mark.parametrize("paper", PAPERS)
def test_a_paper_has_a_row_of_five_cells_for_each_equation(paper):
    head, _, *body = rows(report.of_paper(paper))
    assert len(head) == 5
    assert [row[0] for row in body] == [str(e.number) for e in LEDGER if e.paper == paper]
    assert {len(row) for row in body} == {5}


def test_every_erratum_stands_with_its_correction():
    text = report.all_errata()
    for entry in errata():
        assert entry.label in text
        assert entry.correction_latex in text


@pytest.mark.parametrize("holds", [True, False])
def test_every_claim_stands_with_its_place_under_its_verdict(holds):
    body = rows(report.claims(holds))[2:]
    said = [(e, c) for e in LEDGER for c in e.claims if c.holds is holds]
    for entry, claim in said:
        assert any(entry.label in row[0] and row[1] == claim.text for row in body)
    assert len(body) <= len(said)
    assert {len(row) for row in body} == {3}


def test_the_totals_add_up_to_88():
    assert rows(report.totals())[-1][-1] == "88"
