"""Who trains: the library through its door, and its rivals."""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final

import numpy as np

from golden_lib.data import rendered_digits
from golden_lib.timings import LABELS, OURS
from golden_lib.training import train

from .rivals import Outcome
from .workloads import Workload


class Ours:
    """`golden_lib.training.train`: one record at the end and no test set."""

    def __init__(self, work: Workload, orders=None):
        # Its own orders are those that a check gives to the others.
        self.given = train(
            work.network,
            work.loss,
            work.rule,
            rendered_digits(work.images),
            eta=work.etas,
            alpha=work.alphas,
            replicas=work.replicas,
            epochs=work.epochs,
            batch_size=work.batch,
            test=0,
            order="own" if work.own else "shared",
            every=work.steps,
            dtype=work.dtype,
            device="cpu",
            progress=False,
        )

    def run(self) -> None:
        self.given.finish()

    def outcome(self) -> Outcome:
        state = self.given.state.params | self.given.state.buffers
        loss = np.array(self.given.history.loss[-1])
        return Outcome(loss, {k: w.numpy(force=True) for k, w in state.items()})


_RIVALS: Final = {
    "loop": ("loops", "Loop"),
    "loop_in_memory": ("loops", "LoopInMemory"),
    "torch_func": ("ensemble", "Ensemble"),
    "jax": ("jitted", "Jitted"),
}

SIDES: Final = tuple(name for name in LABELS if name != "jax" or find_spec("jax"))
"""Those who can be here: JAX is optional."""


def find_side(name: str) -> Callable[..., Any]:
    """The class of a side; its package is imported only now."""
    if name == OURS:
        return Ours
    file, title = _RIVALS[name]
    return getattr(import_module(f".rivals.{file}", __package__), title)
