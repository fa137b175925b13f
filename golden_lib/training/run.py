"""The loop: a run of R networks with η and α in reach between steps."""

from time import perf_counter

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm  # not tqdm.auto: it warns in a notebook that has no ipywidgets

from golden_lib.data import Digits
from golden_lib.data.draws import check_count
from golden_lib.nets import Network
from golden_lib.optim import Rule
from golden_lib.training.engines import Engine
from golden_lib.training.feed import Division, Feed
from golden_lib.training.records import History, Record
from golden_lib.training.step import State, evaluate, predict


class Run:
    """R networks in training: an iterator of `Record` with its state in the open; see `train`.

    Attributes:
        state: parameters, buffers and memory after the last whole step; may be replaced.
        step: updates made, of `steps` in all.
        interrupted: whether Ctrl-C ended the last loop; iterating again goes on from there.
        digits: what it trains and tests on.
    """

    def __init__(
        self,
        network: Network,
        rule: Rule,
        engine: Engine,
        state: State,
        feed: Feed,
        digits: Division,
        hyper: tuple,
        steps: int,
        every: tuple[int, int],
        progress: bool | None,
    ):
        self.network, self.state, self.digits, self.steps = network, state, digits, steps
        self.step, self.interrupted = 0, False
        self._rule, self._engine, self._feed = rule, engine, feed
        self._every, self._test_every = every
        self._hyper: dict[str, Tensor] = {}
        self.eta, self.alpha = hyper
        self._records: list[Record] = []
        self._order, self._alive, self._sums = (-1, None), None, None
        self._since, self._seconds = 0, 0.0
        bar = None if progress is None else not progress
        self._bar = tqdm(total=steps, unit="step", disable=bar)

    @property
    def eta(self) -> np.ndarray:
        """η of each replica, ``(R,)``, read-only; assign a number or ``(R,)`` for the next step."""
        return self._eta

    @eta.setter
    def eta(self, value) -> None:
        given, value = self._spread("eta", value)
        if not ((value > 0) & value.isfinite()).all():  # also refuses nan
            raise ValueError(f"eta must be > 0 and finite, got {_plain(given)}")
        self._eta, self._hyper = given, {**self._hyper, "eta": value}

    @property
    def alpha(self) -> np.ndarray:
        """α of each replica, ``(R,)``, read-only; assign a number or ``(R,)`` for the next step."""
        return self._alpha

    @alpha.setter
    def alpha(self, value) -> None:
        given, value = self._spread("alpha", value)
        if self._rule.momentum and not ((value >= 0) & (value < 1)).all():
            raise ValueError(f"alpha must be in [0, 1), got {_plain(given)}")
        if not self._rule.momentum and not ((value > 0) & value.isfinite()).all():
            raise ValueError(f"alpha must be > 0 and finite for DLR, got {_plain(given)}")
        self._alpha, self._hyper = given, {**self._hyper, "alpha": value}

    @property
    def history(self) -> History:
        """All records so far as arrays."""
        return History.stack(self._records, len(self.eta))

    @property
    def diverged(self) -> np.ndarray:
        """The step at which each replica's loss or logits first were not finite; −1 for never."""
        if self._alive is None:
            return np.full(len(self.eta), -1)
        alive, steps = (t.numpy(force=True) for t in self._alive)
        return np.where(alive > 0, -1, steps + 1)

    def finish(self) -> "Run":
        """Train to the end, or to Ctrl-C, and return this run."""
        for _ in self:
            pass
        return self

    def predict(self) -> np.ndarray:
        """Classes that each replica gives to the test digits, ``(R, M)``."""
        found = predict(self.network, self.state, self.digits.test, self.digits.test_index)
        return found.numpy(force=True)

    def mistakes(self, replica: int = 0) -> tuple[Digits, np.ndarray]:
        """The test digits that a replica gets wrong, and what it took them for."""
        index = self.digits.test_index
        index = index[replica] if index.dim() == 2 else index
        tested, found = self.digits.test[index], self.predict()[replica]
        wrong = found != tested.labels.numpy(force=True)
        return tested[torch.from_numpy(wrong).to(index.device)], found[wrong]

    @property
    def filters(self) -> np.ndarray:
        """The first layer's weights as images, ``(R, units, height, width)``."""
        return self.network.first_layer(self.state.params).numpy(force=True)

    def __iter__(self) -> "Run":
        self.interrupted = False
        return self

    def __next__(self) -> Record:
        if self.interrupted or self.step >= self.steps:
            self._bar.close()
            raise StopIteration
        try:
            self.advance(self._every - self.step % self._every)
            return self.record(self.step == self.steps or self.step % self._test_every == 0)
        except KeyboardInterrupt:
            self.interrupted = True
            if not self._since:
                self._bar.close()
                raise StopIteration from None
            return self.record(test=False)

    def advance(self, count: int = 1) -> None:
        """Make some steps without a record, by the η and α of this moment.

        For loops of one's own, such as a panel whose sliders act at any step; iterating does the
        same, from record to record. A Ctrl-C leaves whole steps.

        Args:
            count: steps, at least 1; fewer are made where the run ends before.

        Raises:
            ValueError: if `count` is no whole number from 1 on.
        """
        began, goal = perf_counter(), min(self.step + check_count("count", count), self.steps)
        grad = torch.is_grad_enabled()
        try:
            while self.step < goal:
                self._advance(goal - self.step)
        finally:
            # A Ctrl-C on the way into or out of torch.no_grad would leave it off for good.
            torch.set_grad_enabled(grad)
            self._seconds += perf_counter() - began

    def record(self, test: bool = True) -> Record:
        """Close a record over the steps since the last one, and keep it in `history`.

        Args:
            test: whether to measure the test accuracy now.

        Raises:
            ValueError: if no step was made since the last record.
        """
        if not self._since:
            raise ValueError(f"a record must have a step in it, got none since step {self.step}")
        began, grad = perf_counter(), torch.is_grad_enabled()
        loss, right = (s.numpy(force=True) / self._since for s in self._sums)
        try:
            tested = np.full_like(loss, np.nan) if not test else self._test().numpy(force=True)
        finally:
            torch.set_grad_enabled(grad)
        self._since = 0
        self._seconds += perf_counter() - began
        epoch = self.step / self._feed.steps
        record = Record(
            self.step, epoch, self._seconds, loss, right, np.float64(tested), self.eta, self.alpha
        )
        self._records.append(record)
        self._bar.set_postfix({"loss": loss.mean(), "test": tested.mean()}, refresh=False)
        return record

    def _advance(self, most: int) -> None:
        """Up to `most` steps, kept whole: a Ctrl-C cuts only what the last line has not stored.

        As many as the engine makes at once, but not past an epoch's end.
        """
        epoch, number = divmod(self.step, self._feed.steps)
        if self._order[0] != epoch:
            self._order = epoch, self._feed.order(epoch)
        count = min(most, self._feed.steps - number, self._engine.longest)
        picks = self._feed.picks(self._order[1], number, count)
        state, seen = self._engine.advance(self.state, picks, self._hyper)
        finite = seen["finite"].long()
        alive = finite.cumprod(0) if self._alive is None else self._alive[0] * finite.cumprod(0)
        lived = alive.sum(0) if self._alive is None else self._alive[1] + alive.sum(0)
        # In double precision: an epoch of online training sums 60,000 of them.
        sums = [seen[k].sum(0, dtype=torch.double) for k in ("loss", "accuracy")]
        if self._since:
            sums = [before + now for before, now in zip(self._sums, sums, strict=True)]
        done = state, (alive[-1], lived), sums, self.step + count, self._since + count
        self.state, self._alive, self._sums, self.step, self._since = done
        self._bar.update(count)

    def _test(self) -> Tensor:
        return evaluate(self.network, self.state, self.digits.test, self.digits.test_index)

    def _spread(self, name: str, value) -> tuple[np.ndarray, Tensor]:
        """A setting as given and as the step takes it, both ``(R,)``."""
        some = next(iter(self.state.params.values()))
        value = value.numpy(force=True) if isinstance(value, Tensor) else value
        given = np.array(value, dtype=np.float64)
        if given.shape not in ((), (len(some),)):
            raise ValueError(
                f"{name} must be a number or have shape ({len(some)},), got shape {given.shape}"
            )
        given = np.broadcast_to(given, len(some))  # read-only: its elements are no sliders
        return given, torch.tensor(given.tolist(), dtype=some.dtype, device=some.device)


def _plain(given: np.ndarray) -> float | list[float]:
    """What was given, for a message: one number where it is the same for all."""
    return given[0].item() if (given == given[0]).all() or len(given) == 1 else given.tolist()
