"""The papers' experiments by name: what is trained, and the measurements kept with their source.

    python -m golden_lib.experiments cnn_protocol --out book/results

writes ``book/results/cnn_protocol.json``: the accuracies of every run with the command, seeds,
device and versions that made them. `golden_lib.results` reads those files for the book's chapters.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from golden_lib import results
from golden_lib.golden import ALPHA, ETA
from golden_lib.nets import Mlp
from golden_lib.training import train

NO_MOMENTUM: Final = 0.0


@dataclass(frozen=True)
class Condition:
    """One line of a table: a way to train, over a grid of η and α and several seeds.

    Attributes:
        label: its name in tables and legends.
        settings: arguments of `golden_lib.training.train`.
        etas: learning rates tried.
        alphas: momenta tried (DLR's α for its rules).
    """

    label: str
    settings: dict[str, Any]
    etas: tuple[float, ...] = (ETA,)
    alphas: tuple[float, ...] = (ALPHA,)


@dataclass(frozen=True)
class Experiment:
    """Conditions that are trained alike.

    Attributes:
        summary: what it asks, in a line.
        common: arguments of `golden_lib.training.train` for all conditions.
        conditions: the lines of its table.
    """

    summary: str
    common: dict[str, Any]
    conditions: tuple[Condition, ...]


_CNN = {"network": "cnn", "rule": "delta", "data": "digits", "batch_size": 128}
_ETA_GRID = tuple(ETA * 2.0**k for k in range(-2, 4))


def _online(hidden: int, summary: str, *conditions: Condition) -> Experiment:
    mlp = {"loss": "logistic_sse", "data": "mnist", "network": Mlp(hidden=hidden)}
    return Experiment(summary, {**mlp, "batch_size": 1, "epochs": 2, "every": 3000}, conditions)


EXPERIMENTS: Final[dict[str, Experiment]] = {
    "cnn_protocol": Experiment(
        "Table 1 of G20 and Table I of G22: losses at one η, 30 epochs of 9,000 rendered digits",
        {**_CNN, "epochs": 30},
        (
            Condition("SSE without momentum", {"loss": "sse"}, alphas=(NO_MOMENTUM,)),
            Condition("SSE with momentum", {"loss": "sse"}),
            Condition("G20 Eq. 24 with momentum", {"loss": "squared_information"}),
            Condition("G22 Eq. 26 with momentum", {"loss": "energy"}),
            Condition("cross-entropy with momentum", {"loss": "cross_entropy"}),
        ),
    ),
    "cnn_tuned": Experiment(
        "the same with the confound removed: each loss over a grid of η, with momentum and without",
        {**_CNN, "epochs": 6},
        tuple(
            Condition(label, {"loss": loss}, _ETA_GRID, (NO_MOMENTUM, ALPHA))
            for label, loss in (
                ("SSE", "sse"),
                ("G20 Eq. 24", "squared_information"),
                ("G22 Eq. 26", "energy"),
                ("cross-entropy", "cross_entropy"),
            )
        ),
    ),
    "dlr_mnist_30": _online(
        30,
        "DLR against SGD, Nesterov and Adam, 784–30–10 on MNIST, one digit at a time, each over "
        "six pairs of η and α",
        Condition("SGD", {"rule": "delta"}, (0.05, 0.1, 0.2, 0.4, 0.8, 1.6), (NO_MOMENTUM,)),
        Condition("Nesterov", {"rule": "nesterov"}, (0.01, 0.03, 0.1), (0.5, 0.9)),
        Condition("Adam", {"rule": "adam"}, (0.0003, 0.001, 0.003), (0.5, 0.9)),
        Condition("DLR", {"rule": "dlr"}, (0.35, 0.7, 1.4), (0.3, 1.0)),
    ),
    "dlr_mnist_100": _online(
        100,
        "DLR against SGD, 784–100–10 on MNIST, one digit at a time",
        Condition("SGD", {"rule": "delta"}, (0.2, 0.4), (NO_MOMENTUM,)),
        Condition("DLR", {"rule": "dlr"}, (0.7,), (0.5,)),
    ),
}
"""Every experiment by its name."""


def measure(
    name: str, seeds: Sequence[int] = (0, 1, 2), *, device: str = "auto", epochs: int | None = None
) -> Iterator[dict[str, Any]]:
    """Run an experiment, one condition after the other; all its η, α and seeds train at once.

    Args:
        name: one of `EXPERIMENTS`.
        seeds: of the initial weights; batches are the same for all.
        device: as for `golden_lib.training.train`.
        epochs: fewer or more than the experiment's own.

    Yields:
        For each condition its label, and lists: step, epoch, and for each replica its seed, η, α,
        the step at which it diverged (−1 for never) and its test accuracies and losses over time.

    Raises:
        ValueError: if the name is unknown.
    """
    experiment = find_experiment(name)
    for condition in experiment.conditions:
        grid = [(s, e, a) for e in condition.etas for a in condition.alphas for s in seeds]
        columns = list(zip(*grid, strict=True))
        settings = {**experiment.common, **condition.settings}
        if epochs is not None:
            settings["epochs"] = epochs
        run = train(**settings, seeds=columns[0], eta=columns[1], alpha=columns[2], device=device)
        history = run.finish().history
        yield {
            "label": condition.label,
            "settings": {key: str(value) for key, value in settings.items()},
            "step": history.step.tolist(),
            "epoch": np.round(history.epoch, 4).tolist(),
            "seed": list(columns[0]),
            "eta": list(columns[1]),
            "alpha": list(columns[2]),
            "diverged": run.diverged.tolist(),
            "test_accuracy": np.round(history.test_accuracy.T, 5).tolist(),
            "loss": [[_short(x) for x in row] for row in history.loss.T],
            "seconds": round(float(history.seconds[-1]), 1),
        }


def find_experiment(name: str) -> Experiment:
    """Return the experiment called `name`.

    Raises:
        ValueError: if there is none; the message lists those there are.
    """
    if name not in EXPERIMENTS:
        raise ValueError(f"experiment must be one of {', '.join(EXPERIMENTS)}, got {name!r}")
    return EXPERIMENTS[name]


def write(name: str, seeds: Sequence[int], folder: Path, command: Sequence[str], **options) -> Path:
    """Run an experiment and write its file, whole or not at all; options are those of `measure`."""
    return results.write(folder / f"{name}.json", measure(name, seeds, **options), command)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    names = "\n".join(f"  {name:14} {e.summary}" for name, e in EXPERIMENTS.items())
    parser = argparse.ArgumentParser(
        prog="python -m golden_lib.experiments",
        description="Run one of the papers' experiments and keep its measurements.",
        epilog=f"experiments:\n{names}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "name", choices=EXPERIMENTS, metavar="EXPERIMENT", help="one of those below"
    )
    parser.add_argument("--seeds", type=int, default=3, help="number of seeds (default 3)")
    parser.add_argument("--epochs", type=int, help="train this long instead")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda (default auto)")
    parser.add_argument("--out", type=Path, default=Path("results"), help="folder of the file")
    chosen = parser.parse_args(arguments)
    command = ["python -m golden_lib.experiments", *(arguments or sys.argv[1:])]
    seeds, options = range(chosen.seeds), {"device": chosen.device, "epochs": chosen.epochs}
    try:
        print(write(chosen.name, seeds, chosen.out, command, **options))
    except ValueError as error:
        parser.error(str(error))


def _short(value: float) -> float | None:
    """Six digits; None, which JSON has, for what is not finite."""
    return float(f"{value:.6g}") if np.isfinite(value) else None


if __name__ == "__main__":
    main()
