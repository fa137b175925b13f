"""What a run yields, moment by moment and as arrays."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np


@dataclass(frozen=True)
class Record:
    """What a run yields; arrays are ``(R,)``, loss and training accuracy means since the last."""

    step: int
    """Updates made."""
    epoch: float
    """Epochs made."""
    seconds: float
    """Time spent in this run's own steps and evaluations."""
    loss: np.ndarray
    train_accuracy: np.ndarray
    """On the training batches, each before its update."""
    test_accuracy: np.ndarray
    """On the whole test set, now; NaN where it was not measured."""
    eta: np.ndarray
    alpha: np.ndarray


@dataclass(frozen=True)
class History:
    """The records of a run, one below the other: ``(T,)`` for time, ``(T, R)`` for the rest."""

    step: np.ndarray
    epoch: np.ndarray
    seconds: np.ndarray
    loss: np.ndarray
    train_accuracy: np.ndarray
    test_accuracy: np.ndarray
    eta: np.ndarray
    alpha: np.ndarray

    @classmethod
    def stack(cls, records: Sequence[Record], replicas: int) -> "History":
        """Stack records; of none, arrays of length 0."""
        columns = {}
        for name in (field.name for field in fields(cls)):
            shape = (len(records), *(() if name in ("step", "epoch", "seconds") else (replicas,)))
            columns[name] = np.array([getattr(r, name) for r in records]).reshape(shape)
        return cls(**columns)
