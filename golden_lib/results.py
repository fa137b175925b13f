"""Measurements in files: written whole with their source, read back as arrays, put into tables."""

import json
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch


def provenance(command: Sequence[str]) -> dict[str, Any]:
    """Where a measurement came from: command, device and versions."""
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    return {
        "command": " ".join(command),
        "device": gpu or f"{platform.machine()}, {os.cpu_count()} CPU cores",
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("torch", "numpy", "matplotlib", "pillow")},
    }


@dataclass(frozen=True)
class Measurement:
    """What one condition gave; arrays over T records and R replicas.

    Attributes:
        label: the condition's name.
        epoch: shape ``(T,)``.
        seed: shape ``(R,)``, and so `eta`, `alpha` and `diverged`.
        test_accuracy: shape ``(T, R)``.
        loss: shape ``(T, R)``.
    """

    label: str
    epoch: np.ndarray
    seed: np.ndarray
    eta: np.ndarray
    alpha: np.ndarray
    diverged: np.ndarray
    test_accuracy: np.ndarray
    loss: np.ndarray

    def at(self, eta: float, alpha: float) -> "Measurement":
        """The replicas with this η and α, one for each seed."""
        return self._only(np.isclose(self.eta, eta) & np.isclose(self.alpha, alpha))

    def best(self, alpha: float | None = None) -> "Measurement":
        """The replicas with the η and α of the highest last mean accuracy.

        Args:
            alpha: choose among the η of this α alone; among all pairs if None.
        """
        pairs = {(e, a) for e, a in zip(self.eta, self.alpha, strict=True)
                 if alpha is None or np.isclose(a, alpha)}  # fmt: skip
        cells = (self.at(*pair) for pair in sorted(pairs))
        return max(cells, key=lambda cell: float(cell.test_accuracy[-1].mean()))

    def over_eta(self, alpha: float) -> tuple[np.ndarray, np.ndarray]:
        """Last test accuracies at one α: the η, ``(N,)``, and the accuracies ``(N, seeds)``."""
        etas = np.unique(self.eta)
        return etas, np.stack([self.at(eta, alpha).test_accuracy[-1] for eta in etas])

    def _only(self, kept: np.ndarray) -> "Measurement":
        columns = {
            field.name: getattr(self, field.name)[..., kept]
            for field in fields(self)
            if field.name not in ("label", "epoch")
        }
        return replace(self, **columns)


@dataclass(frozen=True)
class Results:
    """A results file: what was measured, by label, and where it came from."""

    measurements: dict[str, Measurement]
    provenance: dict[str, Any]

    @property
    def source(self) -> str:
        """Command, device and versions in a sentence."""
        made = self.provenance
        versions = ", ".join(f"{k} {v}" for k, v in made["versions"].items())
        return f"{made['command']} ({made['device']}; Python {made['python']}, {versions})"


def read(path: str | Path) -> Results:
    """Read a results file.

    Raises:
        ValueError: if the file is not a results file.
    """
    try:
        kept = json.loads(Path(path).read_text(encoding="utf-8"))
        measurements = {
            entry["label"]: Measurement(
                entry["label"],
                *(np.array(entry[k]) for k in ("epoch", "seed", "eta", "alpha", "diverged")),
                np.array(entry["test_accuracy"], dtype=float).T,
                np.array(entry["loss"], dtype=float).T,
            )
            for entry in kept["measurements"]
        }
        return Results(measurements, kept["provenance"])
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise ValueError(f"path must be a results file, got {path} ({error!r})") from None


def write(path: Path, measurements: Iterable[dict[str, Any]], command: Sequence[str]) -> Path:
    """Write a results file, whole or not at all.

    Args:
        path: of the file; its folder is made where there is none.
        measurements: what `golden_lib.experiments.measure` yields.
        command: that made them.
    """
    kept = {"provenance": provenance(command), "measurements": list(measurements)}
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    draft.write_text(json.dumps(kept, ensure_ascii=False, separators=(",", ":")) + "\n", "utf-8")
    draft.replace(path)
    return path


def table(cells: Mapping[str, Measurement]) -> str:
    """Last test accuracies as a Markdown table: mean, standard deviation, range and n.

    Args:
        cells: name of the row → the replicas of one η and α, one for each seed.
    """
    head = "| | η | α | mean (%) | std | least to greatest | n |\n|---|---|---|---|---|---|---|\n"
    return head + "\n".join(_row(name, cell) for name, cell in cells.items())


def _row(name: str, cell: Measurement) -> str:
    percent = 100 * cell.test_accuracy[-1]
    spread = percent.std(ddof=1) if percent.size > 1 else float("nan")
    return (
        f"| {name} | {cell.eta[0]:.4g} | {cell.alpha[0]:.3g} | {percent.mean():.2f} | {spread:.2f} "
        f"| {percent.min():.1f} to {percent.max():.1f} | {percent.size} |"
    )
