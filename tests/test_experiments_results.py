"""Results files and tables: written whole, read back, and refused where they are not ours."""

import json
from math import nan
from pathlib import Path

import numpy as np
import pytest

from golden_lib import results
from golden_lib.experiments import EXPERIMENTS
from golden_lib.golden import ALPHA

BOOK = Path(__file__).resolve().parents[1] / "book" / "results"
KEPT = [path for path in sorted(BOOK.glob("*.json")) if path.stem in EXPERIMENTS]


@pytest.mark.parametrize("text", ["", "{}", "[1]", json.dumps({"provenance": {}})])
def test_a_foreign_file_is_named_and_refused(text, tmp_path):
    (tmp_path / "foreign.json").write_text(text)
    with pytest.raises(ValueError, match=r"path must be a results file, got .*foreign\.json"):
        results.read(tmp_path / "foreign.json")


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.stem)
def test_the_books_results_are_read_with_as_many_columns_as_seeds(path):
    kept = results.read(path)
    assert path.stem in kept.provenance["command"]
    for measured in kept.measurements.values():
        assert measured.test_accuracy.shape == (len(measured.epoch), len(measured.seed))


def test_a_row_comes_back_from_its_file(tmp_path):
    rows = (
        results.row("a", [1.0, 2.0, nan], "epochs", 0.1, 0.5, paper="1 ± 2", note="so"),
        results.row("b", [nan]),
    )
    kept = results.read(results.write(tmp_path / "x.json", [], ["command"], rows=rows, more=[1]))
    assert repr(kept.rows) == repr(rows)  # as NaN is not NaN
    assert kept.extra == {"more": [1]}


def test_a_file_that_cannot_be_written_leaves_the_old_one(tmp_path):
    path = results.write(tmp_path / "x.json", [], ["first"])
    with pytest.raises(ValueError, match="not JSON compliant"):
        results.write(path, [], ["second"], more=nan)
    assert results.read(path).provenance["command"] == "first"
    assert [p.name for p in tmp_path.iterdir()] == ["x.json"]


def test_a_table_of_rows_says_mean_spread_n_and_how_many_did_not_arrive():
    row = results.row("a", [1.0, 2.0, 3.0, nan], "epochs", paper="1.14 ± 0.22")
    head, _, line = (
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in results.rows_table([row]).splitlines()
    )
    assert dict(zip(head, line, strict=True)) == {
        "what": "a", "mean": "2.00", "std": "1.00", "least to greatest": "1.00 to 3.00",
        "unit": "epochs", "n": "3", "paper": "1.14 ± 0.22", "note": "1 of 4 did not get there",
    }  # fmt: skip


def measurement() -> results.Measurement:
    """Two η × two α × two seeds, with accuracies that tell them apart."""
    eta, alpha, seed = (x.ravel() for x in np.meshgrid([0.1, 9.0], [0.0, ALPHA], [0, 1]))
    last = 0.1 * (eta < 1) + 0.5 * (alpha == 0) + 0.01 * seed
    accuracy = np.stack([0 * last, last])
    return results.Measurement("x", np.arange(2), seed, eta, alpha, seed, accuracy, accuracy)


def test_the_best_cell_has_the_highest_last_accuracy():
    assert set(measurement().best().eta) == {0.1}
    assert set(measurement().best().alpha) == {0.0}
    assert set(measurement().best(alpha=ALPHA).alpha) == {ALPHA}


def test_accuracies_over_eta_are_in_order_of_eta():
    etas, accuracies = measurement().over_eta(0.0)
    assert etas.tolist() == [0.1, 9.0]
    np.testing.assert_allclose(accuracies, [[0.6, 0.61], [0.5, 0.51]])


def test_a_table_gives_mean_sample_deviation_range_and_n():
    accuracy = np.array([[0.1, 0.1, 0.1], [0.9, 0.95, 1.0]])
    same = np.zeros(3)
    cell = results.Measurement(
        "x", np.arange(2), np.arange(3), same + 0.5, same, same, accuracy, accuracy
    )
    assert results.table({"x": cell}).splitlines()[-1] == (
        "| x | 0.5 | 0 | 95.00 | 5.00 | 90.0 to 100.0 | 3 |"
    )
