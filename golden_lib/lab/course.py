"""A run as a lab needs it: moves of η and α, records, and moments to go back to; no threads."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isfinite
from time import perf_counter
from typing import Any, Final

import numpy as np

from golden_lib.data import load
from golden_lib.lab.link import Move
from golden_lib.lab.settings import Settings, rhythm
from golden_lib.nets import Mlp, Network, find_network
from golden_lib.training import History, Record, Run, State, train
from golden_lib.training.feed import Data

SLICE: Final = 0.04
"""Seconds of training in one go: between two of them a move of η or α takes effect."""
KEPT: Final = 24
"""Moments that a run keeps to be rewound to."""
KEPT_BYTES: Final = 100_000_000
"""Memory that they may take: a plane's state is R times as large as a network's."""


@dataclass(frozen=True)
class Moment:
    """Where a run was: all that is needed to go on from there."""

    step: int
    state: State
    eta: np.ndarray
    alpha: np.ndarray


class Course:
    """R networks on their way, each step as `golden_lib.training.train` makes it.

    Args:
        settings: of the run; its η and α are those of all replicas, if none are given below.
        planned: moves to be made again, in ascending order of their steps.
        eta: η of each replica, ``(R,)``, for a plane.
        alpha: α of each replica, ``(R,)``.
        data: what the settings' name stands for, where it has been loaded before.

    Attributes:
        settings: with η and α as they were at step 0.
        moves: made so far, ascending.
        records: so far.

    Raises:
        ValueError: if the batch is larger than the training set.
        OSError: if the data are not to be had.
    """

    def __init__(
        self,
        settings: Settings,
        planned: Sequence[Move] = (),
        *,
        eta: Sequence[float] | None = None,
        alpha: Sequence[float] | None = None,
        data: Data | None = None,
    ):
        self.settings = settings
        self.data = load_data(settings.data) if data is None else data
        self.replicas = 1 if eta is None else len(eta)
        self.moves: list[Move] = []
        self.records: list[Record] = []
        self._planned = deque(planned)
        hyper = (settings.eta, settings.alpha) if eta is None else (eta, alpha)
        self._run, self._origin = self._fresh(*hyper), 0
        self.steps_per_epoch = self._run.steps // settings.epochs
        self.every, self.test_every = rhythm(self.steps_per_epoch)
        self._moments = {0: self._moment()}
        self._stride, self._pace, self._before = 1, 1, 0.0
        self._take_planned()

    @property
    def step(self) -> int:
        """Updates made."""
        return self._run.step

    @property
    def total(self) -> int:
        """Updates that the run has at its end."""
        return self._run.steps

    @property
    def eta(self) -> np.ndarray:
        """η of the next step, ``(R,)``."""
        return self._run.eta

    @property
    def alpha(self) -> np.ndarray:
        """α of the next step, ``(R,)``."""
        return self._run.alpha

    @property
    def run(self) -> Run:
        """The run under way; another one after each `rewind`."""
        return self._run

    @property
    def network(self) -> Network:
        """The network that trains."""
        return self._run.network

    @property
    def diverged(self) -> np.ndarray:
        """The step at which each replica's numbers ceased to be finite, −1 for never, ``(R,)``."""
        steps = self._run.diverged
        return np.where(steps < 0, steps, steps + self._origin)

    @property
    def is_over(self) -> bool:
        """Whether there is nothing left to train: the end is reached, or all have diverged."""
        return self.step >= self.total or bool((self.diverged >= 0).all())

    @property
    def moments(self) -> list[int]:
        """Steps that `rewind` can go to."""
        return sorted(self._moments)

    @property
    def history(self) -> History:
        """All records so far as arrays."""
        return History.stack(list(self.records), self.replicas)

    @property
    def parameters(self) -> int:
        """Parameters of one network."""
        return sum(tensor[0].numel() for tensor in self._run.state.params.values())

    def advance(self, until: int) -> tuple[Record | None, Move | None]:
        """Make a slice of steps: not past `until`, the next record or the next planned move.

        Args:
            until: the step to stop at.

        Returns:
            The record that the slice ends in, if it does, and the planned move made at its end.
        """
        stop = min(until, self.total, self.step + self.every - self.step % self.every)
        if self._planned:
            stop = min(stop, self._planned[0][0])
        count = min(stop - self.step, self._pace)
        began = perf_counter()
        self._run.advance(count)
        quicker = SLICE / max(perf_counter() - began, 1e-6)
        # The first slice holds what happens once, such as compiling: grow again at once.
        self._pace = max(1, int(count * min(quicker, 4)))
        record = None
        if self.step % self.every == 0 or self.step == self.total:
            record = self._record()
        return record, self._take_planned()

    def set(self, eta: Any, alpha: Any) -> bool:
        """Give η and α for the next step, each a number or ``(R,)``; planned moves are dropped.

        Returns:
            Whether anything changed.

        Raises:
            ValueError: if a value is out of the rule's range; nothing has changed then.
        """
        before = self.eta, self.alpha
        try:
            self._run.eta, self._run.alpha = eta, alpha
        except ValueError:
            self._run.eta, self._run.alpha = before
            raise
        self._planned.clear()
        now = self.eta, self.alpha
        if all(np.array_equal(a, b) for a, b in zip(before, now, strict=True)):
            return False
        self._note(float(self.eta[0]), float(self.alpha[0]))
        return True

    def extend(self, epochs: int) -> None:
        """Move the run's end, never before the present step."""
        self.settings = replace(self.settings, epochs=epochs)
        self._run.steps = max(self.step, epochs * self.steps_per_epoch)

    def rewind(self, step: int) -> int:
        """Go back to the kept moment nearest to a step; what came after is forgotten.

        Returns:
            The moment's step.
        """
        moment = self._moments[min(self._moments, key=lambda kept: (abs(kept - step), kept))]
        total = self.total
        # A run of its own, as the one so far may have diverged, and knows it.
        self._run, self._origin = self._fresh(moment.eta, moment.alpha), moment.step
        self._run.state, self._run.step, self._run.steps = moment.state, moment.step, total
        self._planned.clear()
        self._moments = {s: kept for s, kept in self._moments.items() if s <= moment.step}
        self.records = [record for record in self.records if record.step <= moment.step]
        self.moves = [move for move in self.moves if move[0] < moment.step]
        self._before = self.records[-1].seconds if self.records else 0.0
        return moment.step

    def _fresh(self, eta: Any, alpha: Any) -> Run:
        settings = self.settings
        network = settings.network
        return train(
            Mlp(hidden=settings.hidden) if network == "mlp" else find_network(network),
            settings.loss,
            settings.rule,
            self.data,
            eta=eta,
            alpha=alpha,
            seeds=[settings.seed] * self.replicas,
            seed=settings.seed,
            batch_size=settings.batch_size,
            epochs=settings.epochs,
            progress=False,
        )

    def _record(self) -> Record:
        tested = self.step % self.test_every == 0 or self.step == self.total
        record = self._run.record(tested)
        record = replace(record, seconds=record.seconds + self._before)
        self.records.append(record)
        number = self.step // self.every
        if number % self._stride == 0 and not (self.diverged >= 0).any():
            self._moments[self.step] = self._moment()
            params, _, memory = self._run.state
            kept = [params, *memory.values()]
            size = sum(tensor.nbytes for part in kept for tensor in part.values())
            most = max(2, min(KEPT, KEPT_BYTES // size))
            while len(self._moments) > most:
                self._stride *= 2
                apart = self._stride * self.every
                self._moments = {s: m for s, m in self._moments.items() if s % apart == 0}
        return record

    def _moment(self) -> Moment:
        return Moment(self.step, self._run.state, self.eta, self.alpha)

    def _note(self, eta: float, alpha: float) -> None:
        """Keep a move; at step 0 it is what the run begins with, and no move."""
        if self.step == 0:
            self.settings = self.settings.at(eta, alpha)
            self._moments[0] = self._moment()
            return
        if self.moves and self.moves[-1][0] == self.step:
            self.moves.pop()
        self.moves.append((self.step, eta, alpha))

    def _take_planned(self) -> Move | None:
        """Make the moves that were planned for this step."""
        made = None
        while self._planned and self._planned[0][0] <= self.step:
            made = self._planned.popleft()
            self._run.eta, self._run.alpha = made[1:]
            self._note(*made[1:])
        return made


def load_data(name: str) -> Data:
    """The digits of that name; of MNIST the pair to train and to test on, read once."""
    if name == "mnist":
        return load(name, train=True), load(name, train=False)
    return load(name)


def columns(records: Sequence[Record]) -> dict[str, list]:
    """Records as plain lists by name, None for what is not finite; R values each where R > 1."""
    names = ("loss", "train_accuracy", "test_accuracy", "eta", "alpha")
    table: dict[str, list] = {
        "step": [record.step for record in records],
        "epoch": [record.epoch for record in records],
    }
    for name in names:
        values = [[_plain(v) for v in getattr(record, name)] for record in records]
        table[name] = [row[0] if len(row) == 1 else row for row in values]
    return table


def _plain(value: float) -> float | None:
    return float(value) if isfinite(value) else None
