"""Blocks: plain settings looked at when made, a key of settings and code, and what they train."""

import json
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from golden_lib.data import Digits, folds, rendered_digits
from golden_lib.nets import Cnn, Mlp
from golden_lib.sweeps import Block, arguments, code_version, run
from golden_lib.sweeps.arguments import train_arguments
from golden_lib.sweeps.version import PARTS
from golden_lib.sweeps.work import compute
from golden_lib.training import train

LIBRARY = Path(train.__code__.co_filename).parents[1]


def test_settings_are_kept_as_plain_values_whatever_they_came_as():
    given = {
        "seeds": range(2), "eta": np.array([1, 0.5]), "alpha": np.float32(0.5),
        "epochs": np.int64(3), "fold": (1, 5), "every": None,
        "network": {"name": "mlp", "hidden": 9},
    }  # fmt: skip
    block = Block("plain", given)
    plain = {
        "seeds": [0, 1], "eta": [1.0, 0.5], "alpha": 0.5, "epochs": 3,
        "fold": [1, 5], "network": {"name": "mlp", "hidden": 9},
    }  # fmt: skip
    assert block.settings == json.loads(json.dumps(block.settings)) == plain
    assert block == Block("plain", plain) == pickle.loads(pickle.dumps(block))
    assert hash(block) == hash(Block("plain", plain))
    given["seeds"] = plain["fold"][0] = None
    assert block.settings["seeds"] == [0, 1]
    assert block.settings["fold"] == [1, 5]


def test_the_key_stands_for_the_settings_and_not_for_label_or_order():
    block = Block("one", {"loss": "sse", "eta": 1, "seeds": (1, 2)})
    assert block.key == Block("two", {"seeds": [1, 2], "eta": 1.0, "loss": "sse"}).key
    others = [{"loss": "energy"}, {"eta": 1.0000000000000002}, {"eta": [1, 1]}, {"seeds": [2, 1]}]
    keys = {Block("one", {**block.settings, **other}).key for other in [{}, *others]}
    assert len(keys) == 5


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"etas": 1}, "settings must be among network, loss, .* got etas"),
        ({"device": "cpu"}, "settings must be among .* got device"),
        ({"loss": "x"}, "loss must be one of sse, .* got 'x'"),
        ({"rule": "x"}, "rule must be one of delta, .* got 'x'"),
        ({"loss": np.mean}, "loss must be plain: .* got <function mean"),
        ({"data": "x"}, "data must be one of digits, mnist, rotated_mnist, got 'x'"),
        ({"network": "x"}, "network must be one of cnn, mlp, got 'x'"),
        ({"network": Mlp(3)}, r"network must be plain: .* got Mlp\(hidden=3"),
        ({"network": {"hidden": 3}}, "network must be a name or have a name, got"),
        ({"network": {"name": "cnn", "hidden": 3}}, "cnn's sizes must be among filters, .* hidden"),
        ({"network": {"name": "mlp", "hidden": 0}}, "hidden must be a whole number ≥ 1, got 0"),
        ({"eta": [1, 2]}, "eta must be a number or 1, one for each seed, got 2"),
        ({"eta": [1, 2], "seeds": [1, 2, 3]}, "eta must be a number or 3, .* got 2"),
        ({"alpha": np.ones((2, 2)), "seeds": [1, 2]}, "alpha must be a number or a list of them"),
        ({"eta": "1"}, "eta must be a number or a list of them, got '1'"),
        ({"eta": True}, "eta must be a number or a list of them, got True"),
        ({"eta": 0}, "eta must be > 0, got 0"),
        ({"eta": float("nan")}, "eta must be plain: .* finite numbers, .* got nan"),
        ({"eta": [1, float("inf")], "seeds": [1, 2]}, "eta must be plain: .* got inf"),
        ({"alpha": 1}, r"alpha must be in \[0, 1\), got 1"),
        ({"alpha": 0, "rule": "dlr"}, "alpha must be > 0, got 0"),
        ({"seeds": []}, r"seeds must be a list of at least one seed, got \[\]"),
        ({"seeds": 3}, "seeds must be a list of at least one seed, got 3"),
        ({"seeds": [0.5]}, r"seeds must be integers in \[0, 2\*\*32\), got \[0.5\]"),
        ({"seeds": [2**32]}, "seeds must be integers in"),
        ({"epochs": -1}, "epochs must be an integer >= 0, got -1"),
        ({"batch_size": 0}, "batch_size must be an integer >= 1, got 0"),
        ({"order": "x"}, "order must be one of shared, own, got 'x'"),
        ({"every": 2, "test_every": 3}, "test_every must be a multiple of every = 2, got 3"),
        ({"dtype": "float16"}, "dtype must be one of float32, float64, got 'float16'"),
        ({"dtype": torch.float64}, "dtype must be plain"),
        ({"fold": [5, 5]}, r"fold must be \[k, count\] with 0 <= k < count >= 2, got \[5, 5\]"),
        ({"fold": 3}, "fold must be"),
        ({"fold": [0, 9], "train_size": 8}, "fold must be one of at most 8, the train_size"),
        ({"train_size": 0}, "train_size must be an integer >= 1, got 0"),
        ([("loss", "sse")], "settings must be a mapping, got"),
    ],
)
def test_a_wrong_setting_is_refused_when_the_block_is_made_and_the_block_named(settings, said):
    with pytest.raises(ValueError, match=rf"(?s)^{said}.*\(block 'SSE, fold 3'\)$"):
        Block("SSE, fold 3", settings)


@pytest.mark.parametrize("label", ["", None, 3])
def test_a_label_is_a_text(label):
    with pytest.raises(ValueError, match="label must be a text that says something, got"):
        Block(label, {})


def test_the_code_version_follows_the_code_that_makes_numbers_and_nothing_else(tmp_path):
    copy = tmp_path / "golden_lib"
    shutil.copytree(LIBRARY, copy, ignore=shutil.ignore_patterns("__pycache__"))

    def version_after(name, old, new):
        path = copy / name
        source = path.read_text(encoding="utf-8")
        assert old in source
        path.write_text(source.replace(old, new, 1), encoding="utf-8")
        version = code_version.__wrapped__(copy)
        path.write_text(source, encoding="utf-8")
        return version

    same = [
        version_after("losses/__init__.py", "def sse(", "# A comment.\n\n\ndef sse("),
        version_after("losses/__init__.py", "Sum of squared errors", "The sum of squared errors"),
        version_after("golden.py", "the momentum weight", "the weight of momentum"),
        version_after("figures/runs.py", "def ", "def very_"),
        version_after("sweeps/sweep.py", '"digit"', '"image"'),
    ]
    changed = [
        version_after("losses/__init__.py", "rate=1 / 2", "rate=1 / 3"),
        version_after("losses/__init__.py", "scale=sqrt(2)", "scale=0"),
        version_after("losses/__init__.py", "scale=sqrt(2)", "scale=0.0"),
        version_after("losses/__init__.py", "scale=sqrt(2)", "scale=None"),
        version_after("optim.py", "BETA2 = 0.999", "BETA2 = 0.99"),
        version_after("golden.py", "(1 - ALPHA) ** 2", "(1 - ALPHA) ** 3"),
        version_after("sweeps/arguments.py", '"seed", 0', '"seed", 1'),
    ]
    unchanged = code_version.__wrapped__(copy)
    assert set(same) == {unchanged}
    assert len({unchanged, *changed}) == 1 + len(changed)


def test_a_library_without_its_source_has_no_code_version(tmp_path):
    with pytest.raises(FileNotFoundError, match=f"must hold the source of {PARTS[0]}, got none"):
        code_version.__wrapped__(tmp_path)


def test_the_key_changes_with_the_code(monkeypatch):
    before = Block("one", {}).key
    monkeypatch.setattr("golden_lib.sweeps.block.code_version", lambda: "another")
    assert Block("one", {}).key != before


def test_a_worker_with_another_library_refuses():
    block = Block("one", {"train_size": 200})
    with pytest.raises(RuntimeError, match=r"must be that of the sweep \(code other\), got"):
        compute(block.key, block.settings, "other", "cpu", None)


def test_settings_stand_for_the_arguments_of_train():
    found = train_arguments(
        {"network": {"name": "cnn", "filters": 8}, "dtype": "float64", "eta": [0.1], "loss": "sse"}
    )
    assert found == {"network": Cnn(8), "dtype": torch.float64, "eta": [0.1], "loss": "sse"}


def test_a_fold_holds_out_its_digits_of_the_first_ones_and_trains_on_the_others():
    run = train(**train_arguments({"fold": [2, 7], "train_size": 100, "seed": 5, "batch_size": 10}))
    digits = rendered_digits()[:100]
    kept, held = folds(100, 7, 5)[2]
    tested, trained = run.digits.test, run.digits.train
    assert torch.equal(tested.images[run.digits.test_index], digits.images[held])
    assert set(run.digits.train_index.tolist()) == set(kept.tolist())
    assert torch.equal(trained.images, digits.images)


def test_the_first_mnist_images_are_tested_on_mnists_own_test_set(monkeypatch):
    def load(name, train=True):
        images = torch.rand(50 if train else 20, 28, 28)
        return Digits(images, torch.full((len(images),), int(train)), name)

    monkeypatch.setattr(arguments, "load", load)
    run = train(**train_arguments({"data": "mnist", "train_size": 30, "batch_size": 10}))
    assert len(run.digits.train) == 30
    assert run.digits.test.labels.tolist() == [0] * 20
    held = train(**train_arguments({"data": "mnist", "fold": [0, 5], "batch_size": 10})).digits
    assert len(held.test_index) == 10
    assert len(held.train_index) == 40


def test_more_digits_than_there_are_is_refused_by_the_worker():
    with pytest.raises(ValueError, match="train_size must be <= the 10000 of digits, got 10001"):
        train_arguments({"train_size": 10_001})


def test_blocks_with_the_same_settings_are_trained_once_and_answered_each(tmp_path):
    one = {
        "network": {"name": "mlp", "hidden": 3},
        "train_size": 200,
        "batch_size": 20,
        "epochs": 1,
    }
    blocks = [Block("one", one), Block("twin", one), Block("other", {**one, "seeds": [5]})]
    results = list(run(iter(blocks), tmp_path))
    assert [result.block for result in results] == blocks
    assert results[0].loss is results[1].loss
    assert len(list(tmp_path.iterdir())) == 2
