"""What a loss costs, forward and backward, beside torch's cross-entropy and a whole training step.

Run with ``python -m pytest tests/benchmarks``; needs pytest-benchmark. The factors in brackets are
ratios within the one run. Batch 128, ten classes, float32, one thread.
"""

from statistics import median
from timeit import repeat

import pytest
import torch
from torch import nn
from torch.nn import functional

from golden_lib.losses import LOSSES, find_loss

B, C = 128, 10


def logits_and_target():
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(B, C, generator=generator) * 3
    return logits.requires_grad_(), torch.randint(C, (B,), generator=generator)


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


@pytest.mark.benchmark(group="training step of the CNN")
@pytest.mark.parametrize("name", ["torch.cross_entropy", *LOSSES])
def test_cost_of_a_training_step(benchmark, name):
    loss = functional.cross_entropy if name == "torch.cross_entropy" else find_loss(name)
    benchmark.pedantic(training_step(loss), warmup_rounds=3, rounds=20)


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_takes_at_most_a_twentieth_of_a_training_step(name):
    loss, step = forward_and_backward(find_loss(name)), training_step(find_loss(name))
    loss(), step()
    # Taken in turns, so that a busy machine slows both alike.
    times = [
        (repeat(loss, repeat=1, number=5)[0] / 5, repeat(step, repeat=1, number=1)[0])
        for _ in range(15)
    ]
    share = median(a for a, _ in times) / median(b for _, b in times)
    assert share <= 0.05, f"{name} takes {share:.1%} of a step"
