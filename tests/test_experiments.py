"""Experiments by name: what they train, what they tell of it, and what they refuse."""

from math import nan, sqrt

import numpy as np
import pytest
import torch
from test_mnist import needs_mnist

from golden_lib import sweeps
from golden_lib.experiments import EXPERIMENTS, averaged, dlr, find_experiment
from golden_lib.experiments.experiment import entry, epoch_steps
from golden_lib.golden import ALPHA, ETA
from golden_lib.nets import Mlp
from golden_lib.sweeps import Block, Result
from golden_lib.training import train


def result(block: Block, accuracy, epoch=None) -> Result:
    """A result of this block with these test accuracies, ``(T, R)``, and nothing trained."""
    accuracy = np.array(accuracy, dtype=float)
    T, R = accuracy.shape
    assert len(block.seeds) == R
    epoch = np.arange(1.0, T + 1) if epoch is None else np.array(epoch, dtype=float)
    wide = {k: np.broadcast_to(np.asarray(block.settings[k], float), R) for k in ("eta", "alpha")}
    return Result(
        block, np.arange(1, T + 1), epoch, accuracy, accuracy, accuracy, **wide,
        seeds=np.array(block.seeds), diverged=np.full(R, -1), seconds=1.0, provenance={},
    )  # fmt: skip


# What is trained


def test_table_1_is_the_papers_protocol():
    blocks = find_experiment("table_1").blocks()
    assert len(blocks) == 5 * 10
    settings = [block.settings for block in blocks]
    assert {s["epochs"] for s in settings} == {30}
    assert {s["eta"] for s in settings} == {ETA}
    assert {(s["network"], s["rule"], s["data"]) for s in settings} == {("cnn", "delta", "digits")}
    assert [s["alpha"] for s in settings[:5]] == [0.0, ALPHA, ALPHA, ALPHA, ALPHA]
    losses = ["sse", "sse", "squared_information", "energy", "cross_entropy"]
    assert [s["loss"] for s in settings[:5]] == losses
    assert sorted(tuple(s["fold"]) for s in settings) == sorted(5 * [(k, 10) for k in range(10)])


def test_a_condition_of_table_1_has_a_hundred_initial_weights_the_same_for_all_conditions():
    seeds = {}
    for block in find_experiment("table_1").blocks():
        seeds.setdefault(block.label.split(", fold")[0], []).extend(block.seeds)
    assert all(sorted(of_one) == list(range(100)) for of_one in seeds.values())
    assert len(seeds) == 5


def test_the_golden_pair_is_a_point_of_the_plane():
    blocks = find_experiment("plane", etas=3, alphas=4, seeds=2).blocks()
    golden = [b for b in blocks if b.settings["alpha"] == ALPHA]
    assert len(blocks) == 5
    assert len(golden) == 1
    assert golden[0].settings["eta"].count(ETA) == 2
    assert golden[0].seeds == [0, 1] * 4


def test_the_plane_of_dlr_has_alphas_of_its_own():
    options = {"rule": "dlr", "alpha_least": 0.1, "alpha_greatest": 10.0, "alphas": 3}
    plane = find_experiment("plane", loss="logistic_sse", batch_size=1, **options)
    np.testing.assert_allclose([b.settings["alpha"] for b in plane.blocks()], [0.1, 1, 10])


@pytest.mark.parametrize("name", ["figure_1", "figure_2", "figure_3", "dlr_mnist_30"])
def test_the_dlr_papers_networks_learn_mnist_one_digit_at_a_time_by_default(name):
    for block in find_experiment(name).blocks():
        chosen = {k: block.settings[k] for k in ("data", "loss", "batch_size", "every")}
        assert chosen == {
            "data": "mnist", "loss": "logistic_sse", "batch_size": 1, "every": 3000,
        }  # fmt: skip


@pytest.mark.parametrize("name", ["figure_1", "figure_2"])
def test_every_rule_of_a_scan_has_the_same_number_of_pairs_and_the_same_seeds(name):
    blocks = find_experiment(name, hidden=[30], pairs=6, seeds=2).blocks()
    pairs = {b.label: set(zip(b.settings["eta"], b.settings["alpha"], strict=True)) for b in blocks}
    assert [b.settings["rule"] for b in blocks] == ["delta", "nesterov", "adam", "dlr"]
    assert {len(of_one) for of_one in pairs.values()} == {6}
    assert {tuple(b.seeds) for b in blocks} == {(0, 1) * 6}
    assert {alpha for _, alpha in pairs["SGD, 30 hidden units"]} == {0.0}


@pytest.mark.parametrize(
    ("data", "size"),
    [
        pytest.param("mnist", 0, marks=needs_mnist),
        pytest.param("mnist", 500, marks=needs_mnist),
        ("digits", 500),
    ],
)
def test_the_steps_of_an_epoch_are_those_of_the_trainer(data, size):
    settings = {"network": {"name": "mlp", "hidden": 1}, "data": data, "batch_size": 1}
    block = Block("x", {**settings, "epochs": 1, "train_size": size or None})
    run = train(**sweeps.arguments.train_arguments(block.settings), device="cpu", progress=False)
    assert run.steps == epoch_steps(data, size)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_labels_of_an_experiments_blocks_differ(name):
    labels = [block.label for block in find_experiment(name).blocks()]
    assert len(set(labels)) == len(labels)


# What is told of it


def test_a_row_of_table_1_is_over_all_folds_and_runs():
    table = find_experiment("table_1", folds=2, runs=2)
    accuracy = {"fold 0": [[0, 0], [0.9, 0.92]], "fold 1": [[0, 0], [0.94, 0.96]]}
    found = [result(b, accuracy[b.label.split(", ")[1]]) for b in table.blocks()]
    report = table.report(found[::-1])
    assert [row.label for row in report.rows] == [c["label"] for c in report.measurements]
    row = report.rows[0]
    assert (row.n, row.of, row.unit, row.paper) == (4, 4, "%", "77.4 ± 10")
    numbers = (row.mean, row.std, row.least, row.greatest)
    assert numbers == pytest.approx((93, sqrt((9 + 1 + 1 + 9) / 3), 90, 96))
    assert report.measurements[0]["fold"] == [0, 0, 1, 1]
    assert report.measurements[0]["seed"] == [0, 2, 1, 3]


def test_a_network_reaches_an_accuracy_at_the_first_record_that_has_it():
    accuracy = np.array([[0.5, 0.5, nan], [0.96, 0.5, nan], [0.5, 0.5, 0.97]])
    found = dlr.reached(np.array([0.5, 1.0, 1.5]), accuracy, 0.96)
    np.testing.assert_array_equal(found, [1.0, nan, 1.5])
    single = dlr.reached(np.array([0.5]), np.array([[np.float32(0.96), 0.9599]]), 0.96)
    np.testing.assert_array_equal(single, [0.5, nan])


def test_figure_1_takes_the_pair_with_which_most_seeds_arrive_and_then_the_fastest():
    figure = find_experiment("figure_1", hidden=[50], pairs=3, seeds=2)
    never, at_1, at_2, at_3 = ([0.9] * k + [0.97] * (3 - k) for k in (3, 0, 1, 2))
    columns = {
        "SGD": [at_2, at_2, at_3, at_3, never, never],
        "DLR": [at_1, never, at_2, at_1, at_3, at_1],
        "Nesterov": 6 * [never],
        "Adam": [at_1, never, never, never, never, never],
    }
    rows = figure.rows(
        [result(b, np.array(columns[b.label.split(",")[0]]).T) for b in figure.blocks()]
    )
    sgd, nesterov, adam, ours = rows
    assert (sgd.mean, sgd.n, sgd.eta, sgd.ratio) == (2.0, 2, dlr.FAST["SGD"][0][0], 1.0)
    assert (ours.mean, ours.n, ours.ratio) == (1.5, 2, 0.75)
    assert (ours.eta, ours.alpha) == dlr.FAST["DLR"][1]
    assert (adam.n, adam.of, adam.mean, adam.ratio) == (1, 2, 1.0, None)
    assert nesterov.n == 0
    assert np.isnan(nesterov.mean)


def test_figure_2_goes_down_from_the_largest_size_to_the_last_that_is_enough():
    figure = find_experiment("figure_2", hidden=[10, 20, 30], pairs=2, seeds=3)
    yes, no = 0.97, 0.9
    # Six replicas: two pairs, and in each three seeds. Seed 0 does with 20, seed 1 with 10, and
    # seed 2 fails at 20, so that its success at 10 does not count.
    enough = {30: [yes, no] * 3, 20: [no, yes, no, yes, no, no], 10: [no, yes, yes] * 2}
    enough[10][0] = enough[10][3] = no

    def of(block):
        name, size = block.label.split(", ")
        return enough[int(size.split()[0])] if name == "DLR" else 6 * [no]

    *others, ours = figure.rows([result(b, [of(b)]) for b in figure.blocks()])
    assert (ours.mean, ours.least, ours.greatest, ours.n) == (20.0, 10.0, 30.0, 3)
    assert ours.note == "1 might do with fewer"
    assert ours.paper == "29.7 ± 1.6"
    assert [(row.n, row.of) for row in others] == 3 * [(0, 3)]


def test_the_plane_names_the_golden_pair():
    plane = find_experiment("plane", etas=2, alphas=2, seeds=2)
    rows = plane.rows([result(b, [np.arange(6) / 10]) for b in plane.blocks()])
    assert len(rows) == 9
    golden = [row for row in rows if row.label == "golden pair"]
    assert [(row.eta, row.alpha, row.n) for row in golden] == [(ETA, ALPHA, 2)]
    assert golden[0].mean == pytest.approx(25)  # of the seeds 0.2 and 0.3, the second η of three


def test_cnn_tuned_takes_the_best_eta_of_each_loss_with_momentum_and_without():
    tuned = find_experiment("cnn_tuned", seeds=1)
    rows = tuned.rows([result(b, [[0.1, 0.2, 0.9, 0.3, 0.2, 0.1]]) for b in tuned.blocks()])
    assert len(rows) == 8
    assert {(row.mean, row.eta) for row in rows} == {(90.0, ETA)}
    assert rows[0].label == "SSE, without momentum"


def test_an_entry_keeps_evenly_spread_records_and_the_last():
    block = Block("x", {"seeds": [0], "eta": 1.0, "alpha": 0.0})
    kept = entry("x", [result(block, np.arange(10)[:, None] / 10)], most=3)
    assert kept["step"][-1] == 10
    assert len(kept["step"]) == 3
    assert kept["test_accuracy"] == [[(step - 1) / 10 for step in kept["step"]]]


# Figure 3: the average rate as a schedule


@pytest.mark.parametrize("truth", [(0.3, -1.2, -0.4, 0.1), (-0.2, 0.7, -2.5, 0.6)])
def test_the_fit_finds_the_papers_curve_again(truth):
    time = np.linspace(0, 2, 41)
    fitted = averaged.fit_decay(time, averaged.decay(time, truth))
    np.testing.assert_allclose(averaged.decay(time, fitted), averaged.decay(time, truth), atol=1e-4)


def test_a_constant_schedule_is_plain_gradient_descent():
    rule = averaged.scheduled({k: np.full(5, 0.3) for k in ("hidden.weight", "output.weight")})
    common = {"data": "digits", "loss": "logistic_sse", "network": Mlp(hidden=4), "epochs": 1}
    common |= {"alpha": 0.0, "seeds": [3, 5], "batch_size": 300, "progress": False}
    common |= {"dtype": torch.float64}
    ours = train(rule=rule, eta=1.0, **common).finish()
    plain = train(rule="delta", eta=0.3, **common).finish()
    for name, weight in plain.state.params.items():
        torch.testing.assert_close(ours.state.params[name], weight, rtol=1e-10, atol=1e-12)


def test_a_schedule_moves_each_layer_at_its_own_rate_of_the_step_and_then_stays():
    rule = averaged.scheduled({"a": np.array([0.5, 0.25]), "b": np.array([1.0, 0.0])})
    params = {"a": torch.zeros(2, 3, 4), "b": torch.zeros(2, 3)}
    memory, one = rule.init(params), {k: torch.ones_like(v) for k, v in params.items()}
    for _ in range(3):
        params, memory = rule.update(params, one, memory, torch.ones(2), torch.zeros(2))
    assert (params["a"] == -(0.5 + 0.25 + 0.25)).all()
    assert (params["b"] == -1.0).all()


def test_the_average_rates_start_from_those_of_the_initial_weights():
    arguments = {"data": "digits", "rule": "dlr", "eta": 0.7, "alpha": 0.5, "seeds": [0, 1]}
    arguments |= {"network": Mlp(hidden=4), "loss": "logistic_sse", "batch_size": 3000}
    epoch, averages = averaged.average_rates({**arguments, "epochs": 1, "progress": False})
    weight = np.stack([Mlp(hidden=4).init([s])[0]["hidden.weight"][0].numpy() for s in (0, 1)])
    norm = np.sqrt((weight**2).sum(1, keepdims=True))
    assert averages["hidden.weight"][0] == pytest.approx(
        (0.7 * (abs(weight) + 0.5) / (norm + 0.5)).mean(), rel=1e-5
    )
    assert epoch.tolist() == [0, 1]
