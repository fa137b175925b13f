"""The networks and losses in plain PyTorch, as their papers print them."""

from collections import OrderedDict
from math import log, pi, sqrt

import torch
from torch import Tensor, nn
from torch.nn import functional

from golden_lib.nets import Cnn

from ..workloads import Workload

EDGE = 1e-6
"""Distance kept from the ends of [0, π/2], where the energies' logarithms are infinite."""


def module(work: Workload, weights: dict[str, Tensor]) -> nn.Sequential:
    """One network with the given weights, its children named as the library's parameters."""
    net = work.network
    if isinstance(net, Cnn):
        layers = {
            "conv": nn.Conv2d(1, net.filters, 5),
            "norm": nn.BatchNorm2d(net.filters),
            "relu": nn.ReLU(),
            "flatten": nn.Flatten(),
            "head": nn.Linear(net.filters * 24 * 24, net.classes),
        }
    else:
        layers = {
            "hidden": nn.Linear(28 * 28, net.hidden, bias=False),
            "sigmoid": nn.Sigmoid(),
            "output": nn.Linear(net.hidden, net.classes, bias=False),
        }
    built = nn.Sequential(OrderedDict(layers)).to(work.dtype)
    built.load_state_dict({**built.state_dict(), **weights})
    return built


def inputs(work: Workload) -> Tensor:
    """The images as the modules take them: with a channel, or flat."""
    return work.data[:, None] if isinstance(work.network, Cnn) else work.data.flatten(1)


def energy(logits: Tensor, target: Tensor) -> Tensor:
    """G22, Eq. 24 and 26 on the softmax, kept off the ends, where the plain formula is NaN."""
    d = (logits.softmax(-1) - target + 1) * (pi / 4)
    d = d.clamp(EDGE, pi / 2 - EDGE)
    e = -d.sin() * d.cos().log() - d.cos() * d.sin().log()
    return (sqrt(2) * torch.sigmoid((e - log(2) / sqrt(2)) / 2)).sum(-1).mean()


def logistic_sse(logits: Tensor, target: Tensor) -> Tensor:
    """Squared errors of logistic units, summed over classes."""
    return (logits.sigmoid() - target).square().sum(-1).mean()


LOSSES = {
    "cross_entropy": functional.cross_entropy,
    "energy": energy,
    "logistic_sse": logistic_sse,
}
"""Losses of one network's logits ``(B, C)``, means over B."""
