"""Experiments by name: what they train, what they keep, and what they refuse."""

import json

import numpy as np
import pytest

from golden_lib import experiments
from golden_lib.data import rendered_digits
from golden_lib.experiments import EXPERIMENTS, Condition, Experiment, measure, write
from golden_lib.golden import ALPHA, ETA
from golden_lib.nets import Mlp
from golden_lib.results import Measurement, read, table
from golden_lib.training import train


@pytest.fixture
def small(monkeypatch):
    """A small experiment called "small": two η, two α, on 200 digits."""
    common = {
        "network": Mlp(hidden=5),
        "loss": "energy",
        "rule": "delta",
        "data": rendered_digits(200),
        "batch_size": 20,
        "epochs": 2,
    }
    conditions = (Condition("one", {}, (0.1, 1e9), (0.0, ALPHA)), Condition("two", {"loss": "sse"}))
    monkeypatch.setitem(EXPERIMENTS, "small", Experiment("A small one.", common, conditions))
    return common


def test_the_papers_protocol_trains_at_the_golden_values():
    protocol = EXPERIMENTS["cnn_protocol"]
    assert protocol.common["epochs"] == 30
    assert {c.etas for c in protocol.conditions} == {(ETA,)}
    assert [c.alphas for c in protocol.conditions] == [(0.0,)] + 4 * [(ALPHA,)]


def test_a_measurement_is_the_run_that_its_settings_describe(small, tmp_path):
    kept = read(write("small", range(2), tmp_path, ["command"])).measurements["one"].at(0.1, ALPHA)
    alone = train(**small, seeds=[1], eta=0.1, alpha=ALPHA).finish().history
    assert kept.seed.tolist() == [0, 1]
    np.testing.assert_allclose(kept.test_accuracy[:, 1], alone.test_accuracy[:, 0], atol=0.051)
    np.testing.assert_allclose(kept.loss[:, 1], alone.loss[:, 0], rtol=1e-4)


def test_the_grid_has_every_eta_alpha_and_seed_once(small):
    entry = next(iter(measure("small", range(2))))
    triples = set(zip(entry["seed"], entry["eta"], entry["alpha"], strict=True))
    assert triples == {(s, e, a) for s in (0, 1) for e in (0.1, 1e9) for a in (0.0, ALPHA)}


def test_the_best_cell_has_the_highest_last_accuracy(small, tmp_path):
    one = read(write("small", range(2), tmp_path, ["command"])).measurements["one"]
    means = [one.at(e, a).test_accuracy[-1].mean() for e in (0.1, 1e9) for a in (0.0, ALPHA)]
    assert one.best().test_accuracy[-1].mean() == max(means)
    assert set(one.best(alpha=ALPHA).alpha) == {ALPHA}
    assert one.best(alpha=0.0).test_accuracy[-1].mean() == max(means[0], means[2])


def test_a_file_says_where_it_came_from(small, tmp_path):
    results = read(write("small", [0], tmp_path, ["python -m x", "small"], epochs=1))
    assert results.provenance["command"] == "python -m x small"
    assert set(results.provenance["versions"]) >= {"torch", "numpy"}
    assert results.source.startswith("python -m x small (")


def test_a_run_that_fails_leaves_no_file(small, tmp_path):
    with pytest.raises(ValueError, match="device must be"):
        write("small", [0], tmp_path, ["command"], device="cuda:99")
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_experiment_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"experiment must be one of cnn_protocol, .* got 'x'"):
        experiments.find_experiment("x")


@pytest.mark.parametrize("text", ["", "{}", "[1]", json.dumps({"provenance": {}})])
def test_a_foreign_file_is_named_and_refused(text, tmp_path):
    (tmp_path / "foreign.json").write_text(text)
    with pytest.raises(ValueError, match=r"path must be a results file, got .*foreign\.json"):
        read(tmp_path / "foreign.json")


def test_the_command_line_writes_the_file_and_names_it(small, tmp_path, capsys):
    experiments.main(["small", "--seeds", "1", "--epochs", "1", "--out", str(tmp_path)])
    assert capsys.readouterr().out.strip() == str(tmp_path / "small.json")
    assert (tmp_path / "small.json").is_file()


def test_the_command_line_explains_itself(capsys):
    with pytest.raises(SystemExit, match="0"):
        experiments.main(["--help"])
    help_text = capsys.readouterr().out
    assert all(name in help_text for name in EXPERIMENTS)


def test_a_table_gives_mean_sample_deviation_range_and_n():
    accuracy = np.array([[0.1, 0.1, 0.1], [0.9, 0.95, 1.0]])
    same = np.zeros(3)
    cell = Measurement("x", np.arange(2), np.arange(3), same + 0.5, same, same, accuracy, accuracy)
    assert table({"x": cell}).splitlines()[-1] == (
        "| x | 0.5 | 0 | 95.00 | 5.00 | 90.0 to 100.0 | 3 |"
    )


def test_accuracies_over_eta_are_in_order_of_eta(small, tmp_path):
    one = read(write("small", range(2), tmp_path, ["command"])).measurements["one"]
    etas, accuracies = one.over_eta(0.0)
    assert etas.tolist() == [0.1, 1e9]
    np.testing.assert_array_equal(accuracies[0], one.at(0.1, 0.0).test_accuracy[-1])
