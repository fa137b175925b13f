"""Which images train and which test, and in which order they come."""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from golden_lib.data import CLASSES, Digits, load, split
from golden_lib.data.draws import is_integer

Data = str | Digits | tuple[Digits, Digits]
Order = Literal["shared", "own"]


class Division(NamedTuple):
    """Digits to train and to test on; an index is ``(n,)``, or ``(R, n)`` own to each replica."""

    train: Digits
    train_index: Tensor
    test: Digits
    test_index: Tensor

    def to(self, device: torch.device | str) -> "Division":
        """The same division on `device`."""
        return Division(*(part.to(device) for part in self))


def divide(data: Data, test: int | Tensor | None, seed: int, replicas: int) -> Division:
    """Settle which digits train and which test.

    Args:
        data: a name in `DATASETS`, digits, or a pair to train and to test on.
        test: how many to hold out, chosen by `seed`; or the indices of those held out, ``(M,)`` or
            ``(R, M)``, as `folds` gives them; or None: MNIST's own test set if the data are
            ``"mnist"``, a tenth of the digits otherwise.
        seed: an integer ≥ 0.
        replicas: R.

    Raises:
        ValueError: if the name is unknown, `test` does not fit, or a label is no class.
    """
    if data == "mnist" and test is None:
        data = (load("mnist", train=True), load("mnist", train=False))
    if isinstance(data, tuple):
        if test is not None:
            raise ValueError(f"test must be None where data is a pair, got {test!r}")
        train, tested = data
        division = Division(train, torch.arange(len(train)), tested, torch.arange(len(tested)))
    else:
        digits = load(data) if isinstance(data, str) else data
        if not isinstance(digits, Digits):
            raise ValueError(f"data must be a name, Digits or a pair of Digits, got {data!r}")
        train_index, test_index = _indices(len(digits), test, seed, replicas)
        division = Division(digits, train_index, digits, test_index)
    for digits in (division.train, division.test):
        if not ((digits.labels >= 0) & (digits.labels < CLASSES)).all():
            low, high = digits.labels.min().item(), digits.labels.max().item()
            raise ValueError(f"labels must be in 0 … {CLASSES - 1}, got {low} … {high}")
    return division


@dataclass(frozen=True)
class Feed:
    """Shuffled batches of equal size, epoch after epoch.

    The order is a function of seed and epoch alone, so a run can go on, or go back, anywhere. The
    images left over at an epoch's end, fewer than a batch, wait for another epoch's order: all
    steps have one shape, as in the papers' MATLAB.

    Args:
        digits: images and labels, on the device.
        index: which of them train, ``(n,)`` or ``(R, n)``.
        batch_size: B, from 1 to n.
        seeds: one for an order that all replicas share, or R for an order of each one's own.
        dtype: of the images in a batch.

    Raises:
        ValueError: if `batch_size` is out of range.
    """

    digits: Digits
    index: Tensor
    batch_size: int
    seeds: tuple[int, ...]
    dtype: torch.dtype = torch.float32

    def __post_init__(self):
        n = self.index.shape[-1]
        if not is_integer(self.batch_size) or not 1 <= self.batch_size <= n:
            raise ValueError(
                f"batch_size must be a whole number from 1 to the {n} training images, "
                f"got {self.batch_size!r}"
            )

    @property
    def steps(self) -> int:
        """Steps in an epoch."""
        return self.index.shape[-1] // self.batch_size

    def order(self, epoch: int) -> Tensor:
        """Indices of an epoch's images in the order they come, ``(n,)`` or ``(R, n)``."""
        n = self.index.shape[-1]
        orders = torch.from_numpy(np.stack([_permutation(n, s, epoch) for s in self.seeds]))
        orders = orders.to(self.index.device)
        if len(orders) == 1:
            return self.index[..., orders[0]]
        return self.index.expand(len(orders), -1).gather(1, orders)

    def picks(self, order: Tensor, number: int, count: int) -> Tensor:
        """Images of steps `number` to `number` + `count` of the epoch with this order.

        Returns:
            Indices ``(count, B)``, or ``(R, count, B)``.
        """
        B = self.batch_size
        return order[..., number * B : (number + count) * B].unflatten(-1, (count, B))

    def batch(self, picks: Tensor) -> tuple[Tensor, Tensor]:
        """Images and labels of a step."""
        return self.digits.images[picks].to(self.dtype), self.digits.labels[picks]


def _permutation(n: int, seed: int, epoch: int) -> np.ndarray:
    """A random order by sorting raw bits, whose stream NumPy keeps for all time (NEP 19)."""
    bits = np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(epoch,))).random_raw(n)
    return np.argsort(bits, kind="stable")


def _indices(n: int, test, seed: int, replicas: int) -> tuple[Tensor, Tensor]:
    """Indices to train on and to test on, from a number or from the indices held out."""
    if not isinstance(test, Tensor):
        if test == 0:
            return torch.arange(n), torch.arange(0)
        return split(n, max(1, n // 10) if test is None else test, seed)
    if test.dim() not in (1, 2) or (test.dim() == 2 and len(test) != replicas):
        raise ValueError(
            f"test must have shape (M,) or ({replicas}, M), got shape {tuple(test.shape)}"
        )
    rows = test.reshape(-1, test.shape[-1])
    held = torch.zeros(len(rows), n, dtype=torch.bool)
    if not ((rows >= 0) & (rows < n)).all() or rows.shape[1] >= n:
        raise ValueError(f"test must hold fewer than {n} indices from 0 to {n - 1}, got {test!r}")
    held.scatter_(1, rows, True)
    if not (held.sum(1) == rows.shape[1]).all():
        raise ValueError(f"test must hold no index twice, got {test!r}")
    train = torch.arange(n).expand(len(rows), n)[~held].reshape(len(rows), -1)
    return train.reshape(*test.shape[:-1], -1), test
