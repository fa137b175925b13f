"""The losses against their printed formulas, evaluated by mpmath in 420 digits.

An error is |got − exact| / max(|exact|, smallest normal): for the gradient, the largest error of a
component over the largest exact component. So where the exact gradient is below the smallest normal
number, float32's 1.2e-38, what must come is that close to it on that number's scale: 0 will do for
1e-87, and so it must be 0 or nearly.
"""

from functools import cache

import mpmath as mp
import pytest
import torch
from torch.nn import functional

from golden_lib.losses import LOSSES, find_loss

TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-12}
GAPS = [0, 1e-6, -1e-6, 0.1, -0.1, 1, -1, 5, -5, 17, -17, 50, -50, 100, -100, 200, -200]


@pytest.fixture(autouse=True)
def _digits():
    with mp.workdps(420):
        yield


def logistic(q):
    return 1 / (1 + mp.exp(-q))


def angle(y, t):
    return (y - t + 1) * mp.pi / 4


def combined(d):
    return -mp.sin(d) * mp.log(mp.cos(d)) - mp.cos(d) * mp.log(mp.sin(d))


def excess(y, t):
    return combined(angle(y, t)) - combined(mp.pi / 4)


def printed_divergence(y, t):
    d = angle(y, t)
    p = mp.cos(d) ** 2
    return logistic((2 * p - 1) * mp.log(p / (1 - p)) / mp.sin(d))


PRINTED = {
    "sse": lambda y, t: (y - t) ** 2,
    "information": lambda y, t: logistic(combined(angle(y, t)) / mp.sqrt(2)),
    "squared_information": lambda y, t: logistic(excess(y, t) / mp.sqrt(2)) ** 2,
    "energy": lambda y, t: mp.sqrt(2) * logistic(excess(y, t) / 2),
    "divergence": printed_divergence,
    "cross_entropy": lambda y, t: -t * mp.log(y),
    "logistic_sse": lambda y, t: (y - t) ** 2,
}


@cache
def summand(name, y, t):
    """f, and df/dy by a central difference of relative step 1e-100."""
    f, step = PRINTED[name], y * (1 - y) * mp.mpf(10) ** -100
    return f(y, t), (f(y + step, t) - f(y - step, t)) / (2 * step)


@cache
def exact(name, logits, target):
    """Value and gradient of the printed formula at the very numbers that the loss was given."""
    z, t = [mp.mpf(v) for v in logits], [mp.mpf(v) for v in target]
    if name == "logistic_sse":
        y = [logistic(v) for v in z]
    else:
        weights = [mp.exp(v - max(z)) for v in z]
        y = [w / mp.fsum(weights) for w in weights]
    values, slopes = zip(*(summand(name, *pair) for pair in zip(y, t, strict=True)), strict=True)
    if name == "logistic_sse":
        gradient = [g * yk * (1 - yk) for g, yk in zip(slopes, y, strict=True)]
    else:
        mean = mp.fsum(g * yk for g, yk in zip(slopes, y, strict=True))
        gradient = [yk * (g - mean) for g, yk in zip(slopes, y, strict=True)]
    return mp.fsum(values), gradient


def errors(name, logits, target):
    """Return the errors of value and gradient for one sample; `target` an index or a tensor."""
    z = logits.clone().requires_grad_()
    soft = isinstance(target, torch.Tensor)
    value = find_loss(name)(z[None], target[None] if soft else torch.tensor([target]))
    value.backward()
    assert value.isfinite()
    assert z.grad.isfinite().all()
    t = target if soft else functional.one_hot(torch.tensor(target), len(logits))
    true_value, true_gradient = exact(name, tuple(logits.tolist()), tuple(t.tolist()))
    least = mp.mpf(torch.finfo(logits.dtype).tiny)
    off = max(abs(mp.mpf(g) - e) for g, e in zip(z.grad.tolist(), true_gradient, strict=True))
    return (
        float(abs(mp.mpf(value.item()) - true_value) / max(abs(true_value), least)),
        float(off / max(least, *map(abs, true_gradient))),
    )


def assert_right(name, logits, target):
    value, gradient = errors(name, logits, target)
    limit = TOLERANCE[logits.dtype]
    assert value <= limit, (name, logits.tolist(), target)
    assert gradient <= limit, (name, logits.tolist(), target)


every_loss_and_dtype = pytest.mark.parametrize(
    ("name", "dtype"), [(n, d) for n in LOSSES for d in TOLERANCE], ids=str
)


@every_loss_and_dtype
@pytest.mark.parametrize("classes", [2, 10])
def test_value_and_gradient_are_right_at_every_gap(name, dtype, classes):
    spread = torch.randn(classes, generator=torch.Generator().manual_seed(classes))
    for gap in GAPS:
        for rest in (torch.zeros(classes), spread):
            if classes == 2 and rest is spread:
                continue
            logits = rest.to(dtype)
            logits[0] += gap
            for target in (0, 1):
                assert_right(name, logits, target)


@every_loss_and_dtype
def test_value_and_gradient_are_right_at_random_logits(name, dtype):
    generator = torch.Generator().manual_seed(7)
    for scale in (0.1, 1.0, 10.0, 30.0, 60.0):
        for _ in range(4):
            logits = (torch.randn(10, generator=generator) * scale).clamp(-100, 100).to(dtype)
            target = int(torch.randint(10, (1,), generator=generator))
            assert_right(name, logits, target)


@every_loss_and_dtype
def test_value_and_gradient_are_right_for_probability_targets(name, dtype):
    generator = torch.Generator().manual_seed(3)
    for scale in (0.3, 3.0, 30.0, 60.0):
        for smoothing in (1.0, 1e-1, 1e-6, 1e-20):
            logits = (torch.randn(10, generator=generator) * scale).to(dtype)
            soft = torch.randn(10, generator=generator).softmax(-1) * smoothing
            soft[int(torch.randint(10, (1,), generator=generator))] += 1 - smoothing
            assert_right(name, logits, soft.to(dtype))


@every_loss_and_dtype
@pytest.mark.parametrize("apart", [0, 1e-12, 1e-6, 1e-3, 0.009, 0.02, 0.2, 0.3])
def test_a_gradient_far_below_tied_rivals_is_right(name, dtype, apart):
    # Each rival's own term is of order 1 and cancels; what is left is the target's, e^−gap or so,
    # and what tells the rivals apart.
    for rivals in (2, 9):
        for gap in (20.0, 200.0):
            logits = torch.full((10,), -gap, dtype=dtype)
            logits[:rivals] = torch.linspace(0, apart, rivals)
            assert_right(name, logits, 9)
            if name != "logistic_sse":
                smooth = torch.full_like(logits, 1e-3)
                smooth[9] = 0.991
                assert_right(name, logits, smooth)


@every_loss_and_dtype
def test_tied_rivals_may_have_different_targets(name, dtype):
    logits = torch.tensor([100, 100, 100, 99.9999, *6 * [-60]], dtype=dtype)
    target = torch.tensor([1e-35, 1e-20, 4e-8, 1e-3, *5 * [1e-4], 0.998], dtype=dtype)
    assert_right(name, logits, target)


@pytest.mark.parametrize("name", [n for n in LOSSES if n != "logistic_sse"])
def test_float32_is_within_its_tolerance_of_float64_on_thousands_of_random_logits(name):
    generator = torch.Generator().manual_seed(11)
    for classes, scale in ((2, 50.0), (10, 3.0), (10, 50.0)):
        logits = (torch.randn(5000, classes, generator=generator) * scale).clamp(-100, 100)
        target = torch.randint(classes, (5000,), generator=generator)
        single, double = logits.clone().requires_grad_(), logits.double().requires_grad_()
        find_loss(name)(single, target, "sum").backward()
        find_loss(name)(double, target, "sum").backward()
        off = (single.grad - double.grad).abs().amax(-1)
        size = double.grad.abs().amax(-1).clamp(min=torch.finfo(torch.float32).tiny)
        # The divergence loss has saddle points between its rivals; the gradient passes through 0
        # there, and no relative error can hold: 1 sample in 3,000 may lie that near to one.
        assert (off / size > 1e-5).sum() <= (5 if name == "divergence" else 0)


def naive(name, logits, target):
    """Evaluate the printed formula in the logits' own precision."""
    y = logits.softmax(-1)
    d = (y - target + 1) * (torch.pi / 4)
    energy = -d.sin() * d.cos().log() - d.cos() * d.sin().log()
    over = energy - 2**-0.5 * torch.tensor(2.0).log()
    p = d.cos().square()
    return {
        "information": lambda: 1 / (1 + torch.exp(-energy / 2**0.5)),
        "squared_information": lambda: (1 + torch.exp(-over / 2**0.5)) ** -2,
        "energy": lambda: 2**0.5 / (1 + torch.exp(-over / 2)),
        "divergence": lambda: 1 / (1 + torch.exp(-(2 * p - 1) * (p / (1 - p)).log() / d.sin())),
        "sse": lambda: (y - target).square(),
        "cross_entropy": lambda: -target * y.log(),
    }[name]().sum(-1)


@pytest.mark.parametrize("name", [n for n in LOSSES if n != "logistic_sse"])
def test_the_naive_formula_is_wrong_at_a_gap_of_twenty_in_float32(name):
    def error(wrong: bool) -> float:
        logits = torch.tensor([20.0, 0.0], requires_grad=True)
        target = torch.tensor([0.0, 1.0] if wrong else [1.0, 0.0])
        (got,) = torch.autograd.grad(naive(name, logits, target), logits)
        assert_right(name, logits.detach(), 1 if wrong else 0)
        _, true = exact(name, tuple(logits.tolist()), tuple(target.tolist()))
        return float(max(abs(mp.mpf(g) - e) for g, e in zip(got.tolist(), true, strict=True))) / (
            float(max(map(abs, true)))
        )

    assert not (error(wrong=True) < 0.1 and error(wrong=False) < 0.1)  # nan is not < 0.1
