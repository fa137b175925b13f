"""What trains, what tests, in which order; and what the trainer refuses."""

import numpy as np
import pytest
import torch

from golden_lib.data import Digits, folds
from golden_lib.training import Feed, train

NAN = float("nan")


def digits(n=200, labels=None):
    g = torch.Generator().manual_seed(2)
    labels = torch.arange(n) % 10 if labels is None else labels
    return Digits(torch.rand(n, 28, 28, generator=g), labels, "noise")


def short(network="mlp", loss="sse", rule="delta", data=None, **settings):
    data = digits() if data is None else data
    return train(network, loss, rule, data, **{"epochs": 1, "batch_size": 20, **settings})


def test_an_epoch_shows_each_digit_once_and_the_next_in_another_order():
    feed = Feed(digits(), torch.arange(50, 200), 20, (0,))
    first, second = feed.order(0), feed.order(1)
    assert sorted(first.tolist()) == sorted(second.tolist()) == list(range(50, 200))
    assert first.tolist() != second.tolist()
    assert feed.steps == 7
    seen = torch.cat([feed.batch(picks)[1] for picks in feed.picks(first, 0, 7)])
    assert torch.equal(seen, digits().labels[first[:140]])


def test_an_order_of_its_own_is_that_of_the_replica_alone():
    together = Feed(digits(), torch.arange(200), 20, (5, 6, 7)).order(3)
    for r, seed in enumerate((5, 6, 7)):
        alone = Feed(digits(), torch.arange(200), 20, (seed,)).order(3)
        assert torch.equal(together[r], alone)
    assert not torch.equal(together[0], together[1])


def test_a_replica_with_its_own_order_and_fold_trains_as_it_does_alone():
    held = torch.stack([test for _, test in folds(200, 4)[:3]])
    together = short(data=digits(), seeds=(3, 4, 5), test=held, order="own", epochs=2).finish()
    for r in range(3):
        lone = short(seeds=(3 + r,), test=held[r], order="own", epochs=2).finish()
        for key, value in lone.state.params.items():
            torch.testing.assert_close(together.state.params[key][r], value[0])
        for name in ("loss", "test_accuracy"):
            found = getattr(together.history, name)[:, r]
            np.testing.assert_allclose(found, getattr(lone.history, name)[:, 0], rtol=1e-5)


def test_held_out_digits_never_train_and_the_others_all_do():
    for test in (None, 30, torch.tensor([3, 1, 8]), torch.tensor([[0, 1], [2, 3]])):
        run = short(replicas=2, test=test)
        train_rows = run.digits.train_index.reshape(-1, run.digits.train_index.shape[-1])
        test_rows = run.digits.test_index.reshape(-1, run.digits.test_index.shape[-1])
        for trained, held in zip(train_rows, test_rows, strict=True):
            assert sorted([*trained.tolist(), *held.tolist()]) == list(range(200))


def test_a_pair_trains_on_the_first_and_tests_on_the_second():
    run = short(data=(digits(60), digits(40))).finish()
    assert run.predict().shape == (1, 40)
    assert run.step == 3


def test_without_a_test_set_its_accuracy_is_not_a_number():
    assert np.isnan(short(test=0).finish().history.test_accuracy).all()


def test_mistakes_are_the_test_digits_whose_class_is_not_their_label():
    run = short(replicas=2, test=50).finish()
    wrong, taken_for = run.mistakes(replica=1)
    assert 0 < len(wrong) < 50
    assert (wrong.labels.numpy() != taken_for).all()
    assert 1 - len(wrong) / 50 == pytest.approx(run.history.test_accuracy[-1, 1])


@pytest.mark.parametrize(("network", "shape"), [("cnn", (2, 20, 5, 5)), ("mlp", (2, 100, 28, 28))])
def test_filters_are_the_first_layers_weights_as_images(network, shape):
    run = short(network, replicas=2)
    first = next(iter(run.state.params.values()))
    assert run.filters.shape == shape
    np.testing.assert_array_equal(run.filters.reshape(-1), first.reshape(-1).numpy())


def test_no_epoch_is_no_step():
    run = short(epochs=0).finish()
    assert run.step == 0
    assert len(run.history.step) == 0


def test_a_progress_bar_shows_only_where_it_is_asked_for(capsys):
    short().finish()
    assert capsys.readouterr() == ("", "")
    short(progress=True).finish()
    assert "9/9" in capsys.readouterr().err


REFUSED = [
    ({"eta": 0}, r"eta must be > 0 and finite, got 0"),
    ({"eta": -1}, r"eta must be > 0 and finite, got -1"),
    ({"eta": NAN}, r"eta must be > 0 and finite, got nan"),
    ({"eta": float("inf")}, r"eta must be > 0 and finite, got inf"),
    ({"eta": [0.1, -2.0], "replicas": 2}, r"eta must be > 0 and finite, got \[0\.1, -2\.0\]"),
    ({"eta": [0.1, 0.2]}, r"eta must be a number or have shape \(1,\), got shape \(2,\)"),
    ({"alpha": torch.ones(3, 1) / 2, "replicas": 3}, r"alpha must be .* shape \(3,\), got"),
    ({"alpha": 1}, r"alpha must be in \[0, 1\), got 1"),
    ({"alpha": -0.1}, r"alpha must be in \[0, 1\), got -0\.1"),
    ({"alpha": NAN}, r"alpha must be in \[0, 1\), got nan"),
    ({"alpha": 0, "rule": "dlr"}, r"alpha must be > 0 and finite for DLR, got 0"),
    ({"alpha": NAN, "rule": "dlr_incoming"}, r"alpha must be > 0 and finite for DLR, got nan"),
    ({"network": "vgg"}, r"network must be one of cnn, mlp, got 'vgg'"),
    ({"loss": "hinge"}, r"loss must be one of sse, information, .*, got 'hinge'"),
    ({"rule": "sgd"}, r"rule must be one of delta, nesterov, adam, .*, got 'sgd'"),
    ({"data": "cifar"}, r"data set must be one of digits, mnist, rotated_mnist, got 'cifar'"),
    ({"data": [1, 2]}, r"data must be a name, Digits or a pair of Digits, got \[1, 2\]"),
    ({"replicas": 0}, r"replicas must be an integer >= 1, got 0"),
    ({"seeds": ()}, r"seeds must hold at least one seed"),
    ({"seeds": (-1,)}, r"seed must be in \[0, 2\*\*32\), got -1"),
    ({"seed": -1}, r"seed must be an integer >= 0, got -1"),
    ({"epochs": -1}, r"epochs must be an integer >= 0, got -1"),
    ({"epochs": 1.5}, r"epochs must be an integer >= 0, got 1\.5"),
    ({"batch_size": 0}, r"batch_size must be .* from 1 to the 180 training images, got 0"),
    ({"batch_size": 181}, r"batch_size must be .* from 1 to the 180 training images, got 181"),
    ({"order": "random"}, r"order must be shared or own, got 'random'"),
    ({"every": 0}, r"every must be an integer >= 1, got 0"),
    ({"every": 2, "test_every": 3}, r"test_every must be a multiple of every = 2, got 3"),
    ({"test": 200}, r"test must be an integer >= 1 and < n = 200, got 200"),
    ({"test": torch.tensor([0, 200])}, r"test must hold fewer than 200 indices from 0 to 199"),
    ({"test": torch.tensor([5, 5])}, r"test must hold no index twice"),
    ({"test": torch.zeros(3, 4).long()}, r"test must have shape \(M,\) or \(1, M\), got"),
    ({"data": (digits(), digits()), "test": 5}, r"test must be None where data is a pair, got 5"),
    (
        {"data": digits(3, torch.tensor([0, 10, 1])), "batch_size": 1},
        r"labels must be in 0 … 9, got 0 … 10",
    ),
    (
        {"data": digits(3, torch.tensor([0, -1, 1])), "batch_size": 1},
        r"labels must be in 0 … 9, got -1 … 1",
    ),
]


@pytest.mark.parametrize(("given", "message"), REFUSED, ids=[m for _, m in REFUSED])
def test_bad_input_is_refused_in_one_sentence(given, message):
    with pytest.raises(ValueError, match=message) as refusal:
        short(**given)
    assert "\n" not in str(refusal.value)


def test_a_gpu_where_there_is_none_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match="device must be cpu or auto where there is no CUDA GPU"):
        short(device="cuda")
    assert short(device="auto").state.params["hidden.weight"].device.type == "cpu"


def test_a_refused_move_leaves_eta_and_alpha_as_they_were():
    run = short(eta=0.1, alpha=0.5)
    with pytest.raises(ValueError, match="eta must be > 0"):
        run.eta = -1
    with pytest.raises(ValueError, match="alpha must be in"):
        run.alpha = 2
    assert (run.eta.tolist(), run.alpha.tolist()) == ([0.1], [0.5])
    run.finish()
    assert run.history.eta.tolist() == [[0.1]]
