"""Experiments at work: from the command line to a file, and what is refused on the way."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import fields
from math import nan

import numpy as np
import pytest

from golden_lib import experiments, results, sweeps
from golden_lib.experiments import EXPERIMENTS, find_experiment, running
from golden_lib.experiments.__main__ import main
from golden_lib.golden import ALPHA, ETA
from golden_lib.training import train

TINY = {
    "table_1": ["--train-size", "260", "--folds", "2", "--epochs", "1"],
    "cnn_tuned": ["--train-size", "150"],
    "plane": ["--epochs", "2"],
    "figure_1": ["--train-size", "200"],
    "figure_2": ["--train-size", "200"],
    "figure_3": ["--train-size", "200"],
    "dlr_mnist_30": ["--train-size", "200"],
    "dlr_mnist_100": ["--train-size", "200"],
}


def test_a_measurement_is_the_run_that_its_settings_describe(tmp_path):
    options = {"train_size": 200, "etas": 1, "alphas": 1, "epochs": 2, "seeds": 2, "batch_size": 20}
    experiments.run("plane", out=tmp_path, progress=False, **options)
    golden = results.read(tmp_path / "plane.json").measurements["plane"].at(ETA, ALPHA)
    settings = find_experiment("plane", **options).blocks()[1].settings | {"seeds": [1]}
    settings |= {"eta": ETA, "alpha": ALPHA}
    arguments = sweeps.arguments.train_arguments(settings)
    alone = train(**arguments, progress=False).finish().history
    assert golden.seed.tolist() == [0, 1]
    np.testing.assert_allclose(golden.test_accuracy[:, 1], alone.test_accuracy[:, 0], atol=0.051)
    np.testing.assert_allclose(golden.loss[:, 1], alone.loss[:, 0], rtol=1e-3)


def test_a_run_that_goes_on_trains_nothing_again(tmp_path, monkeypatch):
    options = {"quick": True, "data": "digits", "progress": False, "out": tmp_path}
    first = experiments.run("dlr_mnist_100", **options)
    text = (tmp_path / "dlr_mnist_100.json").read_text()
    (tmp_path / "dlr_mnist_100.json").unlink()
    stored = []
    real = sweeps.run

    def watched(*given, **named):
        for found in real(*given, **named):
            stored.append(found.stored)
            yield found

    monkeypatch.setattr(running.sweeps, "run", watched)
    # As text: the spread of one run is no number, and nan is not nan.
    assert repr(experiments.run("dlr_mnist_100", **options)) == repr(first)
    assert stored == [True, True]
    assert (tmp_path / "dlr_mnist_100.json").read_text() == text


def test_a_run_that_fails_names_the_block_and_leaves_no_file(tmp_path):
    with pytest.raises(sweeps.SweepError, match="SSE without momentum, fold 0: ValueError"):
        experiments.run("table_1", out=tmp_path, train_size=20, folds=2, runs=1, progress=False)
    assert [path.name for path in tmp_path.iterdir()] == ["table_1.blocks"]


def test_two_processes_write_what_one_writes(tmp_path):
    command = [sys.executable, "-m", "golden_lib.experiments", "dlr_mnist_100", "--quick"]
    command += ["--data", "digits", "--train-size", "200", "--workers", "2", "--out", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ)
    assert done.returncode == 0, done.stderr
    rows = experiments.run(
        "dlr_mnist_100", out=tmp_path / "one", data="digits", train_size=200, quick=True,
        progress=False,
    )  # fmt: skip
    kept = results.read(tmp_path / "dlr_mnist_100.json")
    assert [row.label for row in kept.rows] == [row.label for row in rows]
    np.testing.assert_allclose([r.mean for r in kept.rows], [r.mean for r in rows], atol=1e-9)
    assert kept.provenance["command"].startswith("python -m golden_lib.experiments dlr_mnist_100")


def test_ctrl_c_ends_the_workers_and_says_how_to_go_on(tmp_path):
    command = [sys.executable, "-m", "golden_lib.experiments", "table_1", "--epochs", "10000"]
    command += ["--workers", "2", "--out", str(tmp_path)]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        while not (tmp_path / "table_1.blocks").exists():
            assert process.poll() is None
            time.sleep(0.05)
        time.sleep(1)  # the workers start, and import
        os.killpg(process.pid, signal.SIGINT)  # as a terminal does
        told = process.communicate(timeout=60)[1]
    assert process.returncode == 130
    blocks = tmp_path / "table_1.blocks"
    assert told.strip() == f"interrupted; the same command goes on from {blocks}"


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_the_command_line_rehearses_it_and_names_the_file(name, tmp_path, capsys):
    line = [name, "--data", "digits", "--quick", *TINY[name], "--out", str(tmp_path)]
    assert main(line) == 0
    table, path = capsys.readouterr().out.strip().rsplit("\n", 1)
    assert path == str(tmp_path / f"{name}.json")
    kept = results.read(path)
    assert kept.provenance["command"] == " ".join(["python -m golden_lib.experiments", *line])
    assert results.rows_table(kept.rows) == table
    assert all(np.isfinite(m.loss).all() for m in kept.measurements.values())
    if name == "figure_3":
        assert set(kept.extra["schedule"]) == {"epoch", "hidden.weight", "output.weight"}
    assert sorted(p.name for p in tmp_path.iterdir()) == [f"{name}.blocks", f"{name}.json"]


def test_the_command_line_explains_itself(capsys):
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    told = capsys.readouterr().out
    for name, kind in EXPERIMENTS.items():
        assert name in told
        assert kind.QUESTION in told


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_an_experiment_explains_its_options_the_paper_and_its_time(name, capsys):
    with pytest.raises(SystemExit, match="0"):
        main([name, "--help"])
    told = " ".join(capsys.readouterr().out.split())
    kind = EXPERIMENTS[name]
    options = [field.name for field in fields(kind)]
    assert kind.QUESTION in told
    assert f"The paper: {kind.PAPER}." in told
    assert f"Time: {kind.COST}." in told
    assert all(f"--{option.replace('_', '-')} " in told for option in options)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("x", {}, r"experiment must be one of table_1, .* got 'x'"),
        ("table_1", {"hidden": 3}, r"options of table_1 must be among data, .*, got hidden"),
        ("table_1", {"folds": 1}, "folds must be >= 2, got 1"),
        ("table_1", {"runs": 2.5}, "runs must be a whole number, got 2.5"),
        ("table_1", {"data": "letters"}, "data must be one of digits, .* got 'letters'"),
        ("figure_1", {"hidden": []}, r"hidden must be at least one number, got \[\]"),
        ("figure_2", {"pairs": 7}, "pairs must be <= 6, got 7"),
        ("figure_3", {"target": nan}, "target must be a finite number, got nan"),
        ("plane", {"eta_least": 3.0}, "eta_greatest must be >= eta_least = 3, got 2"),
        ("plane", {"alpha_greatest": 1.0}, "alpha_greatest must be < 1 for delta, got 1"),
        ("plane", {"rule": "dlr"}, "alpha_least must be > 0 for dlr, got 0"),
    ],
)
def test_a_wrong_option_is_refused_in_a_sentence(name, options, message, tmp_path):
    with pytest.raises(ValueError, match=message):
        experiments.run(name, out=tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (["x"], "invalid choice: 'x'"),
        (["table_1", "--hidden", "3"], "unrecognized arguments: --hidden 3"),
        (["table_1", "--folds", "1"], "folds must be >= 2, got 1"),
        (["table_1", "--workers", "0"], "--workers must be >= 1, got 0"),
        (["table_1", "--device", "cuda:99"], "device must be"),
    ],
)
def test_the_command_line_refuses_in_a_sentence(line, message, tmp_path, capsys):
    with pytest.raises(SystemExit, match="2"):
        main([*line, *(["--out", str(tmp_path)] if len(line) > 1 else [])])
    assert message in capsys.readouterr().err
