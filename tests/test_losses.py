"""What the losses promise beside their digits: derivatives, tracing, shapes, refusals."""

import re

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck
from torch.func import grad, grad_and_value, jacrev, vmap
from torch.fx.experimental.proxy_tensor import make_fx
from torch.nn import functional

from golden_lib.losses import (
    LOSSES,
    cross_entropy,
    find_loss,
    logistic_sse,
    pointwise,
    sse,
)

every_loss = pytest.mark.parametrize("name", LOSSES)


def sample(*shape, scale=3.0, seed=0):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(*shape, dtype=torch.float64, generator=generator) * scale
    return logits, torch.randint(shape[-1], shape[:-1], generator=generator)


# --- derivatives ---------------------------------------------------------------------------------


@every_loss
@pytest.mark.parametrize("kind", ["indices", "probabilities", "uniform"])
def test_first_and_second_derivatives_agree_with_finite_differences(name, kind):
    z, target = sample(2, 3, 4)
    if kind == "probabilities":
        target = sample(2, 3, 4, seed=1)[0].softmax(-1)
    if kind == "uniform":  # the minimum itself, y = t, where |y − t| has its corner
        z, target = torch.zeros_like(z), torch.full_like(z, 0.25)
    z.requires_grad_()
    assert gradcheck(lambda z: find_loss(name)(z, target), z)
    assert gradgradcheck(lambda z: find_loss(name)(z, target), z)


@every_loss
def test_second_derivatives_are_finite_at_every_gap(name):
    for gap in (0.0, 20.0, -20.0, 90.0, -90.0, 200.0, -200.0):
        z = torch.tensor([[gap, 0.0, 0.0]], requires_grad=True)
        for target in (0, 1):
            loss = find_loss(name)(z, torch.tensor([target]))
            (first,) = torch.autograd.grad(loss, z, create_graph=True)
            (second,) = torch.autograd.grad(first.square().sum() + first.sum(), z)
            assert second.isfinite().all()


def test_sse_gradient_is_equation_two_of_g20_through_the_softmax():
    z, target = sample(5, 10)
    z.requires_grad_()
    sse(z, target).backward()
    y = z.detach().softmax(-1)
    by_y = 2 * (y - functional.one_hot(target, 10)) / len(z)
    jacobian = torch.diag_embed(y) - y.unsqueeze(-1) * y.unsqueeze(-2)
    torch.testing.assert_close(z.grad, (jacobian @ by_y.unsqueeze(-1)).squeeze(-1))


def test_cross_entropy_is_torchs():
    z, target = sample(6, 10)
    for t in (target, sample(6, 10, seed=2)[0].softmax(-1)):
        for reduction in ("mean", "sum", "none"):
            z.grad = None
            ours = cross_entropy(z, t, reduction)
            torch.testing.assert_close(ours, functional.cross_entropy(z, t, reduction=reduction))
        a, b = z.clone().requires_grad_(), z.clone().requires_grad_()
        cross_entropy(a, t).backward()
        functional.cross_entropy(b, t).backward()
        torch.testing.assert_close(a.grad, b.grad)


def test_logistic_sse_is_torchs_squared_error_of_the_sigmoid():
    z, target = sample(6, 10)
    expected = functional.mse_loss(
        z.sigmoid(), functional.one_hot(target, 10).double(), reduction="none"
    )
    torch.testing.assert_close(logistic_sse(z, target, "none"), expected.sum(-1))


@every_loss
def test_function_transforms_and_tracers_see_the_same_gradient(name):
    loss = find_loss(name)
    z, target = sample(4, 10)
    z.requires_grad_()
    (expected,) = torch.autograd.grad(loss(z, target, "sum"), z)
    z = z.detach()

    def step(z, target):
        return grad_and_value(lambda z: loss(z, target, "sum"))(z)

    one = vmap(grad(lambda z, t: loss(z[None], t[None], "sum")))(z, target)
    torch.testing.assert_close(one, expected, rtol=1e-13, atol=0)
    torch.testing.assert_close(step(z, target)[0], expected, rtol=0, atol=0)
    for mode in ("real", "fake"):
        graph = make_fx(step, tracing_mode=mode)(z, target)
        other_z, other_target = sample(4, 10, seed=9)
        for a, b in zip(graph(other_z, other_target), step(other_z, other_target), strict=True):
            torch.testing.assert_close(a, b, rtol=0, atol=0)


@every_loss
def test_hessian_by_function_transforms_is_autograds(name):
    z, target = sample(2, 3)

    def value(z):
        return find_loss(name)(z, target)

    torch.testing.assert_close(
        jacrev(jacrev(value))(z), torch.autograd.functional.hessian(value, z)
    )


@every_loss
def test_compiled_in_one_graph_it_has_the_same_value_and_gradient(name):
    z, target = sample(3, 4, 10)

    def value(z, target):
        return find_loss(name)(z, target).sum()

    results = []
    for f in (value, torch.compile(value, backend="aot_eager", fullgraph=True)):
        leaf = z.clone().requires_grad_()
        f(leaf, target).backward()
        results.append(leaf.grad)
    torch.testing.assert_close(*results)


# --- shapes, reductions, dtypes ------------------------------------------------------------------


@every_loss
def test_indices_are_one_hot_probabilities(name):
    z, target = sample(5, 10)
    one_hot = functional.one_hot(target, 10).double()
    assert torch.equal(find_loss(name)(z, target), find_loss(name)(z, one_hot))


@every_loss
def test_leading_axes_are_networks_alone(name):
    loss = find_loss(name)
    z, target = sample(3, 5, 10)
    shared = target[0]
    assert torch.equal(
        loss(z, target), torch.stack([loss(a, b) for a, b in zip(z, target, strict=True)])
    )
    assert torch.equal(loss(z, shared), torch.stack([loss(a, shared) for a in z]))
    soft = functional.one_hot(shared, 10).double()
    assert torch.equal(loss(z, soft), loss(z, shared))


@every_loss
def test_reductions_are_mean_and_sum_over_the_batch_alone(name):
    z, target = sample(3, 5, 10)
    each = find_loss(name)(z, target, "none")
    assert each.shape == (3, 5)
    torch.testing.assert_close(find_loss(name)(z, target), each.sum(-1) / 5)
    torch.testing.assert_close(find_loss(name)(z, target, "sum"), each.sum(-1))


@pytest.mark.parametrize("name", [name for name in LOSSES if name != "logistic_sse"])
def test_a_common_shift_of_the_logits_changes_no_softmax_loss(name):
    z, target = sample(5, 10)
    torch.testing.assert_close(find_loss(name)(z + 1e3, target), find_loss(name)(z, target))


@every_loss
def test_half_precision_is_computed_in_float32(name):
    z, target = sample(5, 10)
    for dtype in (torch.float16, torch.bfloat16):
        low = z.to(dtype).requires_grad_()
        loss = find_loss(name)(low, target)
        loss.backward()
        assert torch.equal(loss, find_loss(name)(low.detach().float(), target))
        assert low.grad.dtype == dtype


@every_loss
def test_nan_and_unreadable_bad_targets_come_out_as_nan(name):
    loss = find_loss(name)
    z, target = sample(5, 10)
    assert loss(z.index_fill(0, torch.tensor([2]), torch.nan), target).isnan()
    traced = make_fx(lambda z, t: loss(z, t, "none"))(z, target)
    target[3] = 10
    assert traced(z, target).isnan().tolist() == [False, False, False, True, False]


# --- refusals ------------------------------------------------------------------------------------


def test_an_unknown_loss_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"loss must be one of sse, .*logistic_sse, got 'mse'"):
        find_loss("mse")
    with pytest.raises(ValueError, match="loss must be one of"):
        pointwise("mse", torch.zeros(1), torch.zeros(1))


Z = torch.zeros(2, 3, 4)
REFUSED = {
    "logits must be floating point, got torch.int64": (Z.long(), torch.zeros(3).long()),
    "logits must be (..., B, C) with C ≥ 2, got (4,)": (Z[0, 0], torch.tensor(0)),
    "logits must be (..., B, C) with C ≥ 2, got (2, 3, 1)": (Z[..., :1], torch.zeros(3).long()),
    "target must be indices of shape (2, 3)": (Z, torch.zeros(4).long()),
    "without its leading axes, got (1, 3)": (Z, torch.zeros(1, 3).long()),
    "target must be probabilities of shape (2, 3, 4)": (Z, torch.zeros(3, 3)),
    "leading axes, got (4,)": (Z, torch.zeros(4)),
    "target must be class indices or probabilities, got torch.bool": (Z, torch.ones(3).bool()),
    "target must be indices in [0, 3], got 4": (Z, torch.tensor([0, 4, 1])),
    "target must be indices in [0, 3], got -1": (Z, torch.tensor([0, -1, 2])),
    "target must be probabilities in [0, 1], got 1.5": (
        Z[0],
        Z[0].index_fill(0, torch.tensor([1]), 1.5),
    ),
    "target must be probabilities in [0, 1], got nan": (Z, torch.full((3, 4), torch.nan)),
}


@every_loss
@pytest.mark.parametrize("message", REFUSED)
def test_arguments_that_do_not_fit_are_refused_in_one_sentence(name, message):
    logits, target = REFUSED[message]
    with pytest.raises(ValueError, match=re.escape(message)) as refusal:
        find_loss(name)(logits, target)
    assert "\n" not in str(refusal.value)


@every_loss
def test_an_unknown_reduction_is_refused(name):
    with pytest.raises(ValueError, match='reduction must be "mean", "sum" or "none", got \'avg\''):
        find_loss(name)(Z, torch.zeros(3).long(), "avg")
