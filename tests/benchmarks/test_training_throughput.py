"""What a run costs each side, in pytest-benchmark's groups; `python -m tests.benchmarks` has more.

pytest-benchmark times one function to the end before the next, so that a minute in which the
machine is busy falls on one side alone. The sides are therefore timed in turns, by `rounds` in a
process of its own for each workload, and the benchmark's clock is moved by what was measured there.
"""

from functools import cache

import pytest

from .sides import LABELS, SIDES
from .table import summarise
from .worker import ask
from .workloads import WORKLOADS

ROUNDS = 5
NOW = [0.0]


def clock():
    return NOW[0]


@cache
def measured(name):
    return summarise(ask(1, workload=name, quick=False, rounds=ROUNDS))


@pytest.mark.benchmark(timer=clock)
@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("name", WORKLOADS)
def test_cost_of_a_run(benchmark, name, side):
    row = measured(name)
    found = row["sides"][side]
    seconds = iter(found["seconds"])

    def run():
        NOW[0] += next(seconds) * row["networks"] / found["networks"]

    benchmark.group = row["title"]
    benchmark.extra_info = {"side": LABELS[side], **found}
    benchmark.pedantic(run, rounds=len(found["seconds"]))
    assert next(seconds, None) is None
