"""Table 1 of G20 and Table I of G22: losses compared on the CNN, as printed and tuned."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, ClassVar, Final, NamedTuple

import numpy as np

from golden_lib.experiments.experiment import Experiment, entry
from golden_lib.experiments.options import option
from golden_lib.golden import ALPHA, ETA
from golden_lib.results import Row, row
from golden_lib.sweeps import Block, Result

NO_MOMENTUM: Final = 0.0
_CNN: Final = {"network": "cnn", "rule": "delta", "batch_size": 128}


class Condition(NamedTuple):
    """A line of the papers' table."""

    label: str
    loss: str
    alpha: float
    paper: str


CONDITIONS: Final = (
    Condition("SSE without momentum", "sse", NO_MOMENTUM, "77.4 ± 10"),
    Condition("SSE with momentum", "sse", ALPHA, "98.9 ± 1"),
    Condition("G20 Eq. 24 with momentum", "squared_information", ALPHA, "99.4 ± 0.1"),
    Condition("G22 Eq. 26 with momentum", "energy", ALPHA, "99.4 ± 0.06"),
    Condition("cross-entropy with momentum", "cross_entropy", ALPHA, ""),
)
"""The papers' four lines, and cross-entropy, which they discuss but do not measure."""


@dataclass(frozen=True)
class Table1(Experiment):
    """G20's Table 1 and G22's Table I: all at the golden η, and α golden or 0.

    A block is one condition and one fold, with `runs` networks that share their batches. Fold k's
    run r starts from seed k + r·folds, the same for all conditions: no two of the networks that a
    mean is over have the same initial weights.
    """

    QUESTION: ClassVar = "Table 1 of G20, Table I of G22: which loss is best at the golden η and α?"
    PAPER: ClassVar = (
        "accuracy after 30 epochs, 10 folds, 10 runs a fold: SSE without momentum 77.4 ± 10 %, "
        "SSE with momentum 98.9 ± 1 %, their own losses 99.4 ± 0.1 % (G20) and ± 0.06 % (G22)"
    )
    COST: ClassVar = (
        "about 17 s of one core for a network; 5 losses × folds × runs networks: "
        "15 core-minutes for 10 folds and 1 run each, 2.4 core-hours for 10 and 10"
    )
    QUICK: ClassVar = {"train_size": 300, "folds": 2, "runs": 1, "epochs": 2}

    folds: int = option(10, "folds of the cross-validation", least=2)
    runs: int = option(10, "networks for each loss and fold", least=1)
    epochs: int = option(30, "epochs", least=1)

    def blocks(self) -> list[Block]:
        """One for each condition and fold."""
        return [
            Block(
                f"{condition.label}, fold {k}",
                {
                    **_CNN,
                    **self.common,
                    "loss": condition.loss,
                    "eta": ETA,
                    "alpha": condition.alpha,
                    "epochs": self.epochs,
                    "fold": [k, self.folds],
                    "seeds": range(k, k + self.runs * self.folds, self.folds),
                },
            )
            for k, condition in product(range(self.folds), CONDITIONS)
        ]

    def rows(self, results: Sequence[Result]) -> list[Row]:
        """Last test accuracies of each condition, over all folds and runs."""
        return [
            row(
                condition.label,
                100 * np.concatenate([part.test_accuracy[-1] for part in parts]),
                unit="%",
                eta=ETA,
                alpha=condition.alpha,
                paper=condition.paper,
            )
            for condition, parts in self._parts(results)
        ]

    def entries(self, results: Sequence[Result]) -> list[dict[str, Any]]:
        """One for each condition, with the column ``"fold"``."""
        return [
            entry(
                condition.label,
                parts,
                fold=[part.block.settings["fold"][0] for part in parts for _ in part.seeds],
            )
            for condition, parts in self._parts(results)
        ]

    def _parts(self, results: Sequence[Result]) -> list[tuple[Condition, list[Result]]]:
        return [
            (condition, [r for r in results if r.block.label.startswith(f"{condition.label}, ")])
            for condition in CONDITIONS
        ]


@dataclass(frozen=True)
class CnnTuned(Experiment):
    """Table 1 with the confound removed: every loss over a grid of η, with momentum and without."""

    QUESTION: ClassVar = "Table 1 with the confound removed: each loss at its own best η"
    PAPER: ClassVar = "nothing: the papers train every loss at one η"
    COST: ClassVar = (
        "about 3.5 s of one core for a network of 6 epochs; 4 losses × 2 α × 6 η × seeds networks: "
        "9 core-minutes for 3 seeds"
    )
    QUICK: ClassVar = {"train_size": 300, "seeds": 1, "epochs": 1}
    LOSSES: ClassVar = {
        "SSE": "sse",
        "G20 Eq. 24": "squared_information",
        "G22 Eq. 26": "energy",
        "cross-entropy": "cross_entropy",
    }
    ETAS: ClassVar = tuple(ETA * 2.0**k for k in range(-2, 4))

    seeds: int = option(3, "networks for each loss, η and α", least=1)
    epochs: int = option(6, "epochs", least=1)

    def blocks(self) -> list[Block]:
        """One for each loss and α, with every η and seed."""
        grid = [(eta, seed) for eta in self.ETAS for seed in range(self.seeds)]
        etas, seeds = zip(*grid, strict=True)
        return [
            Block(
                f"{label}, α = {alpha:.3g}",
                {
                    **_CNN,
                    **self.common,
                    "loss": loss,
                    "eta": etas,
                    "alpha": alpha,
                    "epochs": self.epochs,
                    "seeds": seeds,
                },
            )
            for (label, loss), alpha in product(self.LOSSES.items(), (NO_MOMENTUM, ALPHA))
        ]

    def rows(self, results: Sequence[Result]) -> list[Row]:
        """Each loss with momentum and without, at the η of the highest mean accuracy."""
        found = []
        for result in results:
            cells = [100 * result.test_accuracy[-1, result.eta == eta] for eta in self.ETAS]
            best = int(np.argmax([cell.mean() for cell in cells]))
            alpha = float(result.alpha[0])
            label = result.block.label.split(", α")[0]
            word = "with" if alpha else "without"
            found.append(row(f"{label}, {word} momentum", cells[best], "%", self.ETAS[best], alpha))
        return found

    def entries(self, results: Sequence[Result]) -> list[dict[str, Any]]:
        """One for each loss, with every η, α and seed."""
        return [
            entry(label, [r for r in results if r.block.label.startswith(f"{label}, α")])
            for label in self.LOSSES
        ]
