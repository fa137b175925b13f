"""The backward passes that are written out are those of torch.nn and of autograd."""

import multiprocessing
import re
import resource
from collections import OrderedDict
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.fx.experimental.proxy_tensor import make_fx

from golden_lib.nets import NETWORKS, Cnn, Mlp, layers, loops, patches, vjp_of
from golden_lib.optim import find_rule
from golden_lib.training import State, make_step, start

NAMES = pytest.mark.parametrize("name", ["cnn", "mlp"])


def torch_nn(name):
    if name == "cnn":
        layers = {
            "conv": nn.Conv2d(1, 20, 5),
            "norm": nn.BatchNorm2d(20),
            "relu": nn.ReLU(),
            "flat": nn.Flatten(),
            "head": nn.Linear(20 * 24 * 24, 10),
        }
    else:
        layers = {
            "flat": nn.Flatten(),
            "hidden": nn.Linear(784, 100, bias=False),
            "logistic": nn.Sigmoid(),
            "output": nn.Linear(100, 10, bias=False),
        }
    return nn.Sequential(OrderedDict(layers)).double()


def drawn(name, replicas, batch, own, dtype=torch.float64):
    """Parameters off their initial values, buffers, images and a gradient by the logits."""
    generator = torch.Generator().manual_seed(3)

    def normal(*shape):
        return torch.randn(*shape, dtype=torch.float64, generator=generator)

    params, buffers = NETWORKS[name].init(range(replicas), dtype=torch.float64)
    params = {k: v + 0.1 * normal(*v.shape) for k, v in params.items()}
    shape = (replicas, batch, 28, 28) if own else (batch, 28, 28)
    x = torch.rand(shape, dtype=torch.float64, generator=generator)
    dlogits = normal(replicas, batch, 10)
    cast = {k: v.to(dtype) for k, v in params.items()}, {k: v.to(dtype) for k, v in buffers.items()}
    return *cast, x.to(dtype), dlogits.to(dtype)


@pytest.fixture(params=["loops", "loops again", "operators", "operators in blocks"])
def form(request, monkeypatch):
    """How the CNN's layers are worked through, with the activations kept or computed again."""
    if request.param.startswith("loops"):
        monkeypatch.setattr(loops, "KEPT", 0 if "again" in request.param else 10**6)
        monkeypatch.setattr(layers, "in_operators", None)  # so that nothing else can have done it
        return
    monkeypatch.setattr(loops, "in_loops", None)
    for module in (layers, patches):
        monkeypatch.setattr(module, "are_numbers", lambda *tensors: False)
    # Replica by replica and row by row, or all at once.
    for name in ("SHARED", "OWN", "BLOCK", "KEPT"):
        monkeypatch.setattr(layers, name, 40 if "blocks" in request.param else 10**6)


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize("own", [False, True], ids=["shared", "own"])
@pytest.mark.parametrize("replicas", [1, 3])
@NAMES
def test_vjp_equals_torch_nn_and_its_autograd(name, replicas, own):
    params, buffers, x, dlogits = drawn(name, replicas, 37, own)
    logits, moved, pull = NETWORKS[name].vjp(params, buffers, x)
    grads = pull(dlogits)
    assert {k: v.shape for k, v in grads.items()} == {k: v.shape for k, v in params.items()}
    for r in range(replicas):
        net = torch_nn(name)
        net.load_state_dict({k: v[r] for k, v in (params | buffers).items()}, strict=False)
        expected = net((x[r] if own else x)[:, None])
        torch.testing.assert_close(logits[r], expected, rtol=1e-10, atol=1e-10)
        expected.backward(dlogits[r])
        for key, grad in grads.items():
            reference = net.get_parameter(key).grad
            assert (grad[r] - reference).norm() <= 1e-10 * (1 + reference.norm()), key
        for key, value in moved.items():
            torch.testing.assert_close(value[r], net.get_buffer(key), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("own", [False, True], ids=["shared", "own"])
@pytest.mark.parametrize("replicas", [1, 3])
@NAMES
def test_vjp_equals_autograd_through_forward(name, replicas, own):
    params, buffers, x, dlogits = drawn(name, replicas, 37, own)
    _, _, pull = NETWORKS[name].vjp(params, buffers, x)
    leaves = {k: v.clone().requires_grad_() for k, v in params.items()}
    logits, _ = NETWORKS[name].forward(leaves, buffers, x, train=True)
    expected = torch.autograd.grad(
        logits, list(leaves.values()), dlogits, materialize_grads=True, allow_unused=True
    )
    for (key, grad), reference in zip(pull(dlogits).items(), expected, strict=True):
        assert (grad - reference).norm() <= 1e-10 * reference.norm(), key


def patches_of(x):
    """Every patch of every image as a column, in torch's own words: ``(25, N)``."""
    return nn.functional.unfold(x[:, None], 5).movedim(0, -1).flatten(1)


@pytest.mark.usefixtures("form")
def test_the_moments_of_the_patches_are_those_of_the_patches_themselves():
    x = torch.rand(2, 9, 28, 28, dtype=torch.float64) ** 3 + 1
    seen = patches.Patches(x)
    for g in range(2):
        expected = patches_of(x[g])
        close = {"rtol": 1e-12, "atol": 1e-13}
        torch.testing.assert_close(seen.level[g] + seen.mean[g], expected.mean(-1), **close)
        torch.testing.assert_close(seen.covariance[g], expected.cov(correction=0), **close)
        columns = patches.columns(seen.pixels)[g].flatten(1)
        torch.testing.assert_close(columns[:-1] + seen.level[g], expected, **close)
        assert (columns[-1] == 1).all()
    assert seen.count == expected.shape[-1]


@NAMES
def test_single_precision_gradients_are_the_double_ones_rounded(name):
    *double, dlogits = drawn(name, 3, 37, own=False)
    *single, dsingle = drawn(name, 3, 37, own=False, dtype=torch.float32)
    exact = NETWORKS[name].vjp(*double)[2](dlogits)
    for key, grad in NETWORKS[name].vjp(*single)[2](dsingle).items():
        assert grad.dtype == torch.float32
        assert (grad - exact[key]).norm() <= 2e-5 * exact[key].norm(), key


def test_the_bias_that_batch_normalisation_cancels_has_gradient_exactly_zero():
    params, buffers, x, dlogits = drawn("cnn", 2, 5, own=False)
    grad = Cnn().vjp(params, buffers, x)[2](dlogits)["conv.bias"]
    assert torch.equal(grad, torch.zeros(2, 20, dtype=torch.float64))


@NAMES
def test_vjp_changes_nothing_that_it_is_given_and_pulls_twice(name):
    params, buffers, x, dlogits = drawn(name, 2, 5, own=False)
    given = [*params.values(), *buffers.values(), x, dlogits]
    before = [t.clone() for t in given]
    logits, _, pull = NETWORKS[name].vjp(params, buffers, x)
    kept, first = logits.clone(), pull(dlogits)
    again = pull(dlogits)
    assert all(torch.equal(first[k], again[k]) for k in params)
    assert all(torch.equal(a, b) for a, b in zip(given, before, strict=True))
    assert torch.equal(logits, kept)


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize("own", [False, True], ids=["shared", "own"])
@NAMES
def test_a_replica_gone_to_nan_leaves_the_gradients_of_the_others(name, own):
    params, buffers, x, dlogits = drawn(name, 3, 20, own)
    _, moved, pull = NETWORKS[name].vjp(params, buffers, x)
    healthy = pull(dlogits)
    broken = {k: v.clone() for k, v in params.items()}
    for value in broken.values():
        value[1] = torch.nan
    logits, after, pull = NETWORKS[name].vjp(broken, buffers, x)
    dlogits[1] = torch.nan
    assert logits[1].isnan().all()
    for key, grad in pull(dlogits).items():
        assert torch.equal(grad[[0, 2]], healthy[key][[0, 2]]), key
    for key, value in after.items():
        assert torch.equal(value[[0, 2]], moved[key][[0, 2]]), key


@pytest.mark.parametrize("own", [False, True], ids=["shared", "own"])
@NAMES
def test_a_replica_has_the_gradients_that_it_has_alone(name, own):
    params, buffers, x, dlogits = drawn(name, 7, 20, own)
    together = NETWORKS[name].vjp(params, buffers, x)[2](dlogits)
    for r in (0, 5):
        one = slice(r, r + 1)
        lone = {k: v[one] for k, v in params.items()}, {k: v[one] for k, v in buffers.items()}
        _, _, pull = NETWORKS[name].vjp(*lone, x[one] if own else x)
        for key, grad in pull(dlogits[one]).items():
            torch.testing.assert_close(together[key][one], grad, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("own", [False, True], ids=["shared", "own"])
@NAMES
def test_a_tracer_sees_through_the_vjp(name, own):
    params, buffers, x, dlogits = drawn(name, 2, 20, own)

    def both(params, buffers, x, dlogits):
        logits, moved, pull = NETWORKS[name].vjp(params, buffers, x)
        return logits, moved, pull(dlogits)

    graph = make_fx(both)(params, buffers, x, dlogits)
    # Other numbers than those traced: whatever was a constant of the trace would show.
    params = {k: v * 1.1 for k, v in params.items()}
    traced, expected = (f(params, buffers, x / 2, dlogits + 1) for f in (graph, both))
    torch.testing.assert_close(traced, expected, rtol=1e-10, atol=1e-10)


def test_a_number_from_the_loops_does_not_depend_on_the_number_of_threads():
    params, _, x, dlogits = drawn("cnn", 3, 20, own=False)
    affine = torch.cat([params["conv.weight"].flatten(2), params["norm.bias"][..., None]], -1)
    before, results = torch.get_num_threads(), []
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            scores, pull = loops.in_loops(
                patches.batch_last(x[None]), affine, params["head.weight"]
            )
            results.append([scores, *pull(dlogits.mT)])
    finally:
        torch.set_num_threads(before)
    assert all(torch.equal(a, b) for a, b in zip(*results, strict=True))


# torch.jit, which torch loads for forward mode, says that it is deprecated.
@pytest.mark.filterwarnings("ignore:.*torch.jit.script.*:FutureWarning")
def test_transforms_see_through_the_cnn():
    params, buffers, x, dlogits = drawn("cnn", 2, 6, own=False)

    def value(params, x):
        return (Cnn().forward(params, buffers, x, train=True)[0] * dlogits).sum()

    expected = Cnn().vjp(params, buffers, x)[2](dlogits)
    close = {"rtol": 1e-9, "atol": 1e-9}
    torch.testing.assert_close(torch.func.grad(value)(params, x), expected, **close)
    along = {k: torch.ones_like(w) for k, w in params.items()}
    _, slope = torch.func.jvp(lambda p: value(p, x), (params,), (along,))
    torch.testing.assert_close(slope, sum(g.sum() for g in expected.values()), **close)
    both = torch.vmap(lambda x: value(params, x))(torch.stack([x, x / 2]))
    torch.testing.assert_close(both, torch.stack([value(params, x), value(params, x / 2)]), **close)
    many = {k: torch.stack([w, 2 * w]) for k, w in params.items()}
    both = torch.vmap(lambda p: value(p, x))(many)
    twice = value({k: 2 * w for k, w in params.items()}, x)
    torch.testing.assert_close(both, torch.stack([value(params, x), twice]), **close)


class ForwardOnly:
    """A network as a user writes it: the MLP, without a backward pass."""

    name, classes = "forward only", 10
    init = staticmethod(Mlp().init)

    def forward(self, params, buffers, x, train):
        return Mlp().forward(params, buffers, x, train)


def test_a_network_without_vjp_is_differentiated_by_autograd():
    params, buffers, x, dlogits = drawn("mlp", 3, 20, own=False)
    params["unused"] = torch.ones(3, 2, dtype=torch.float64)
    logits, _, pull = vjp_of(ForwardOnly())(params, buffers, x)
    assert not logits.requires_grad
    grads, expected = pull(dlogits), Mlp().vjp(params, buffers, x)[2](dlogits)
    assert torch.equal(grads.pop("unused"), torch.zeros(3, 2, dtype=torch.float64))
    for key, grad in grads.items():
        torch.testing.assert_close(grad, expected[key], rtol=1e-10, atol=1e-12)


def test_a_network_with_vjp_keeps_its_own():
    assert vjp_of(NETWORKS["cnn"]) == NETWORKS["cnn"].vjp


def test_a_network_without_vjp_trains():
    x = torch.rand(20, 784, generator=torch.Generator().manual_seed(0))
    hyper = {"eta": torch.full((1,), 0.5), "alpha": torch.full((1,), 0.5)}
    step = make_step(ForwardOnly(), "cross_entropy", "delta")
    state = start(ForwardOnly(), "delta")
    losses = []
    for _ in range(20):
        state, metrics = step(state, (x, torch.arange(20) % 10), hyper)
        losses.append(metrics["loss"].item())
    assert losses[-1] < 0.9 * losses[0]


def a_step_of_64_cnns():
    """One step of 64 networks on 128 images, and the most memory that this process ever had."""
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(128, 28, 28, generator=generator)
    params, buffers = Cnn().init(range(64))
    rule = find_rule("delta")
    state = State(params, buffers, rule.init(params))
    eta, alpha = torch.full((64,), 0.016), torch.full((64,), 0.874)
    for _ in range(2):
        logits, buffers, pull = Cnn().vjp(state.params, state.buffers, x)
        params, memory = rule.update(state.params, pull(logits), state.memory, eta, alpha)
        state = State(params, buffers, memory)
    status = Path("/proc/self/status")
    if not status.exists():  # macOS, which counts bytes
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Not ru_maxrss here: on Linux a new process starts from its parent's.
    return 1024 * int(re.search(r"VmHWM:\s+(\d+) kB", status.read_text())[1])


def test_64_networks_at_batch_128_train_within_two_gigabytes():
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool:
        assert pool.submit(a_step_of_64_cnns).result() < 2e9
