"""Timing in turns: all sides of a workload, round by round, in one process."""

import gc
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Final

from golden_lib.timings import SEQUENTIAL

from .sides import find_side
from .workloads import Workload

SHORTEST: Final = 0.2
"""Seconds of training in a side's round, at least: shorter runs are repeated and averaged."""


def part(work: Workload, side: str) -> Workload:
    """What a side trains: all networks, or a few where it takes one after the other."""
    return work.first(work.alone) if side in SEQUENTIAL else work


def once(work: Workload, side: str) -> tuple[float, float]:
    """Seconds to make fresh networks, and to train them to the end."""
    began = perf_counter()
    training = find_side(side)(part(work, side))
    made = perf_counter()
    training.run()
    return made - began, perf_counter() - made


def one_round(work: Workload, side: str, shortest: float = SHORTEST) -> float:
    """Mean seconds of the training in a run, over as many fresh runs as fill `shortest`."""
    gc.collect()  # what an earlier side left is not paid for by the next
    spent = [once(work, side)[1]]
    while sum(spent) < shortest:
        spent.append(once(work, side)[1])
    return sum(spent) / len(spent)


def in_turns(
    work: Workload, sides: Sequence[str], rounds: int, shortest: float = SHORTEST
) -> dict[str, list[float]]:
    """Seconds of a run in each round, the sides in turns, A B C D A B C D …, each warm already."""
    seconds = {side: [] for side in sides}
    for _ in range(rounds):
        for side in sides:
            seconds[side].append(one_round(work, side, shortest))
    return seconds


def peak_memory(work: Workload, side: str) -> dict[str, int | None]:
    """Bytes that this process holds with all imported, and the most in two steps; None off Linux.

    To be asked of a fresh process: memory once held is seldom given back.
    """
    find_side(side)
    before = _resident("VmRSS")
    once(replace(work, images=2 * work.batch, epochs=1), side)
    return {"before": before, "peak": _resident("VmHWM")}


def _resident(field: str) -> int | None:
    # Not getrusage: a child starts with its parent's maximum there.
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return int(dict(line.split(":", 1) for line in lines)[field].split()[0]) * 1024
