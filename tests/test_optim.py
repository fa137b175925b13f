"""The pure rules are `torch.optim`'s and the papers' formulas; DLR works in anybody's loop."""

import copy
from math import sqrt

import numpy as np
import pytest
import torch
from torch import nn

from golden_lib.optim import DLR, RULES, dlr_rate, find_rule

TIGHT = {"rtol": 1e-12, "atol": 1e-12}
SHAPES = {"a.weight": (4, 6), "a.bias": (4,), "b.weight": (3, 2, 5, 5)}


def f64(values):
    return torch.tensor(values, dtype=torch.float64)


def drawn(replicas, seed=0, spread=1.0):
    g = torch.Generator().manual_seed(seed)
    return {
        k: spread * torch.randn(replicas, *shape, dtype=torch.float64, generator=g)
        for k, shape in SHAPES.items()
    }


def curved(params, step):
    """A loss per replica that is not quadratic, and other data at every step."""
    return sum((w * 0.5 + 0.1 * step).sin().square().sum() for w in params.values())


def follow(rule, params, eta, alpha, steps):
    memory = RULES[rule].init(params)
    for step in range(steps):
        leaves = {k: w.clone().requires_grad_() for k, w in params.items()}
        grads = torch.autograd.grad(curved(leaves, step), list(leaves.values()))
        grads = dict(zip(leaves, grads, strict=True))
        params, memory = RULES[rule].update(params, grads, memory, eta, alpha)
    return params


def follow_torch(make, params, steps):
    leaves = [w.clone().requires_grad_() for w in params.values()]
    optimizer = make(leaves)
    for step in range(steps):
        optimizer.zero_grad()
        curved(dict(zip(params, leaves, strict=True)), step).backward()
        optimizer.step()
    return dict(zip(params, leaves, strict=True))


TORCH = {
    "delta": lambda eta, alpha: lambda p: torch.optim.SGD(p, eta, momentum=alpha),
    "nesterov": lambda eta, alpha: (
        lambda p: torch.optim.SGD(p, eta, momentum=alpha, nesterov=alpha > 0)
    ),
    "adam": lambda eta, alpha: lambda p: torch.optim.Adam(p, eta, betas=(alpha, 0.999)),
    "dlr": lambda eta, alpha: lambda p: DLR(p, eta, alpha),
    "dlr_incoming": lambda eta, alpha: lambda p: DLR(p, eta, alpha, norm="incoming"),
}


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_equals_its_optimizer_while_eta_and_alpha_are_constant(rule):
    eta = f64([0.03, 0.2, 0.07])
    alpha = f64([0.0, 0.5, 0.874])
    alpha = alpha if RULES[rule].momentum else alpha + 0.25
    start = drawn(3)
    end = follow(rule, start, eta, alpha, 40)
    for r in range(3):
        make = TORCH[rule](eta[r].item(), alpha[r].item())
        expected = follow_torch(make, {k: w[r] for k, w in start.items()}, 40)
        for k in start:
            assert not torch.allclose(start[k][r], expected[k], rtol=1e-2, atol=1e-2)
            torch.testing.assert_close(end[k][r], expected[k], rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("rule", RULES)
def test_a_rule_changes_neither_its_parameters_nor_its_memory(rule):
    params, grads = drawn(2), drawn(2, seed=1)
    eta, alpha = f64([0.1, 0.2]), f64([0.5, 0.6])
    _, memory = RULES[rule].update(params, grads, RULES[rule].init(params), eta, alpha)
    before = copy.deepcopy((params, memory))
    first = RULES[rule].update(params, grads, memory, eta, alpha)
    again = RULES[rule].update(params, grads, memory, eta, alpha)
    torch.testing.assert_close((params, memory), before, rtol=0, atol=0)
    torch.testing.assert_close(first, again, rtol=0, atol=0)


def test_delta_rule_and_torch_sgd_part_when_eta_moves_by_the_momentum_of_past_gradients():
    # On L = c w every gradient is c. Delta sums η(s) α^(t−s) c over the past, SGD η(t) α^(t−s) c:
    # after k steps at η₁ and n at η₂ they differ by what the first k pushed on, (η₁ − η₂) times.
    c, alpha, eta1, eta2, k, n = 2.0, 0.874, 0.016, 0.08, 7, 5
    params = {"w": torch.zeros(1, 1, 1, dtype=torch.float64)}
    memory, grads = RULES["delta"].init(params), {"w": torch.full((1, 1, 1), c).double()}
    weight = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    sgd = torch.optim.SGD([weight], eta1, momentum=alpha)
    gaps = []
    for eta in [eta1] * k + [eta2] * n:
        hyper = f64([eta]), f64([alpha])
        params, memory = RULES["delta"].update(params, grads, memory, *hyper)
        sgd.param_groups[0]["lr"] = eta
        weight.grad = f64([c])
        sgd.step()
        gaps.append((params["w"].flatten() - weight).item())
    velocity = c * (1 - alpha**k) / (1 - alpha)
    carried = [velocity * alpha * (1 - alpha**m) / (1 - alpha) for m in range(1, n + 1)]
    expected = [0.0] * k + [(eta2 - eta1) * v for v in carried]
    np.testing.assert_allclose(gaps, expected, rtol=1e-12, atol=1e-15)


def test_nesterov_in_the_delta_convention_is_momentum_with_the_gradient_taken_ahead():
    # θ is Nesterov's own variable: Δ(t) = αΔ(t−1) − η g(θ + αΔ(t−1)); the rule holds w = θ + αΔ.
    eta, alpha = f64([0.07]), f64([0.8])
    theta, delta = 1.7, 0.0
    params = {"w": torch.full((1, 1, 1), theta, dtype=torch.float64)}
    memory = RULES["nesterov"].init(params)
    for step in range(20):
        move = 1 + 0.5 * (step > 10)
        delta = 0.8 * delta - move * 0.07 * np.cos(theta + 0.8 * delta)
        theta += delta
        grads = {"w": params["w"].cos()}
        params, memory = RULES["nesterov"].update(params, grads, memory, move * eta, alpha)
        assert params["w"].item() == pytest.approx(theta + 0.8 * delta, abs=1e-13)


def test_adam_on_a_constant_gradient_steps_by_eta_also_when_beta1_moves():
    # Whatever the weights of the averages, an average of equal gradients is that gradient.
    params = {"w": torch.zeros(1, 1, 1, dtype=torch.float64)}
    memory, grads = RULES["adam"].init(params), {"w": torch.full((1, 1, 1), 3.0).double()}
    for step, alpha in enumerate([0.9, 0.2, 0.99, 0.0, 0.874]):
        hyper = f64([0.1]), f64([alpha])
        params, memory = RULES["adam"].update(params, grads, memory, *hyper)
        assert params["w"].item() == pytest.approx(-0.1 * (step + 1), rel=1e-8)


def test_adam_is_as_good_in_single_precision_after_one_step():
    # 1 − β₂ taken from β₂ in float32 is off by 1e-5; the sum of the weights given is not.
    params = {"w": torch.zeros(1, 1, 1)}
    grads = {"w": torch.full((1, 1, 1), 3.0)}
    hyper = torch.tensor([1.0]), torch.tensor([0.5])
    moved, _ = RULES["adam"].update(params, grads, RULES["adam"].init(params), *hyper)
    assert moved["w"].item() == pytest.approx(-1, rel=3e-7)


@pytest.mark.parametrize("norm", ["outgoing", "incoming"])
def test_dlr_rates_equal_the_papers_formula_neuron_by_neuron(norm):
    weight = drawn(2)["a.weight"]
    eta, alpha = [0.3, 0.05], [0.7, 2.0]
    rates = dlr_rate(weight, f64(eta), f64(alpha), norm)
    for r in range(2):
        w = weight[r].numpy()
        for i in range(4):
            for j in range(6):
                synapses = w[:, j] if norm == "outgoing" else w[i, :]
                length = sqrt(sum(x * x for x in synapses))
                expected = eta[r] * (abs(w[i, j]) + alpha[r]) / (length + alpha[r])
                assert rates[r, i, j].item() == pytest.approx(expected, rel=1e-13)


@pytest.mark.parametrize("norm", ["outgoing", "incoming"])
def test_dlr_on_a_convolution_is_dlr_on_its_patches(norm):
    weight = drawn(2)["b.weight"]
    flat = dlr_rate(weight.flatten(2), 0.3, 0.5, norm)
    torch.testing.assert_close(dlr_rate(weight, 0.3, 0.5, norm).flatten(2), flat, **TIGHT)


def test_dlr_gives_a_bias_the_plain_rate():
    rates = dlr_rate(drawn(2)["a.bias"], f64([0.3, 0.05]), 0.5)
    torch.testing.assert_close(rates, f64([[0.3], [0.05]]).expand(2, 4))


@pytest.mark.parametrize("norm", ["outgoing", "incoming"])
def test_dlr_rates_lie_between_their_bounds(norm):
    for alpha in (1e-6, 0.1, 1.0, 1e6):
        for spread in (0.0, 1e-8, 1.0, 1e8):
            weight = drawn(3, seed=3, spread=spread)["a.weight"]
            ratio = dlr_rate(weight, 1.0, alpha, norm)
            length = weight.norm(dim=1 if norm == "outgoing" else 2, keepdim=True)
            assert (ratio <= 1 + 1e-12).all()
            assert (ratio >= alpha / (length + alpha) * (1 - 1e-12)).all()


def test_dlr_rates_of_large_synapses_exceed_those_of_small_ones_in_a_neuron():
    weight = drawn(1)["a.weight"]
    rates = dlr_rate(weight, 0.1, 0.2)
    for j in range(6):
        assert torch.equal(weight[0, :, j].abs().argsort(), rates[0, :, j].argsort())


def test_dlr_descends_where_the_formula_as_printed_climbs():
    params = {"w": f64([[[3.0, -2.0]]])}
    hyper = f64([0.1]), f64([1.0])
    grads = {"w": 2 * params["w"]}
    moved, _ = RULES["dlr"].update(params, grads, {}, *hyper)
    printed = params["w"] - (-dlr_rate(params["w"], *hyper)) * grads["w"]
    start = params["w"].square().sum()
    assert moved["w"].square().sum() < start < printed.square().sum()


def model():
    g = torch.Generator().manual_seed(0)
    net = nn.Sequential(nn.Linear(5, 4), nn.Sigmoid(), nn.Linear(4, 3, bias=False)).double()
    for p in net.parameters():
        p.data = torch.randn(p.shape, dtype=torch.float64, generator=g)
    x = torch.randn(16, 5, dtype=torch.float64, generator=g)
    return net, lambda: net(x).square().mean()


def test_dlr_optimizer_goes_on_from_a_saved_state():
    net, loss = model()
    optimizer = DLR(net.parameters(), lr=0.5, alpha=0.3, norm="incoming")
    loss().backward()
    optimizer.step()
    other, other_loss = model()
    other.load_state_dict(net.state_dict())
    resumed = DLR(other.parameters(), lr=9.0, alpha=9.0)
    resumed.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for opt, value in ((optimizer, loss), (resumed, other_loss)):
        opt.zero_grad()
        value().backward()
        opt.step()
    for p, q in zip(net.parameters(), other.parameters(), strict=True):
        assert torch.equal(p, q)


def test_dlr_optimizer_takes_groups_with_their_own_settings_and_skips_what_has_no_gradient():
    net, loss = model()
    idle = torch.ones(3, requires_grad=True)
    groups = [
        {"params": net[0].parameters(), "lr": 0.2},
        {"params": [*net[2].parameters(), idle], "norm": "incoming"},
    ]
    optimizer = DLR(groups, lr=0.5, alpha=0.3)
    before = copy.deepcopy(net)
    loss().backward()
    optimizer.step()
    first, last = before[0].weight[None], before[2].weight[None]
    expected = first - dlr_rate(first, 0.2, 0.3) * net[0].weight.grad
    torch.testing.assert_close(net[0].weight[None], expected)
    expected = last - dlr_rate(last, 0.5, 0.3, "incoming") * net[2].weight.grad
    torch.testing.assert_close(net[2].weight[None], expected)
    assert torch.equal(idle, torch.ones(3))


def test_dlr_optimizer_calls_the_closure_and_returns_its_loss():
    net, loss = model()
    optimizer = DLR(net.parameters())

    def closure():
        optimizer.zero_grad()
        value = loss()
        value.backward()
        return value

    losses = [optimizer.step(closure).item() for _ in range(20)]
    assert losses[-1] < losses[0]


def test_dlr_optimizer_works_under_a_scheduler():
    net, loss = model()
    optimizer = DLR(net.parameters(), lr=0.5)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    loss().backward()
    optimizer.step()
    schedule.step()
    assert optimizer.param_groups[0]["lr"] == 0.25


@pytest.mark.parametrize("value", [0, -1, float("nan"), float("inf")])
@pytest.mark.parametrize("name", ["lr", "alpha"])
def test_dlr_optimizer_refuses_what_is_not_positive_and_finite(name, value):
    with pytest.raises(ValueError, match=f"{name} must be > 0 and finite, got {value}"):
        DLR([torch.ones(2, 2, requires_grad=True)], **{name: value})
    group = {"params": [torch.ones(2, 2, requires_grad=True)], name: value}
    with pytest.raises(ValueError, match=f"{name} must be > 0"):
        DLR([group])


def test_dlr_refuses_an_unknown_norm():
    with pytest.raises(ValueError, match="norm must be outgoing or incoming, got 'both'"):
        DLR([torch.ones(2, 2, requires_grad=True)], norm="both")
    with pytest.raises(ValueError, match="norm must be outgoing or incoming, got 'l1'"):
        dlr_rate(torch.ones(1, 2, 2), 0.1, 0.1, norm="l1")


def test_dlr_optimizer_refuses_complex_parameters_and_sparse_gradients():
    with pytest.raises(TypeError, match=r"parameters must be real, got torch\.complex64"):
        DLR([torch.ones(2, 2, dtype=torch.complex64, requires_grad=True)])
    table = nn.Embedding(5, 3, sparse=True)
    optimizer = DLR(table.parameters())
    table(torch.tensor([1, 2])).sum().backward()
    with pytest.raises(TypeError, match=r"gradients must be dense, got torch\.sparse_coo"):
        optimizer.step()


def test_find_rule_lists_the_known_names():
    assert find_rule("delta") is RULES["delta"] is find_rule(RULES["delta"])
    with pytest.raises(ValueError, match="rule must be one of delta, nesterov, adam, dlr"):
        find_rule("rmsprop")
