"""The race on MNIST: the DLR paper's rules after two epochs, with 30 and 100 hidden units."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, ClassVar

from golden_lib.data import DATASETS
from golden_lib.experiments.dlr import RULES, columns
from golden_lib.experiments.experiment import ONLINE, Experiment, entry, epoch_steps
from golden_lib.experiments.options import option
from golden_lib.results import Row, row
from golden_lib.sweeps import Block, Result


@dataclass(frozen=True)
class Race(Experiment):
    """Two epochs of MNIST, one digit at a time: each rule over its own pairs of η and α."""

    HIDDEN: ClassVar[int]
    GRIDS: ClassVar[dict[str, tuple[tuple[float, ...], tuple[float, ...]]]]
    QUICK: ClassVar = {"train_size": 600, "seeds": 1, "epochs": 1}

    data: str = option("mnist", "data set", choices=DATASETS)
    seeds: int = option(3, "networks for each rule and pair", least=1)
    epochs: int = option(2, "epochs", least=1)

    def blocks(self) -> list[Block]:
        """One for each rule, with every pair and seed; all see the digits in the same order."""
        common = {**self.common, **ONLINE, "order": "shared", "epochs": self.epochs}
        common["network"] = {"name": "mlp", "hidden": self.HIDDEN}
        common["every"] = max(1, epoch_steps(self.data, self.train_size) // 20)
        return [
            Block(name, {**common, "rule": RULES[name], **columns(product(*grid), self.seeds)})
            for name, grid in self.GRIDS.items()
        ]

    def rows(self, results: Sequence[Result]) -> list[Row]:
        """Last test accuracies of each rule at the pair with the highest mean."""
        found = []
        for result in results:
            cells = {}
            for pair in zip(result.eta.tolist(), result.alpha.tolist(), strict=True):
                kept = (result.eta == pair[0]) & (result.alpha == pair[1])
                cells[pair] = 100 * result.test_accuracy[-1, kept]
            best = max(cells, key=lambda pair: cells[pair].mean())
            found.append(row(result.block.label, cells[best], "%", *best))
        return found

    def entries(self, results: Sequence[Result]) -> list[dict[str, Any]]:
        """One for each rule."""
        return [entry(result.block.label, [result]) for result in results]


@dataclass(frozen=True)
class Race30(Race):
    """All four rules with 30 hidden units."""

    QUESTION: ClassVar = "DLR against SGD, Nesterov and Adam on MNIST online, 30 hidden units"
    PAPER: ClassVar = "DLR reaches 96 % with 29.7 ± 1.6 hidden units; the others need more"
    COST: ClassVar = "an epoch takes one core 0.5 s a network, twice that with Adam: 2 minutes"
    HIDDEN: ClassVar = 30
    GRIDS: ClassVar = {
        "SGD": ((0.05, 0.1, 0.2, 0.4, 0.8, 1.6), (0.0,)),
        "Nesterov": ((0.01, 0.03, 0.1), (0.5, 0.9)),
        "Adam": ((0.0003, 0.001, 0.003), (0.5, 0.9)),
        "DLR": ((0.35, 0.7, 1.4), (0.3, 1.0)),
    }


@dataclass(frozen=True)
class Race100(Race):
    """DLR and SGD with 100 hidden units."""

    QUESTION: ClassVar = "DLR against SGD on MNIST online, 100 hidden units"
    PAPER: ClassVar = "DLR reaches 96 % in 0.77 ± 0.10 epochs (Figure 3)"
    COST: ClassVar = "an epoch takes one core 1 s a network: half a minute"
    HIDDEN: ClassVar = 100
    GRIDS: ClassVar = {"SGD": ((0.2, 0.4), (0.0,)), "DLR": ((0.7,), (0.5,))}
