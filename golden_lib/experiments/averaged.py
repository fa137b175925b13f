r"""Figure 3 of the DLR paper: is it the synapse's own learning rate, or its fall over time?

Networks trained with DLR against networks whose layers each follow a predetermined learning rate:
the average over a layer's synapses under DLR, as the paper fits it,

.. math:: η(t) = a\,e^{b t^{1/3} + c t} + d, \quad t \text{ in epochs}.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from golden_lib.data import DATASETS
from golden_lib.experiments.dlr import reached
from golden_lib.experiments.experiment import (
    ONLINE,
    Experiment,
    Report,
    entry,
    epoch_steps,
    in_order,
    short,
)
from golden_lib.experiments.options import option
from golden_lib.optim import Rule, dlr_rate
from golden_lib.results import Row, row
from golden_lib.sweeps import Block, Result
from golden_lib.sweeps.arguments import train_arguments
from golden_lib.training import train

DLR, AVERAGE = "DLR", "average rate of DLR"


@dataclass(frozen=True)
class Figure3(Experiment):
    """Figure 3: DLR against the average of its rates, layer by layer, as a schedule.

    The average is over all synapses of a layer and over the networks; those of pixels that are
    black in every digit keep the rate that they start with, and count. The networks with DLR are a
    block; what follows from them is trained in the process that asks, whatever the executor.
    """

    QUESTION: ClassVar = "Figure 3 of DLR: does each synapse need a learning rate of its own?"
    PAPER: ClassVar = (
        "to 96 % in 0.77 ± 0.10 epochs with DLR, 1.14 ± 0.22 with the average of its rates"
    )
    COST: ClassVar = (
        "an epoch of MNIST, all ten networks at once, takes one core 10 s with DLR, done twice, "
        "and about a minute with the average, whose steps are not compiled: 3 minutes"
    )
    QUICK: ClassVar = {
        "train_size": 600, "hidden": 20, "seeds": 2, "epochs": 1, "records": 10, "target": 0.5,
    }  # fmt: skip

    data: str = option("mnist", "data set", choices=DATASETS)
    hidden: int = option(100, "hidden units", least=1)
    eta: float = option(0.7, "η₀ of DLR", above=0)
    alpha: float = option(0.5, "α of DLR", above=0)
    seeds: int = option(10, "networks of each kind", least=1)
    epochs: int = option(2, "epochs, after which a network has failed", least=1)
    records: int = option(20, "test accuracies an epoch", least=1)
    target: float = option(0.96, "test accuracy to reach", above=0, most=1)

    def blocks(self) -> list[Block]:
        """One: the networks with DLR."""
        settings = {
            **ONLINE,
            **self.common,
            "network": {"name": "mlp", "hidden": self.hidden},
            "rule": "dlr",
            "eta": self.eta,
            "alpha": self.alpha,
            "epochs": self.epochs,
            "every": max(1, epoch_steps(self.data, self.train_size) // self.records),
            "seeds": range(self.seeds),
        }
        return [Block(DLR, settings)]

    def rows(self, results: Sequence[Result]) -> list[Row]:
        """Epochs to the target, of those that reach it.

        Args:
            results: with DLR, and with the average rate.
        """
        printed = {DLR: "0.77 ± 0.10", AVERAGE: "1.14 ± 0.22"}
        return [
            row(
                result.block.label,
                reached(result.epoch, result.test_accuracy, self.target),
                "epochs",
                paper=printed[result.block.label],
            )
            for result in results
        ]

    def entries(self, results: Sequence[Result]) -> list[dict[str, Any]]:
        """One for each kind.

        Args:
            results: with DLR, and with the average rate.
        """
        return [entry(result.block.label, [result]) for result in results]

    def report(
        self, results: Sequence[Result], device: str = "auto", progress: bool | None = None
    ) -> Report:
        """Measure the average rates, fit them, train with them, and compare.

        Args:
            results: of the networks with DLR.
            device: as for `golden_lib.training.train`.
            progress: likewise.
        """
        (with_dlr,) = in_order(self.blocks(), results)
        arguments = {
            **train_arguments(with_dlr.block.settings),
            "device": device,
            "progress": progress,
        }
        epoch, averages = average_rates(arguments)
        fits = {layer: fit_decay(epoch, rates) for layer, rates in averages.items()}
        steps = int(with_dlr.step[-1])
        time = np.arange(steps) / (steps / float(with_dlr.epoch[-1]))
        schedule = {layer: decay(time, fit) for layer, fit in fits.items()}
        run = train(**{**arguments, "rule": scheduled(schedule), "eta": 1.0, "alpha": 0.0}).finish()
        if run.interrupted:
            raise KeyboardInterrupt
        kept = {name: getattr(run.history, name) for name in ("loss", "test_accuracy")}
        both = [
            with_dlr,
            replace(
                with_dlr,
                block=Block(AVERAGE, with_dlr.block.settings),
                **kept,
                diverged=run.diverged,
                seconds=float(run.history.seconds[-1]),
            ),
        ]
        measured = {
            layer: {
                "average": short(rates, 6),
                "fit": dict(zip("abcd", short(fits[layer], 8), strict=True)),
                "off": float(f"{np.abs(decay(epoch, fits[layer]) / rates - 1).max():.2g}"),
            }
            for layer, rates in averages.items()
        }
        extra = {"schedule": {"epoch": np.round(epoch, 4).tolist(), **measured}}
        return Report(self.rows(both), self.entries(both), extra)


def average_rates(arguments: dict[str, Any]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Train with DLR and watch each layer's learning rate, averaged over synapses and networks.

    Args:
        arguments: of `golden_lib.training.train`.

    Returns:
        Epochs of the start and of every record, ``(T + 1,)``, and each layer's averages then.
    """
    run = train(**arguments)
    epochs, averages = [], {layer: [] for layer in run.state.params}
    for record in chain([None], run):  # None: before the first step
        epochs.append(record.epoch if record else 0.0)
        eta, alpha = (torch.tensor(x, dtype=torch.float32) for x in (run.eta, run.alpha))
        for layer, weight in run.state.params.items():
            rate = dlr_rate(weight, eta.to(weight), alpha.to(weight))
            averages[layer].append(rate.mean().item())
    if run.interrupted:
        raise KeyboardInterrupt
    return np.array(epochs), {layer: np.array(rates) for layer, rates in averages.items()}


def decay(time: np.ndarray, fit: Sequence[float]) -> np.ndarray:
    """The paper's schedule: a·exp(b·t^(1/3) + c·t) + d.

    Args:
        time: t ≥ 0, in epochs.
        fit: a, b, c and d.
    """
    a, b, c, d = fit
    return a * np.exp(b * np.cbrt(time) + c * time) + d


def fit_decay(time: np.ndarray, rates: np.ndarray) -> tuple[float, float, float, float]:
    """The a, b, c and d of `decay` with the least squared error.

    a and d enter linearly: for each b and c they are a regression line's slope and intercept. The
    other two are searched for on a grid that closes in on the best point.

    Args:
        time: in epochs, shape ``(T,)``, T ≥ 2.
        rates: shape ``(T,)``.
    """
    centre, width = np.zeros(2), 6.0
    off = rates - rates.mean()
    for _ in range(40):
        steps = width * np.linspace(-1, 1, 21)
        b, c = (x.ravel()[:, None] for x in np.meshgrid(*(centre[:, None] + steps)))
        shape = np.exp(np.clip(b * np.cbrt(time) + c * time, -50, 50))
        level = shape - shape.mean(1, keepdims=True)
        power = (level**2).sum(1)
        slope = np.divide(level @ off, power, out=np.zeros_like(power), where=power > 1e-20)
        best = int(((off - slope[:, None] * level) ** 2).sum(1).argmin())
        centre = np.array([b[best, 0], c[best, 0]])
        width *= 0.7
    return (
        float(slope[best]),
        *map(float, centre),
        float(rates.mean() - slope[best] * shape[best].mean()),
    )


def scheduled(schedule: dict[str, np.ndarray]) -> Rule:
    """Gradient descent whose learning rate is given for each layer and step, times η.

    Args:
        schedule: learning rates of each layer at step 0, 1, …, shape ``(T,)``; the last one holds
            for all later steps.
    """
    tables: dict[str, Tensor] = {}

    def init(params: dict[str, Tensor]) -> dict[str, dict[str, Tensor]]:
        some = next(iter(params.values()))
        # Here, not at each step: nothing may be copied to a GPU within a CUDA graph.
        tables.update({k: torch.tensor(v).to(some) for k, v in schedule.items()})
        return {"clock": {"step": some.new_zeros(len(some), dtype=torch.double)}}

    def update(params, grads, memory, eta, alpha):
        step, moved = memory["clock"]["step"], {}
        for layer, weight in params.items():
            rates = tables[layer]
            now = rates[step.long().clamp(max=len(rates) - 1)] * eta
            now = now.view(-1, *(1,) * (weight.dim() - 1))
            moved[layer] = torch.addcmul(weight, now, grads[layer], value=-1)
        return moved, {"clock": {"step": step + 1}}

    return Rule(init, update)
