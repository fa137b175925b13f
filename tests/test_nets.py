"""The networks with the replica axis are the `torch.nn` modules that they stand for."""

from collections import OrderedDict

import pytest
import torch
from torch import nn

from golden_lib.nets import NETWORKS, Cnn, Mlp, find_network

DOUBLE = {"rtol": 1e-10, "atol": 1e-10}


def module(name, seed=0):
    """Build the network from torch.nn's own layers, drawn after torch.manual_seed(seed)."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        if name == "cnn":
            return nn.Sequential(
                OrderedDict(
                    conv=nn.Conv2d(1, 20, 5),
                    norm=nn.BatchNorm2d(20),
                    relu=nn.ReLU(),
                    flat=nn.Flatten(),
                    head=nn.Linear(20 * 24 * 24, 10),
                )
            )
        return nn.Sequential(
            OrderedDict(
                flat=nn.Flatten(),
                hidden=nn.Linear(784, 100, bias=False),
                logistic=nn.Sigmoid(),
                output=nn.Linear(100, 10, bias=False),
            )
        )


def images(*shape, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(*shape, 28, 28, dtype=torch.float64, generator=generator)


def slightly_moved(params, seed=5):
    """Parameters off their special initial values (gain 1, bias 0), as training leaves them."""
    generator = torch.Generator().manual_seed(seed)
    return {
        k: v + 0.1 * torch.randn(v.shape, dtype=v.dtype, generator=generator)
        for k, v in params.items()
    }


def alone(tensors, r):
    return {k: v[r] for k, v in tensors.items()}


def loaded(name, params, buffers, r):
    net = module(name).double()
    unexpected = net.load_state_dict(alone(params, r) | alone(buffers, r), strict=False)
    assert unexpected.unexpected_keys == []
    assert set(unexpected.missing_keys) <= {"norm.num_batches_tracked"}
    return net


@pytest.mark.parametrize("name", ["cnn", "mlp"])
def test_a_seed_draws_what_torch_nn_draws_after_manual_seed(name):
    params, buffers = NETWORKS[name].init([3, 11])
    for r, seed in enumerate([3, 11]):
        reference = module(name, seed).state_dict()
        reference.pop("norm.num_batches_tracked", None)
        assert set(reference) == set(params) | set(buffers)
        for key, value in alone(params, r).items() | alone(buffers, r).items():
            torch.testing.assert_close(value, reference[key], rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", ["cnn", "mlp"])
def test_a_replica_is_drawn_bit_for_bit_as_a_lone_network(name):
    together, _ = NETWORKS[name].init([4, 0, 9])
    lone, _ = NETWORKS[name].init([9])
    for key in together:
        assert torch.equal(together[key][2], lone[key][0])
        if together[key][0].unique().numel() > 1:
            assert not torch.equal(together[key][0], together[key][1])


@pytest.mark.parametrize("name", ["cnn", "mlp"])
def test_the_float64_network_is_the_float32_network(name):
    single, _ = NETWORKS[name].init([1])
    double, _ = NETWORKS[name].init([1], dtype=torch.float64)
    for key in single:
        assert torch.equal(single[key].double(), double[key])


def test_the_cnn_has_the_papers_number_of_parameters():
    params, _ = Cnn().init([0])
    assert sum(v.numel() for v in params.values()) == 115_770


@pytest.mark.parametrize("own", [False, True], ids=["shared", "own"])
@pytest.mark.parametrize("train", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("name", ["cnn", "mlp"])
def test_logits_and_gradients_equal_torch_nn(name, train, own):
    params, buffers = NETWORKS[name].init([0, 1, 2], dtype=torch.float64)
    params = {k: v.requires_grad_() for k, v in slightly_moved(params).items()}
    if buffers:
        buffers["norm.running_mean"] += 0.3
        buffers["norm.running_var"] *= 0.7
    x = images(3, 6) if own else images(6)
    logits, _ = NETWORKS[name].forward(params, buffers, x, train)
    weights = torch.randn(logits.shape, dtype=torch.float64)
    grads = torch.autograd.grad(
        (logits.sin() * weights).sum(), list(params.values()), materialize_grads=True
    )
    for r in range(3):
        net = loaded(name, params, buffers, r).train(train)
        expected = net((x[r] if own else x)[:, None])
        torch.testing.assert_close(logits[r], expected, **DOUBLE)
        (expected.sin() * weights[r]).sum().backward()
        for (key, _), grad in zip(params.items(), grads, strict=True):
            reference = net.get_parameter(key).grad
            # Batch normalisation cancels the bias: torch's gradient is rounding noise, ours is 0.
            torch.testing.assert_close(grad[r], reference, **DOUBLE)


def test_running_statistics_equal_torch_nn_after_several_batches():
    params, buffers = Cnn().init([0, 1], dtype=torch.float64)
    params = slightly_moved(params)
    nets = [loaded("cnn", params, buffers, r).train() for r in range(2)]
    for step in range(5):
        x = images(4 + step, seed=step)
        _, buffers = Cnn().forward(params, buffers, x, train=True)
        for net in nets:
            net(x[:, None])
    for r, net in enumerate(nets):
        for key in buffers:
            torch.testing.assert_close(buffers[key][r], net.get_buffer(key), **DOUBLE)


@pytest.mark.parametrize("name", ["cnn", "mlp"])
def test_evaluation_does_not_depend_on_the_cut_into_batches(name):
    params, buffers = NETWORKS[name].init([0, 1], dtype=torch.float64)
    _, buffers = NETWORKS[name].forward(params, buffers, images(16), train=True)
    x = images(30, seed=2)
    whole, after = NETWORKS[name].forward(params, buffers, x, train=False)
    pieces = [NETWORKS[name].forward(params, buffers, part, False)[0] for part in x.split(7)]
    torch.testing.assert_close(torch.cat(pieces, 1), whole, **DOUBLE)
    assert all(torch.equal(after[k], buffers[k]) for k in buffers)


@pytest.mark.parametrize("name", ["cnn", "mlp"])
def test_own_batches_with_the_same_images_equal_a_shared_batch(name):
    params, buffers = NETWORKS[name].init([0, 1, 2], dtype=torch.float64)
    x = images(5)
    shared, b = NETWORKS[name].forward(params, buffers, x, train=True)
    own, c = NETWORKS[name].forward(params, buffers, x.expand(3, -1, -1, -1), train=True)
    torch.testing.assert_close(shared, own, **DOUBLE)
    for key in b:
        torch.testing.assert_close(b[key], c[key], **DOUBLE)


@pytest.mark.parametrize("name", ["cnn", "mlp"])
def test_flat_images_equal_square_ones(name):
    params, buffers = NETWORKS[name].init([0, 1], dtype=torch.float64)
    for x in (images(5), images(2, 5)):
        square, _ = NETWORKS[name].forward(params, buffers, x, train=True)
        flat, _ = NETWORKS[name].forward(params, buffers, x.flatten(-2), train=True)
        assert torch.equal(square, flat)


def test_single_precision_statistics_hold_for_a_filter_that_averages():
    # All weights equal: the filter's mean is 150 times its spread: E[x²] − E[x]² cancels.
    params, buffers = Cnn().init([0])
    params["conv.weight"] = torch.full_like(params["conv.weight"], 0.2)
    x = (0.9 + 0.1 * images(32)).float()
    logits, _ = Cnn().forward(params, buffers, x, train=True)
    net = loaded("cnn", {k: v.double() for k, v in params.items()}, buffers, 0).train()
    expected = net(x[:, None].double())
    torch.testing.assert_close(logits[0].double(), expected, rtol=0, atol=2e-5)


def test_find_network_lists_the_known_names():
    assert find_network("mlp") == Mlp()
    assert find_network(Mlp(hidden=30)).hidden == 30
    with pytest.raises(ValueError, match=r"network must be one of cnn, mlp, got 'resnet'"):
        find_network("resnet")


@pytest.mark.parametrize("shape", [(5, 27, 28), (28, 28), (3, 5, 28, 28), (5, 783), (784,)])
def test_what_is_not_a_batch_of_images_is_refused(shape):
    params, buffers = Mlp().init([0, 1])
    with pytest.raises(ValueError, match=r"x must be \(B, 28, 28\)"):
        Mlp().forward(params, buffers, torch.zeros(shape), train=True)


def test_no_replica_is_refused():
    with pytest.raises(ValueError, match="at least one seed"):
        Mlp().init([])


@pytest.mark.parametrize("seed", [-1, 2**32])
def test_a_seed_out_of_range_is_refused(seed):
    with pytest.raises(ValueError, match=r"seed must be in \[0, 2\*\*32\)"):
        Mlp().init([seed])


@pytest.mark.parametrize("size", [0, -3, 2.5])
def test_a_network_without_units_is_refused(size):
    with pytest.raises(ValueError, match="hidden must be a whole number"):
        Mlp(hidden=size)
    with pytest.raises(ValueError, match="filters must be a whole number"):
        Cnn(filters=size)
