"""A plane that stands still: a drawing and a sentence, for print and where no JavaScript runs."""

from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator

from golden_lib.figures.look import GOLD, RED
from golden_lib.lab.plane_settings import Plane, is_log
from golden_lib.lab.settings import SETTINGS, kind_of
from golden_lib.lab.still import LOOK, as_svg, counted, percent, shown
from golden_lib.training import Record

METRICS: Final = ("test_accuracy", "train_accuracy", "loss")


_RECORDS: Final = 60
"""Records that a page's curves are drawn from."""
_FIGURES: Final = 4
"""Digits of a record's numbers."""


def latest(plane: Plane, records: list[Record], diverged: np.ndarray) -> dict[str, np.ndarray]:
    """What each cell came to, by metric: its last measurement, NaN where it has diverged.

    Args:
        plane: gives the shape, ``(cells, cells)``, η ascending over rows and α over columns.
        records: of the run.
        diverged: the step at which each cell diverged, ``(R,)``, −1 for never.
    """
    shape = plane.cells, plane.cells
    found = {}
    for name in METRICS:
        measured = [getattr(record, name) for record in records]
        measured = [values for values in measured if not np.isnan(values).all()]
        last = np.float64(measured[-1]) if measured else np.full(diverged.shape, np.nan)
        found[name] = np.where(diverged >= 0, np.nan, last).reshape(shape)
    return found


def plane_sentence(plane: Plane, records: list[Record], diverged: np.ndarray, tested: int) -> str:
    """What a plane came to, in words; `static/plane_say.js` says the same.

    Args:
        plane: its settings.
        records: of the run.
        diverged: the step at which each cell diverged, ``(R,)``, −1 for never.
        tested: test digits.
    """
    fields, (eta, _) = SETTINGS["fields"], _labels(plane)
    many = f"{plane.cells} × {plane.cells}"
    networks = f"{many} CNNs" if plane.network == "cnn" else (
        f"{many} MLPs with {plane.hidden} units"
    )  # fmt: skip
    parts = []
    if not records:
        parts.append(f"{networks}, untrained.")
    else:
        epochs = shown(records[-1].epoch)
        parts.append(
            f"{networks} after {counted(records[-1].step)} steps "
            f"({epochs} epoch{'' if epochs == '1' else 's'})."
        )
        parts += _best(plane, latest(plane, records, diverged), tested)
        gone = int((diverged >= 0).sum())
        if gone:
            parts.append(f"{counted(gone)} of {counted(diverged.size)} cells diverged.")
    parts.append(
        f"{eta} from {shown(plane.eta[0])} to {shown(plane.eta[1])}, "
        f"α from {shown(plane.alpha[0])} to {shown(plane.alpha[1])}; "
        f"loss: {fields['loss']['choices'][plane.loss]}; "
        f"rule: {fields['rule']['choices'][plane.rule]}; "
        f"{fields['data']['choices'][plane.data]}, batch size {plane.batch_size}, "
        f"seed {plane.seed}."
    )
    return " ".join(parts)


def plane_still(plane: Plane, accuracy: np.ndarray, description: str) -> str:
    """A plane as an SVG: a colour for each cell, a cross where one diverged, the marked pair.

    Args:
        plane: its settings.
        accuracy: ``(cells, cells)``, NaN where a cell diverged or nothing was measured.
        description: what it shows, for readers who do not see it.
    """
    _, labels = _labels(plane)
    with mpl.rc_context(LOOK):
        figure = Figure(figsize=(5.4, 4.2), layout="constrained")
        axes = figure.subplots()
        values = {"eta": plane.etas, "alpha": plane.alphas}
        scaled = {n: np.log(v) if is_log(n, plane.rule) else v for n, v in values.items()}
        cells = np.arange(plane.cells)
        # In rows and columns of equal size, as the page has them; ticks say what they are.
        drawn = axes.pcolormesh(
            cells, cells, 100 * accuracy, cmap="cividis", vmin=0, vmax=100, edgecolors="face",
            linewidth=0.4,  # without it a seam of the page's colour shows between cells
        )  # fmt: skip
        if not np.isnan(accuracy).all():
            rows, columns = np.nonzero(np.isnan(accuracy))
            axes.plot(columns, rows, "x", color=RED, markersize=6)
        if plane.nearest is not None:
            eta, alpha = (
                np.interp(np.log(mark) if is_log(n, plane.rule) else mark, scaled[n], cells)
                for n, mark in zip(("eta", "alpha"), plane.golden, strict=True)
            )
            axes.plot(alpha, eta, "*", color=GOLD, markersize=15, markeredgecolor="white")
        every = cells[:: -(-plane.cells // 8)]
        for axis, name in ((axes.xaxis, "alpha"), (axes.yaxis, "eta")):
            axis.set_major_locator(FixedLocator(every))
            axis.set_minor_locator(NullLocator())
            axis.set_ticklabels([shown(values[name][k]) for k in every])
            axis.set_label_text(labels[name])
        axes.set_title("test accuracy in %", loc="left")
        figure.colorbar(drawn, ax=axes, pad=0.02).outline.set_visible(False)
        return as_svg(figure, description)


def thinned(columns: dict[str, list]) -> dict[str, list]:
    """Records for a page: few and short, all tests among them, and η and α told elsewhere."""
    count = len(columns["step"])
    tested = [
        k for k, row in enumerate(columns["test_accuracy"]) if any(v is not None for v in row)
    ]
    even = np.linspace(0, count - 1, min(_RECORDS, count)).round().astype(int).tolist()
    if len(tested) > _RECORDS:
        tested = [*tested[:: -(-len(tested) // _RECORDS)], tested[-1]]
    kept = sorted({*even, *tested})

    def short(value: Any) -> Any:
        if isinstance(value, list):
            return [short(v) for v in value]
        return float(f"{value:.{_FIGURES}g}") if isinstance(value, float) else value

    names = ("loss", "train_accuracy", "test_accuracy")
    thin = {name: [short(columns[name][k]) for k in kept] for name in names}
    return {"step": [columns["step"][k] for k in kept],
            "epoch": [columns["epoch"][k] for k in kept], **thin}  # fmt: skip


def _labels(plane: Plane) -> tuple[str, dict[str, str]]:
    kind = kind_of(plane.rule)
    return "η" if kind == "momentum" else "η₀", SETTINGS["kinds"][kind]["labels"]


def _best(plane: Plane, values: dict[str, np.ndarray], tested: int) -> list[str]:
    """The best cell, and the one nearest to the marked pair."""
    eta, _ = _labels(plane)
    name = "test_accuracy" if np.isfinite(values["test_accuracy"]).any() else "loss"
    found: Any = values[name]
    if not np.isfinite(found).any():
        return []
    at = np.nanargmax(found) if name == "test_accuracy" else np.nanargmin(found)
    best = np.unravel_index(at, found.shape)

    def said(cell: tuple[Any, ...]) -> str:
        value = found[cell]
        if np.isnan(value):
            return "diverged"
        if name == "loss":
            return f"has a loss of {shown(value)}"
        return f"gets {percent(value)} of {counted(tested)} test digits right"

    def pair(cell: tuple[Any, ...]) -> str:
        return f"{eta} = {shown(plane.etas[cell[0]])}, α = {shown(plane.alphas[cell[1]])}"

    parts = [f"The best cell, {pair(best)}, {said(best)}."]
    if plane.nearest is not None:
        called = SETTINGS["kinds"][kind_of(plane.rule)]["eta"]["called"]
        whose = "the golden pair" if called == "golden" else "the marked pair"
        near = plane.nearest
        parts.append(f"The cell nearest to {whose}, {pair(near)}, {said(near)}.")
    return parts
