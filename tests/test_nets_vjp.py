"""The backward passes that are written out are those of torch.nn and of autograd."""

from collections import OrderedDict

import pytest
import torch
from torch import nn
from torch.fx.experimental.proxy_tensor import make_fx

from golden_lib.nets import NETWORKS, Cnn, Mlp, vjp_of
from golden_lib.training import make_step, start

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
