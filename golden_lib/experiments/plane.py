"""The plane of learning rate and momentum: where a network learns, and where the golden pair is."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, ClassVar

import numpy as np

from golden_lib.experiments.experiment import Experiment, entry
from golden_lib.experiments.options import option
from golden_lib.golden import ALPHA, ETA
from golden_lib.losses import LOSSES
from golden_lib.nets import NETWORKS
from golden_lib.optim import RULES, find_rule
from golden_lib.results import Row, row
from golden_lib.sweeps import Block, Result


@dataclass(frozen=True)
class Plane(Experiment):
    """Accuracy over η × α × seeds, for any network, loss and rule.

    η is spread evenly in its logarithm; α evenly in itself, and for DLR, whose α is a size and not
    a share, in its logarithm. The golden η, and the golden α where the rule has momentum, are added
    to what the ranges give, so that the golden pair is a point of the plane. A block is one α.
    """

    QUESTION: ClassVar = "where on the plane of η and α does a network learn, and where is gold?"
    PAPER: ClassVar = "one point of it: η = 0.0159, α = 0.874 (G20, Eq. 23, 25; G22, Eq. 28, 29)"
    COST: ClassVar = (
        "etas × alphas × seeds networks (72 by default, with the golden lines); an epoch of 9,000 "
        "digits takes one core 0.05 s for an mlp of 30 hidden units, about 0.8 s for a cnn"
    )
    QUICK: ClassVar = {"train_size": 300, "etas": 2, "alphas": 2, "seeds": 1, "epochs": 1}

    network: str = option("mlp", "network", choices=NETWORKS)
    hidden: int = option(30, "hidden units of the mlp", least=1)
    loss: str = option("energy", "loss", choices=LOSSES)
    rule: str = option("delta", "update rule", choices=RULES)
    batch_size: int = option(32, "digits a step", least=1)
    epochs: int = option(3, "epochs", least=1)
    seeds: int = option(1, "networks at each point", least=1)
    etas: int = option(8, "learning rates", least=1)
    eta_least: float = option(0.001, "least η", above=0)
    eta_greatest: float = option(2.0, "greatest η", above=0)
    alphas: int = option(7, "momenta, or α of DLR", least=1)
    alpha_least: float = option(0.0, "least α; for DLR it must be > 0", least=0)
    alpha_greatest: float = option(0.96, "greatest α", least=0)

    def __post_init__(self):
        super().__post_init__()
        for name in ("eta", "alpha"):
            low, high = getattr(self, f"{name}_least"), getattr(self, f"{name}_greatest")
            if low > high:
                raise ValueError(f"{name}_greatest must be >= {name}_least = {low:g}, got {high:g}")
        if not self._momentum and not self.alpha_least > 0:
            raise ValueError(f"alpha_least must be > 0 for {self.rule}, got {self.alpha_least:g}")
        if self._momentum and not self.alpha_greatest < 1:
            raise ValueError(
                f"alpha_greatest must be < 1 for {self.rule}, got {self.alpha_greatest:g}"
            )

    @property
    def eta_grid(self) -> np.ndarray:
        """The η of the plane, in order."""
        return np.union1d(np.geomspace(self.eta_least, self.eta_greatest, self.etas), [ETA])

    @property
    def alpha_grid(self) -> np.ndarray:
        """The α of the plane, in order."""
        if self._momentum:
            spread = np.linspace(self.alpha_least, self.alpha_greatest, self.alphas)
            return np.union1d(spread, [ALPHA])
        return np.geomspace(self.alpha_least, self.alpha_greatest, self.alphas)

    def blocks(self) -> list[Block]:
        """One for each α, with every η and seed."""
        grid = list(product(self.eta_grid.tolist(), range(self.seeds)))
        etas, seeds = zip(*grid, strict=True)
        network = {"name": "mlp", "hidden": self.hidden} if self.network == "mlp" else self.network
        common = {**self.common, "network": network, "loss": self.loss, "rule": self.rule}
        common |= {"batch_size": self.batch_size, "epochs": self.epochs}
        return [
            Block(f"α = {alpha:.6g}", {**common, "eta": etas, "alpha": alpha, "seeds": seeds})
            for alpha in self.alpha_grid.tolist()
        ]

    def rows(self, results: Sequence[Result]) -> list[Row]:
        """Last test accuracies at each point; α by α, and in each from the least η on."""
        found = []
        for result in results:
            alpha = float(result.alpha[0])
            for eta in self.eta_grid.tolist():
                golden = self._momentum and (eta, alpha) == (ETA, ALPHA)
                values = 100 * result.test_accuracy[-1, result.eta == eta]
                found.append(row("golden pair" if golden else "", values, "%", eta, alpha))
        return found

    def entries(self, results: Sequence[Result]) -> list[dict[str, Any]]:
        """One, called "plane", with every η, α and seed."""
        return [entry("plane", results, most=max(1, 20_000 // sum(len(r.seeds) for r in results)))]

    @property
    def _momentum(self) -> bool:
        return find_rule(self.rule).momentum
