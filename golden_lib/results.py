"""Measurements in files: written whole with their source, read back as arrays, put into tables."""

import json
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
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
    """A results file: what was measured, by label, and where it came from.

    Attributes:
        measurements: every run over time.
        provenance: command, device, threads, python and versions.
        rows: of the experiment's table; none in files that hold measurements alone.
        extra: what else the file holds.
    """

    measurements: dict[str, Measurement]
    provenance: dict[str, Any]
    rows: tuple["Row", ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)

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
        rows = tuple(_known(found) for found in kept.pop("rows", ()))
        del kept["measurements"]
        return Results(measurements, kept.pop("provenance"), rows, kept)
    except (json.JSONDecodeError, KeyError, TypeError) as error:
        raise ValueError(f"path must be a results file, got {path} ({error!r})") from None


def write(
    path: Path,
    measurements: Iterable[dict[str, Any]],
    command: Sequence[str],
    *,
    rows: Iterable["Row"] = (),
    made: Mapping[str, Any] | None = None,
    **extra: Any,
) -> Path:
    """Write a results file, whole or not at all.

    Args:
        path: of the file; its folder is made where there is none.
        measurements: as `golden_lib.experiments` makes them, plain.
        command: that made them.
        rows: of the experiment's table.
        made: device, threads, python and versions, where these are not those of this process.
        extra: what else to keep, plain.

    Raises:
        OSError: if it cannot be written; a file that was there stays.
    """
    source = {**provenance(command), **(made or {})}
    kept = {"provenance": source, **extra, "rows": [_row_json(found) for found in rows]}
    kept["measurements"] = list(measurements)
    text = json.dumps(kept, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.draft")
    try:
        draft.write_text(text, "utf-8")
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return path


@dataclass(frozen=True)
class Row:
    """A row of a table: n values in four numbers, and what a paper printed.

    Attributes:
        label: what was measured.
        unit: of the values: ``"%"``, ``"epochs"``, ``"hidden units"``.
        mean: of the n values; NaN where n is 0, and so `least` and `greatest`.
        std: sample standard deviation; NaN where n < 2.
        n: values there are.
        of: values there would be if every run had come to one.
        eta: η, where the row has one.
        alpha: α, where the row has one.
        ratio: mean in units of another row's.
        paper: what the paper printed.
        note: what a reader must know beside the numbers.
    """

    label: str
    unit: str
    mean: float
    std: float
    least: float
    greatest: float
    n: int
    of: int
    eta: float | None = None
    alpha: float | None = None
    ratio: float | None = None
    paper: str = ""
    note: str = ""

    def relative_to(self, other: "Row") -> "Row":
        """The same row with the ratio of its mean to another's; none where a run is missing."""
        whole = self.n == self.of and other.n == other.of
        return replace(self, ratio=self.mean / other.mean if whole else None)


def row(
    label: str,
    values: Iterable[float],
    unit: str = "",
    eta: float | None = None,
    alpha: float | None = None,
    *,
    paper: str = "",
    note: str = "",
) -> Row:
    """The row of some values.

    Args:
        label: what was measured.
        values: one for each run; NaN for a run that came to none.
        unit: of the values.
        eta: η, where all have one.
        alpha: α, where all have one.
        paper: what the paper printed.
        note: what a reader must know beside the numbers.
    """
    values = np.asarray(list(values), dtype=float)
    there = values[np.isfinite(values)]
    four = np.mean, _spread, np.min, np.max
    numbers = [float(of(there)) if there.size else np.nan for of in four]
    return Row(label, unit, *numbers, there.size, values.size, eta, alpha, None, paper, note)


def rows_table(rows: Iterable[Row]) -> str:
    """Rows as a Markdown table with columns of even width; columns that are empty are left out."""
    lines = [_cells(found) for found in rows]
    columns = [[name, *(line[name] for line in lines)] for name in lines[0]]
    columns = [column for column in columns if any(column[1:])]
    widths = [max(3, *map(len, column)) for column in columns]
    spread = [[c.ljust(w) for c in column] for column, w in zip(columns, widths, strict=True)]
    head, *body = ("| " + " | ".join(cells) + " |" for cells in zip(*spread, strict=True))
    return "\n".join([head, "|" + "|".join("-" * (width + 2) for width in widths) + "|", *body])


def table(cells: Mapping[str, Measurement]) -> str:
    """Last test accuracies as a Markdown table: mean, standard deviation, range and n.

    Args:
        cells: name of the row → the replicas of one η and α, one for each seed.
    """
    head = "| | η | α | mean (%) | std | least to greatest | n |\n|---|---|---|---|---|---|---|\n"
    return head + "\n".join(_row(name, cell) for name, cell in cells.items())


def _row(name: str, cell: Measurement) -> str:
    percent = 100 * cell.test_accuracy[-1]
    spread = _spread(percent)
    return (
        f"| {name} | {cell.eta[0]:.4g} | {cell.alpha[0]:.3g} | {percent.mean():.2f} | {spread:.2f} "
        f"| {percent.min():.1f} to {percent.max():.1f} | {percent.size} |"
    )


def _cells(found: Row) -> dict[str, str]:
    """What a row's columns say."""
    places = 1 if found.unit == "hidden units" else 2
    lack = found.of - found.n
    note = [f"{lack} of {found.of} did not get there"] if lack else []
    note += [found.note] if found.note else []
    return {
        "what": found.label,
        "η": "" if found.eta is None else f"{found.eta:.4g}",
        "α": "" if found.alpha is None else f"{found.alpha:.3g}",
        "mean": _number(found.mean, places),
        "std": _number(found.std, places),
        "least to greatest": f"{_number(found.least, places)} to {_number(found.greatest, places)}",
        "unit": found.unit,
        "n": str(found.n),
        "ratio": "" if found.ratio is None else f"{found.ratio:.2f}",
        "paper": found.paper,
        "note": "; ".join(note),
    }


def _spread(values: np.ndarray) -> float:
    """Sample standard deviation; NaN of a single value."""
    return float(values.std(ddof=1)) if values.size > 1 else np.nan


def _number(value: float, places: int) -> str:
    return f"{value:.{places}f}" if np.isfinite(value) else "–"


def _row_json(found: Row) -> dict[str, Any]:
    """A row as JSON has it: what is not finite is None."""
    return {
        name: None if isinstance(x, float) and not np.isfinite(x) else x
        for name, x in asdict(found).items()
    }


def _known(kept: Mapping[str, Any]) -> Row:
    """The row that `_row_json` took apart."""
    gone = {name: np.nan for name in ("mean", "std", "least", "greatest") if kept[name] is None}
    return Row(**{**kept, **gone})
