"""Whether a rival does the same work: the same losses and weights after the same batches."""

import numpy as np
import torch

from .sides import OURS, find_side
from .workloads import WORKLOADS, Workload

TOLERANCE = {torch.float64: 1e-9, torch.float32: 2e-3}
"""Largest `difference` that rounding explains in ten steps."""

UNMOVED = 1e-2
"""A way too short to be a unit: the convolution's bias moves by rounding alone."""


def difference(work: Workload, side: str) -> float:
    """Largest distance of a rival's weights and losses from the library's.

    Both start from the same weights and see the same batches. A weight's distance is in units of
    the longest way that any weight of its tensor has gone, and of `UNMOVED` at least.
    """
    ours = find_side(OURS)(work)
    theirs = find_side(side)(work, work.orders())
    ours.run()
    theirs.run()
    a, b, start = ours.outcome(), theirs.outcome(), work.weights()
    found = [np.abs(a.loss - b.loss).max() / np.abs(b.loss).max()]
    for k, first in start.items():
        way = np.abs(b.weights[k] - first.numpy()).max()
        found.append(np.abs(a.weights[k] - b.weights[k]).max() / max(way, UNMOVED))
    return float(max(found)) if np.isfinite(found).all() else float("inf")


def check(name: str, side: str, dtype: torch.dtype) -> float:
    """The difference on the workload's small likeness, refused where it is more than rounding."""
    found = difference(WORKLOADS[name].small(dtype), side)
    if not found <= TOLERANCE[dtype]:
        raise ValueError(
            f"{side} must do the same work as {OURS} on {name} within {TOLERANCE[dtype]}, "
            f"got a difference of {found:.2g}"
        )
    return found
