"""Who works with a CPU's cores: PyTorch's operators, or compiled loops."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch

_kept = threading.local()


def for_loops() -> int:
    """Threads that loops may use: as many as PyTorch may, outside `loops_alone`."""
    return getattr(_kept, "threads", 0) or torch.get_num_threads()


@contextmanager
def loops_alone() -> Iterator[None]:
    """Leave the cores to loops: PyTorch's operators get one thread meanwhile.

    After an operator PyTorch's other threads wait for the next one, spinning, on the cores that the
    loops' threads were to have: with both on two cores a step of the CNN took longer than on one.
    A thread that first asks for PyTorch's number while this lasts is told 1.
    """
    threads = torch.get_num_threads()
    if threads == 1:
        yield
        return
    _kept.threads = threads
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
        _kept.threads = 0
