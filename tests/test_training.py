"""The step and the run: R networks are R networks alone, and each is plain PyTorch."""

import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.fx.experimental.proxy_tensor import make_fx

from golden_lib.data import rendered_digits
from golden_lib.golden import ALPHA, ETA
from golden_lib.losses import LOSSES
from golden_lib.nets import NETWORKS, Cnn, Mlp
from golden_lib.optim import RULES
from golden_lib.training import Feed, State, evaluate, make_step, start, train

DOUBLE = {"dtype": torch.float64, "device": "cpu"}
SMALL = {"cnn": Cnn(filters=2), "mlp": Mlp(hidden=7)}


def hyper(replicas, rule="delta", eta=0.03):
    alpha = 0.5 if RULES[rule].momentum else 0.8
    step = torch.arange(replicas, dtype=torch.float64)
    return {"eta": eta * (1 + step / 2), "alpha": alpha + step / 20}


def rows(tree, at):
    """The same tree of tensors with the rows `at` of the replica axis."""
    if isinstance(tree, torch.Tensor):
        return tree[at]
    if isinstance(tree, dict):
        return {k: rows(v, at) for k, v in tree.items()}
    return type(tree)(*(rows(v, at) for v in tree))


def batches(digits, n, size=16):
    order = torch.randperm(len(digits), generator=torch.Generator().manual_seed(1))
    parts = order[: n * size].split(size)
    return [(digits.images[part].double(), digits.labels[part]) for part in parts]


def follow(step, state, batches, settings):
    seen = []
    for batch in batches:
        state, metrics = step(state, batch, settings)
        seen.append(metrics)
    return state, seen


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", NETWORKS)
def test_three_replicas_together_are_three_alone_at_any_place(name, rule, digits):
    net = SMALL[name]
    step = make_step(net, "energy", rule)
    settings = hyper(3, rule)
    together = start(net, rule, (4, 5, 6), torch.float64)
    end, seen = follow(step, together, batches(digits, 5), settings)
    for places in ([0], [1], [2], [2, 0]):
        lone = start(net, rule, [(4, 5, 6)[r] for r in places], torch.float64)
        lone, metrics = follow(step, lone, batches(digits, 5), rows(settings, places))
        torch.testing.assert_close(lone, rows(end, places), rtol=1e-9, atol=1e-9)
        torch.testing.assert_close(metrics[-1], rows(seen[-1], places), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", NETWORKS)
def test_own_batches_of_the_same_digits_equal_shared_ones(name, digits):
    step = make_step(SMALL[name], "cross_entropy", "delta")
    state = start(SMALL[name], "delta", (0, 1, 2), torch.float64)
    shared = batches(digits, 5)
    own = [(x.expand(3, *x.shape), t.expand(3, -1)) for x, t in shared]
    first = follow(step, state, shared, hyper(3))
    second = follow(step, state, own, hyper(3))
    torch.testing.assert_close(first, second, rtol=1e-10, atol=1e-10)


def test_a_lone_cnn_is_a_plain_module_under_torch_sgd(digits):
    state = start("cnn", "delta", (3,), torch.float64)
    net = nn.Sequential(
        nn.Conv2d(1, 20, 5), nn.BatchNorm2d(20), nn.ReLU(), nn.Flatten(), nn.Linear(11520, 10)
    ).double()
    plain = {"conv": "0", "norm": "1", "head": "4"}
    named = {
        f"{plain[k.split('.')[0]]}.{k.split('.')[1]}": v[0]
        for k, v in (state.params | state.buffers).items()
    }
    net.load_state_dict(named, strict=False)
    sgd = torch.optim.SGD(net.parameters(), ETA, momentum=ALPHA)
    settings = {"eta": torch.full((1,), ETA, **DOUBLE), "alpha": torch.full((1,), ALPHA, **DOUBLE)}
    step = make_step("cnn", "cross_entropy", "delta")
    for x, target in batches(digits, 20):
        state, metrics = step(state, (x, target), settings)
        sgd.zero_grad()
        logits = net(x[:, None])
        loss = nn.functional.cross_entropy(logits, target)
        loss.backward()
        sgd.step()
        assert metrics["loss"].item() == pytest.approx(loss.item(), abs=1e-9)
        right = (logits.argmax(1) == target).double().mean().item()
        assert metrics["accuracy"].item() == pytest.approx(right)
    reference = net.state_dict()
    for k, v in (state.params | state.buffers).items():
        key = f"{plain[k.split('.')[0]]}.{k.split('.')[1]}"
        torch.testing.assert_close(v[0], reference[key], rtol=1e-9, atol=1e-9)
    x, target = digits.images[:100], digits.labels[:100]
    right = (net.eval()(x[:, None].double()).argmax(1) == target).double().mean()
    found = evaluate("cnn", state, digits, torch.arange(100))
    assert found.item() == pytest.approx(right.item())


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", NETWORKS)
def test_any_combination_lowers_its_loss(name, rule, loss, digits):
    eta = {"adam": 0.003}.get(rule, 0.02 if name == "cnn" else 0.5)
    run = train(
        SMALL[name], loss, rule, digits, eta=eta, alpha=0.5, epochs=2, batch_size=50, test=100
    )
    history = run.finish().history
    assert history.loss[-1, 0] < history.loss[0, 0]


def test_a_replica_that_diverges_is_told_with_its_step_and_leaves_the_others_untouched(digits):
    alone = train(SMALL["cnn"], "cross_entropy", data=digits, seeds=(1, 2), epochs=2, batch_size=60)
    run = train(
        SMALL["cnn"], "cross_entropy", data=digits, seeds=(1, 9, 2), epochs=2, batch_size=60
    )
    run.eta = [ETA, 1e38, ETA]
    alone.finish()
    run.finish()
    assert run.diverged[0] == run.diverged[2] == -1
    assert 2 <= run.diverged[1] <= 4
    assert np.isnan(run.history.loss[-1, 1])
    assert run.history.test_accuracy[-1, 1] == 0
    assert (run.predict()[1] == -1).all()
    torch.testing.assert_close(rows(run.state, [0, 2]), alone.state, rtol=1e-5, atol=1e-6)


def test_a_step_changes_nothing_that_it_is_given(digits):
    step = make_step(SMALL["cnn"], "energy", "adam")
    state = start(SMALL["cnn"], "adam", (0, 1), torch.float64)
    batch, settings = batches(digits, 1)[0], hyper(2)
    before = copy.deepcopy((state, batch, settings))
    first = step(state, batch, settings)
    again = step(state, batch, settings)
    torch.testing.assert_close((state, batch, settings), before, rtol=0, atol=0)
    torch.testing.assert_close(first, again, rtol=0, atol=0)
    assert not any(w.requires_grad for w in first[0].params.values())


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", NETWORKS)
def test_the_step_can_be_traced_with_its_gradient_and_update(name, rule, digits):
    step = make_step(SMALL[name], "energy", rule)
    state = start(SMALL[name], rule, (0, 1), torch.float64)
    first, second = batches(digits, 2)
    traced = make_fx(lambda *args: step(State(*args[:3]), args[3:5], args[5]))(
        *state, *first, hyper(2, rule)
    )
    state, _ = step(state, first, hyper(2, rule))
    other = hyper(2, rule, eta=0.2)
    expected, found = step(state, second, other), traced(*state, *second, other)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def test_a_move_of_eta_or_alpha_acts_on_the_next_step(digits):
    run = train("mlp", "sse", data=digits, replicas=2, batch_size=50, every=1, dtype=torch.float64)
    step, feed = make_step("mlp", "sse", "delta"), Feed(digits, run.digits.train_index, 50, (0,))
    state = run.state
    moves = [(0.1, 0.5), (0.1, 0.5), ([0.2, 0.7], 0.5), ([0.2, 0.7], [0.0, 0.9])]
    for number, (eta, alpha) in enumerate(moves):
        run.eta, run.alpha = eta, alpha
        record = next(run)
        x, target = feed.batch(feed.picks(feed.order(0), number, 1)[0])
        given = {"eta": torch.tensor(eta, **DOUBLE), "alpha": torch.tensor(alpha, **DOUBLE)}
        given = {k: v.expand(2) for k, v in given.items()}
        state, _ = step(state, (x.double(), target), given)
        torch.testing.assert_close(run.state, state, rtol=0, atol=0)
        assert record.eta.tolist() == given["eta"].tolist()
    assert run.history.alpha.tolist() == [[0.5, 0.5]] * 3 + [[0.0, 0.9]]
    with pytest.raises(ValueError, match="read-only"):
        run.eta[0] = 0.5


def test_records_are_means_since_the_last_and_history_stacks_them(digits):
    settings = {"data": digits, "replicas": 2, "batch_size": 50, "test": 100, "epochs": 2}
    fine = train("mlp", "sse", **settings, every=1, test_every=5).finish().history
    run = train("mlp", "sse", **settings)
    coarse = list(run)
    assert fine.loss.shape == (20, 2)
    assert [r.step for r in coarse] == run.history.step.tolist() == [10, 20]
    assert [r.epoch for r in coarse] == [1.0, 2.0]
    for name in ("loss", "train_accuracy"):
        expected = getattr(fine, name).reshape(2, 10, 2).mean(1)
        np.testing.assert_allclose(getattr(run.history, name), expected, rtol=1e-6)
    measured = ~np.isnan(fine.test_accuracy).any(1)
    assert fine.step[measured].tolist() == [5, 10, 15, 20]
    np.testing.assert_array_equal(fine.test_accuracy[[9, 19]], run.history.test_accuracy)
    assert (np.diff(fine.seconds) > 0).all()


def test_control_c_keeps_the_last_whole_steps_and_the_run_goes_on_from_them(digits):
    settings = {"data": digits, "batch_size": 50, "test": 100, "epochs": 3}
    whole = train("mlp", "sse", **settings).finish()
    calls = []

    def loss(logits, target):
        calls.append(1)
        if len(calls) == 18:
            raise KeyboardInterrupt
        return LOSSES["sse"](logits, target)

    run = train("mlp", loss, **settings, every=5, test_every=10)
    assert [record.step for record in run] == [5, 10, 15]
    assert run.interrupted
    assert run.step == 15
    history = run.history
    assert np.isnan(history.test_accuracy[-1, 0])
    assert np.isfinite(history.loss).all()
    assert [record.step for record in run] == [20, 25, 30]
    assert not run.interrupted
    torch.testing.assert_close(run.state, whole.state, rtol=0, atol=0)


def test_control_c_before_the_first_step_leaves_an_empty_history(digits):
    def loss(logits, target):
        raise KeyboardInterrupt

    run = train("mlp", loss, data=digits, replicas=3).finish()
    assert run.interrupted
    assert run.history.loss.shape == (0, 3)
    assert run.history.step.shape == (0,)
    assert run.diverged.tolist() == [-1, -1, -1]


def test_control_c_on_the_way_out_of_no_grad_leaves_gradients_on(digits):
    def loss(logits, target):
        torch.set_grad_enabled(False)  # as where the signal comes before no_grad has put it back
        raise KeyboardInterrupt

    run = train("mlp", loss, data=digits)
    try:
        assert run.finish().interrupted
        assert torch.is_grad_enabled()
    finally:
        torch.set_grad_enabled(True)


def test_steps_without_records_make_those_of_the_loop(digits):
    settings = {"data": digits, "batch_size": 50, "test": 100, "epochs": 2}
    whole = train("mlp", "sse", **settings, every=6).finish()
    run = train("mlp", "sse", **settings)
    run.advance(4)
    run.advance(2)
    first = run.record(test=False)
    while run.step < run.steps:
        run.advance(5)
    last = run.record()
    torch.testing.assert_close(run.state, whole.state, rtol=0, atol=0)
    assert first.loss == pytest.approx(whole.history.loss[0])
    assert np.isnan(first.test_accuracy).all()
    assert last.test_accuracy == pytest.approx(whole.history.test_accuracy[-1])
    assert [record.step for record in (first, last)] == run.history.step.tolist() == [6, run.steps]
    with pytest.raises(ValueError, match="a record must have a step in it, got none since step"):
        run.record()
    with pytest.raises(ValueError, match="count must be an integer >= 1, got 0"):
        run.advance(0)


def test_two_small_trainings_read_most_of_the_rendered_digits():
    digits = rendered_digits(2000, seed=1)
    run = train(data=digits, replicas=2, epochs=4, batch_size=32, test=500).finish()
    assert (run.history.test_accuracy[-1] > 0.7).all()
    assert (run.history.loss[-1] < run.history.loss[0]).all()
