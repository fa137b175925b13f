"""The benchmarks' sides do the same work: equal weights and losses after equal batches."""

from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

import pytest
import torch
from benchmarks import agree
from benchmarks.rivals.loops import Loop
from benchmarks.sides import OURS, SIDES, Ours
from benchmarks.workloads import WORKLOADS

KINDS = [
    "cnn_energy",
    "online_sgd_64",
    "online_momentum_64",
    "online_dlr_64",
    "plane_mlp_30",
    "plane_cnn_16",
    "own_cnn_10",
]
"""The other workloads differ from one of these in size alone."""


@pytest.fixture(scope="module")
def elsewhere():
    """A process of its own: where JAX once was, a fork is a warning for every later test."""
    with ProcessPoolExecutor(
        1, get_context("spawn"), initializer=torch.set_num_threads, initargs=(1,)
    ) as pool:
        yield lambda *task: pool.submit(*task).result()


@pytest.mark.parametrize("side", [side for side in SIDES if side != OURS])
@pytest.mark.parametrize("name", KINDS)
def test_a_rival_ends_where_the_library_does(name, side, elsewhere):
    assert elsewhere(agree.difference, WORKLOADS[name].small(torch.float64), side) < 1e-9


def test_a_rival_whose_rate_is_a_thousandth_off_is_refused(monkeypatch):
    class Off(Loop):
        def __init__(self, work, orders):
            super().__init__(replace(work, etas=tuple(1.001 * eta for eta in work.etas)), orders)

    monkeypatch.setattr(agree, "find_side", {OURS: Ours, "loop": Off}.get)
    with pytest.raises(ValueError, match="loop must do the same work as golden_lib on plane_mlp"):
        agree.check("plane_mlp_30", "loop", torch.float64)
