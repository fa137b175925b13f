"""What experiments have in common: options looked at, runs as entries of a file, a report."""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Final

import numpy as np

from golden_lib.data import DATASETS
from golden_lib.experiments.options import checked, option
from golden_lib.results import Row
from golden_lib.sweeps import Block, Result

ONLINE: Final = {"loss": "logistic_sse", "batch_size": 1, "order": "own"}
"""The DLR paper's training (Methods); each run draws its digits in an order of its own."""


@dataclass(frozen=True)
class Report:
    """What an experiment found.

    Attributes:
        rows: of its table.
        measurements: every run over time, as `golden_lib.results` keeps them.
        extra: what else its file holds, plain.
    """

    rows: list[Row]
    measurements: list[dict[str, Any]]
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Experiment:
    """One of the papers' experiments, with the options that it is to run with.

    Raises:
        ValueError: naming the option, if one is out of range.
    """

    QUESTION: ClassVar[str]
    """What it asks, in a line."""
    PAPER: ClassVar[str]
    """What the paper printed."""
    COST: ClassVar[str]
    """How long it takes, per unit of its size."""
    QUICK: ClassVar[dict[str, Any]]
    """Options of a rehearsal in well under a minute; its numbers say nothing."""

    data: str = option("digits", "data set", choices=DATASETS)
    train_size: int = option(0, "take the first so many digits of the data; 0 for all", least=0)

    def __post_init__(self):
        for each in fields(self):
            object.__setattr__(self, each.name, checked(each, getattr(self, each.name)))

    def blocks(self) -> list[Block]:
        """What is trained."""
        raise NotImplementedError

    def rows(self, results: Sequence[Result]) -> list[Row]:
        """What came out: a row for each thing compared, with mean, spread and n.

        Args:
            results: of `blocks`, in any order.
        """
        raise NotImplementedError

    def entries(self, results: Sequence[Result]) -> list[dict[str, Any]]:
        """Every run over time, for the file.

        Args:
            results: of `blocks`, in any order.
        """
        raise NotImplementedError

    def report(
        self, results: Sequence[Result], device: str = "auto", progress: bool | None = None
    ) -> Report:
        """Rows and entries, and whatever else has to be trained for them.

        Args:
            results: of `blocks`, in any order.
            device: as for `golden_lib.training.train`.
            progress: likewise.
        """
        ordered = in_order(self.blocks(), results)
        return Report(self.rows(ordered), self.entries(ordered))

    @property
    def common(self) -> dict[str, Any]:
        """Settings of all blocks: the data, and how many of them."""
        return {"data": self.data, "train_size": self.train_size or None}


def in_order(blocks: Sequence[Block], results: Sequence[Result]) -> list[Result]:
    """The results in the order of the blocks, in which a sweep need not yield them."""
    by_label = {result.block.label: result for result in results}
    return [by_label[block.label] for block in blocks]


def entry(
    label: str, results: Sequence[Result], *, most: int | None = None, **extra: Any
) -> dict[str, Any]:
    """One measurement of a results file: the replicas of several results side by side.

    Args:
        label: of the measurement.
        results: with the same number of records.
        most: keep so many records at most, evenly spread, always the last one.
        extra: further columns.

    Returns:
        Plain values: lists over T records or R replicas, and lists of R lists over T.
    """
    first = results[0]
    records = len(first.epoch)
    kept = np.arange(records)
    if most is not None and most < records:
        kept = np.unique(np.linspace(records / most, records, most).round().astype(int) - 1)
    wide = {
        name: np.concatenate([getattr(result, name) for result in results], axis=-1)
        for name in ("seeds", "eta", "alpha", "diverged", "test_accuracy", "loss")
    }
    varied = {"seeds", "eta", "alpha", "fold", "train_size"}
    settings = {k: str(v) for k, v in first.block.settings.items() if k not in varied}
    return {
        "label": label,
        "settings": settings,
        "step": first.step[kept].tolist(),
        "epoch": np.round(first.epoch[kept], 4).tolist(),
        "seed": wide["seeds"].tolist(),
        "eta": short(wide["eta"], 8),
        "alpha": short(wide["alpha"], 8),
        "diverged": wide["diverged"].tolist(),
        "test_accuracy": [short(row, 5) for row in wide["test_accuracy"][kept].T],
        "loss": [short(row, 4) for row in wide["loss"][kept].T],
        "seconds": round(sum(result.seconds for result in results), 1),
        **extra,
    }


def short(values: Sequence[float] | np.ndarray, digits: int) -> list[float | None]:
    """Numbers to so many digits; None, which JSON has, for what is not finite."""
    return [float(f"{x:.{digits}g}") if np.isfinite(x) else None for x in values]


def epoch_steps(data: str, train_size: int) -> int:
    """Updates in an epoch, one digit each; 0 as `train_size` takes all digits of the data."""
    if data == "mnist":
        return train_size or 60_000
    size = train_size or 10_000
    return size - max(1, size // 10)
