"""Every engine makes the same steps, and they are plain PyTorch's."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils import _pytree as pytree

from golden_lib.data import Digits
from golden_lib.losses import LOSSES
from golden_lib.nets import Cnn, Mlp
from golden_lib.optim import DLR, RULES
from golden_lib.threads import for_loops
from golden_lib.training import Feed, make_step, start, train
from golden_lib.training.engines import ENGINES, Eager, Graph, Loops
from golden_lib.training.loops import LONGEST

NETWORKS = {"cnn": Cnn(filters=3), "mlp": Mlp(hidden=9)}
MODULES = {
    "cnn": lambda: nn.Sequential(
        nn.Conv2d(1, 3, 5), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Linear(3 * 576, 10)
    ),
    "mlp": lambda: nn.Sequential(
        nn.Flatten(), nn.Linear(784, 9, bias=False), nn.Sigmoid(), nn.Linear(9, 10, bias=False)
    ),
}
OPTIMIZERS = {
    "delta": lambda p, eta, alpha: torch.optim.SGD(p, eta, momentum=alpha),
    "nesterov": lambda p, eta, alpha: torch.optim.SGD(p, eta, momentum=alpha, nesterov=True),
    "adam": lambda p, eta, alpha: torch.optim.Adam(p, eta, betas=(alpha, 0.999)),
    "dlr": lambda p, eta, alpha: DLR(p, eta, alpha),
    "dlr_incoming": lambda p, eta, alpha: DLR(p, eta, alpha, norm="incoming"),
}
ETAS = {"adam": 0.002}


@pytest.fixture(scope="module")
def digits():
    """Sparse noisy patterns, in which some pixels light up once in a thousand images or never."""
    g = torch.Generator().manual_seed(0)
    labels = torch.randint(10, (1200,), generator=g)
    patterns = (torch.rand(10, 28, 28, generator=g) > 0.8).float()
    images = patterns[labels] * torch.rand(1200, 28, 28, generator=g)
    images[:, :3], images[7, 1, 1], images[1100, 1, 1] = 0, 0.5, 0.9
    return Digits(images, labels, "patterns")


def alphas(rule):
    return (0.874, 0.0, 0.5) if RULES[rule].momentum else (0.5, 1.0, 3.0)


def hyper(eta, alpha):
    values = {"eta": eta, "alpha": alpha}
    return {name: torch.tensor(value, dtype=torch.float64) for name, value in values.items()}


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("name", NETWORKS)
def test_fifty_steps_are_those_of_a_plain_module_with_autograd_and_an_optimizer(
    name, rule, loss, digits
):
    """Autograd through `torch.nn`; `torch.optim` where it has the rule, else the paper's formula.

    The losses are the library's own: theirs is the oracle of test_losses.
    """
    eta, alpha = ETAS.get(rule, 0.05), alphas(rule)[0]
    net = MODULES[name]().double()
    state = start(NETWORKS[name], rule, (4,), torch.float64)
    with torch.no_grad():
        for parameter, given in zip(net.parameters(), in_order(state.params), strict=True):
            parameter.copy_(given[0])
    optimizer = OPTIMIZERS[rule](net.parameters(), eta, alpha)
    settings = hyper([eta], [alpha])
    step = make_step(NETWORKS[name], loss, rule)
    for number in range(50):
        picks = slice(20 * number, 20 * number + 20)
        x, target = digits.images[picks].double(), digits.labels[picks]
        state, _ = step(state, (x, target), settings)
        optimizer.zero_grad()
        LOSSES[loss](net(x[:, None]), target).backward()
        optimizer.step()
    for parameter, found in zip(net.parameters(), in_order(state.params), strict=True):
        if rule == "adam" and name == "cnn" and parameter is net[0].bias:
            continue  # a gradient of rounding alone, which Adam divides by its own size
        torch.testing.assert_close(found[0], parameter.detach(), rtol=1e-9, atol=1e-9)


def in_order(params):
    order = ("conv.weight", "conv.bias", "norm.weight", "norm.bias", "head.weight", "head.bias")
    return [params[k] for k in order] if "conv.weight" in params else list(params.values())


def both(engine, digits, rule="delta", **settings):
    """The same run by an engine and operator by operator."""
    replicas = settings.setdefault("replicas", 3)
    settings = {
        "network": NETWORKS["mlp"],
        "loss": "logistic_sse",
        "rule": rule,
        "data": digits,
        "eta": [ETAS.get(rule, 0.1) * (1 + r) for r in range(replicas)],
        "alpha": list(alphas(rule)[:replicas]),
        "epochs": 1,
        "test": 100,
        "dtype": torch.float64,
        **settings,
    }
    return train(**settings, engine=engine).finish(), train(**settings, engine="eager").finish()


@pytest.mark.parametrize("order", ["shared", "own"])
@pytest.mark.parametrize("batch_size", [1, 30])
@pytest.mark.parametrize("rule", RULES)
def test_the_compiled_loops_make_the_steps_of_the_operators(rule, batch_size, order, digits):
    loops, eager = both("loops", digits, rule, batch_size=batch_size, order=order, every=9)
    assert loops.step == eager.step >= 36
    torch.testing.assert_close(loops.state, eager.state, rtol=1e-9, atol=1e-9)
    for name in ("loss", "train_accuracy", "test_accuracy"):
        found, expected = getattr(loops.history, name), getattr(eager.history, name)
        np.testing.assert_allclose(found, expected, rtol=1e-9)


@pytest.mark.parametrize("rule", ["delta", "nesterov"])
def test_a_pixel_unlit_for_a_thousand_steps_has_coasted_all_that_way(rule, digits):
    """Pixel (1, 1) is lit in the images 7 and 1100 alone, with hundreds of steps between."""
    picks = torch.arange(1200)[:, None]
    feed = Feed(digits, torch.arange(1200), 1, (0,), torch.float64)
    state = start(NETWORKS["mlp"], rule, (0, 1), torch.float64)
    settings = hyper([0.1, 0.2], [0.99, 0.9])
    step = make_step(NETWORKS["mlp"], "logistic_sse", rule)
    found, seen = Loops(RULES[rule], feed, 2).advance(state, picks, settings)
    expected, _ = Eager(step, feed).advance(state, picks, settings)
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)
    moved = found.params["hidden.weight"][:, :, 29] - state.params["hidden.weight"][:, :, 29]
    assert 2 * LONGEST < 1100 - 7
    assert (moved.abs() > 1e-9).all()
    assert seen["loss"].shape == (1200, 2)


def test_loops_leave_what_they_are_given_and_start_from_any_layout(digits):
    feed = Feed(digits, torch.arange(1200), 20, (0,), torch.float64)
    engine = Loops(RULES["adam"], feed, 2)
    state = start(NETWORKS["mlp"], "adam", (0, 1), torch.float64)
    settings = hyper([0.01, 0.02], [0.5, 0.9])
    picks = feed.picks(feed.order(0), 0, 4)
    before = pytree.tree_map(torch.clone, (state, picks, settings))
    once, _ = engine.advance(state, picks, settings)
    torch.testing.assert_close((state, picks, settings), before, rtol=0, atol=0)
    kept = pytree.tree_map(torch.clone, once)
    twice, _ = engine.advance(once, picks, settings)
    torch.testing.assert_close(once, kept, rtol=0, atol=0)
    plain = pytree.tree_map(lambda w: w.contiguous().clone(), once)
    torch.testing.assert_close(engine.advance(plain, picks, settings)[0], twice, rtol=0, atol=0)


@pytest.fixture
def two_threads():
    """PyTorch with two threads, in this thread alone."""
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(1)


def test_while_the_cnn_trains_its_loops_have_the_threads_to_themselves(two_threads, digits):
    seen = []

    def loss(logits, target):
        seen.append((torch.get_num_threads(), for_loops()))
        if len(seen) > 3:
            raise ValueError("that is enough")
        return LOSSES["energy"](logits, target)

    settings = {"epochs": 1, "batch_size": 20, "progress": False}
    run = train(NETWORKS["cnn"], loss, "delta", digits, **settings)
    run.advance(3)
    assert (torch.get_num_threads(), for_loops()) == (2, 2)
    with pytest.raises(ValueError, match="that is enough"):
        run.advance(1)
    assert (torch.get_num_threads(), for_loops()) == (2, 2)
    assert seen == [(1, 2)] * 4
    threaded = train(NETWORKS["cnn"], "energy", "delta", digits, **settings)
    threaded.advance(5)
    torch.set_num_threads(1)
    plain = train(NETWORKS["cnn"], "energy", "delta", digits, **settings)
    plain.advance(5)
    torch.testing.assert_close(threaded.state, plain.state, rtol=0, atol=0)


def test_a_replica_in_the_loops_is_the_same_alone_in_company_and_on_any_thread(digits):
    settings = {"batch_size": 10, "rule": "dlr", "digits": digits, "engine": "loops"}
    three, _ = both(**settings)
    torch.set_num_threads(2)
    try:
        threaded, _ = both(**settings)
    finally:
        torch.set_num_threads(1)
    torch.testing.assert_close(threaded.state, three.state, rtol=0, atol=0)
    eta, alpha = three.eta[1], three.alpha[1]
    alone, _ = both(**settings, replicas=1, seeds=(1,), eta=eta, alpha=alpha)
    for k, w in alone.state.params.items():
        torch.testing.assert_close(w[0], three.state.params[k][1], rtol=0, atol=0)


def test_divergence_in_the_loops_is_told_with_its_step_and_stays_where_it_is(digits):
    eta = [0.1, 1.7e308, 0.1]
    loops, eager = both("loops", digits, "delta", batch_size=10, eta=eta, alpha=0.9)
    assert loops.diverged.tolist()[::2] == [-1, -1]
    assert 1 < loops.diverged[1] <= loops.steps
    assert loops.history.test_accuracy[-1, 1] == 0
    for k, w in loops.state.params.items():
        torch.testing.assert_close(w[::2], eager.state.params[k][::2], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("rule", RULES)
def test_steps_on_fixed_memory_are_the_steps_themselves(name, rule, digits):
    """What a CUDA graph replays, here called again instead: 2 graphs of 4 steps, and 3 of one."""
    feed = Feed(digits, torch.arange(1200), 20, (0,), torch.float64)
    step = make_step(NETWORKS[name], "energy", rule)
    graph, eager = Graph(step, feed, together=4), Eager(step, feed)
    found = expected = start(NETWORKS[name], rule, (0, 1), torch.float64)
    for epoch, eta in ((0, 0.05), (1, 0.02)):
        picks = feed.picks(feed.order(epoch), 0, 11)
        settings = hyper([eta, eta], [0.5, 0.5])
        before = pytree.tree_map(torch.clone, found)
        start_of_epoch = found
        found, seen = graph.advance(found, picks, settings)
        torch.testing.assert_close(start_of_epoch, before, rtol=0, atol=0)
        expected, reference = eager.advance(expected, picks, settings)
        torch.testing.assert_close((found, seen), (expected, reference), rtol=0, atol=0)


@pytest.mark.parametrize("device", ["cuda"] if torch.cuda.is_available() else ["cpu"])
@pytest.mark.parametrize("name", NETWORKS)
def test_automatic_engines_on_the_device_at_hand_agree_with_operators_on_the_cpu(
    name, device, digits
):
    settings = {"data": digits, "batch_size": 50, "test": 100, "dtype": torch.float64, "epochs": 2}
    settings |= {"network": NETWORKS[name], "loss": "logistic_sse", "replicas": 2, "eta": 0.05}
    found = train(**settings, device=device).finish()
    expected = train(**settings, device="cpu", engine="eager").finish()
    here = pytree.tree_map(lambda w: w.cpu(), found.state)
    torch.testing.assert_close(here, expected.state, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(found.history.loss, expected.history.loss, rtol=1e-9)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"engine": "fast"}, f"engine must be one of {', '.join(ENGINES)}, got 'fast'"),
        ({"engine": "graph"}, "engine must be auto, eager or loops where the device is no CUDA"),
        ({"engine": "loops"}, "engine must be auto, eager or graph for all but an Mlp with log"),
    ],
)
def test_an_engine_that_cannot_is_refused_in_a_sentence(settings, message, digits):
    with pytest.raises(ValueError, match=message):
        train("mlp", "sse", data=digits, device="cpu", **settings)


def test_a_forked_process_makes_threads_of_its_own():
    program = """
import os, torch
from golden_lib.nets.loops import _deal
torch.set_num_threads(2)
done = []
_deal(lambda first, last: done.append(last - first), 8)
child = os.fork()
if child == 0:
    _deal(lambda first, last: done.append(last - first), 8)
    os._exit(sum(done))
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 16
"""
    command = [sys.executable, "-W", "ignore", "-c", program]
    subprocess.run(command, check=True, timeout=120)
