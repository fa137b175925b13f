"""What a loss costs, forward and backward, beside torch's cross-entropy and a whole training step.

Run with ``python -m pytest tests/benchmarks``; needs pytest-benchmark. The factors in brackets are
ratios within the one run. Batch 128, ten classes, float32, one thread.
"""

from timeit import repeat

import pytest
import torch
from torch import nn
from torch.nn import functional

from golden_lib.losses import LOSSES, find_loss

B, C = 128, 10


def logits_and_target():
    """Return a batch as in training, where most samples are right and few have tied rivals."""
    generator = torch.Generator().manual_seed(0)
    target = torch.randint(C, (B,), generator=generator)
    logits = torch.randn(B, C, generator=generator) + 5 * functional.one_hot(target, C)
    return logits.requires_grad_(), target


def forward_and_backward(loss):
    logits, target = logits_and_target()
    return lambda: torch.autograd.grad(loss(logits, target), logits)


def training_step(loss):
    """Return one step of the golden-ratio papers' CNN, written with torch alone."""
    generator = torch.Generator().manual_seed(1)
    network = nn.Sequential(
        nn.Conv2d(1, 20, 5), nn.BatchNorm2d(20), nn.ReLU(), nn.Flatten(), nn.Linear(11520, C)
    )
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9)
    images = torch.rand(B, 1, 28, 28, generator=generator)
    target = torch.randint(C, (B,), generator=generator)

    def step():
        optimizer.zero_grad()
        loss(network(images), target).backward()
        optimizer.step()

    return step


@pytest.mark.benchmark(group="loss, forward and backward")
@pytest.mark.parametrize("name", ["torch.cross_entropy", *LOSSES])
def test_cost_of_a_loss(benchmark, name):
    loss = functional.cross_entropy if name == "torch.cross_entropy" else find_loss(name)
    benchmark(forward_and_backward(loss))


@pytest.mark.benchmark(group="loss, forward and backward")
def test_cost_of_a_loss_with_a_sample_of_tied_rivals(benchmark):
    logits, target = logits_and_target()
    with torch.no_grad():
        logits[0], target[0] = torch.tensor([0.0, 0.01, *8 * [-30.0]]), 9
    benchmark(lambda: torch.autograd.grad(find_loss("energy")(logits, target), logits))


@pytest.mark.benchmark(group="training step of the CNN")
@pytest.mark.parametrize("name", ["torch.cross_entropy", *LOSSES])
def test_cost_of_a_training_step(benchmark, name):
    loss = functional.cross_entropy if name == "torch.cross_entropy" else find_loss(name)
    benchmark.pedantic(training_step(loss), warmup_rounds=3, rounds=20)


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_takes_at_most_a_twentieth_of_a_training_step(name):
    loss, step = forward_and_backward(find_loss(name)), training_step(find_loss(name))
    loss(), step()
    # The least time of each, taken in turns: what other processes add is not the loss's nor the
    # step's, and it falls on a mean of short calls by chance.
    losses, steps = zip(
        *(
            (min(repeat(loss, repeat=5, number=1)), *repeat(step, repeat=1, number=1))
            for _ in range(20)
        ),
        strict=True,
    )
    share = min(losses) / min(steps)
    assert share <= 0.05, f"{name} takes {share:.1%} of a step"
