"""A run that stands still: a drawing and a sentence, for print and where no JavaScript runs."""

import io
import re
from collections.abc import Sequence
from html import escape
from typing import Any, Final

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

from golden_lib.figures.look import BLUE, GOLD, GREY
from golden_lib.lab.link import Move
from golden_lib.lab.settings import SETTINGS, Settings, kind_of, written
from golden_lib.training import History

LOOK: Final = {
    "axes.edgecolor": GREY,
    "axes.labelcolor": GREY,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": GREY,
    "axes.titlesize": 11,
    "font.family": "sans-serif",
    "font.size": 10,
    "grid.alpha": 0.3,
    "grid.color": GREY,
    "path.simplify": True,
    "path.simplify_threshold": 0.5,
    "svg.fonttype": "none",  # text as text: found, read aloud, and in the page's own letters
    "svg.hashsalt": "golden",  # the same run gives the same bytes
    "text.color": GREY,
    "xtick.color": GREY,
    "ytick.color": GREY,
}
"""Grey on nothing: readable on white and on black paper alike."""

_POINTS: Final = 250
"""Points of a curve: more than a printed line shows."""
_MARKS: Final = 100
"""Moves that are marked."""
_TILES: Final = {5: 20, 28: 8}
"""Filters, or hidden units, that are drawn, by their side in pixels."""
_APART: Final = re.compile(r"<metadata>.*?</metadata>|<style.*?</style>", re.DOTALL)
"""What is about the file, and a style that would reach the whole page."""
_TAG: Final = re.compile(r"<[^>]*>")
_DIGITS: Final = re.compile(r"(\d\.\d)\d+")
"""A tenth of a point is finer than print."""


def sentence(
    settings: Settings, history: History, moves: Sequence[Move], state: dict[str, Any]
) -> str:
    """What a run came to, in words; `static/say.js` says the same.

    Args:
        settings: η and α are those at step 0.
        history: the records.
        moves: of η and α.
        state: the event "state", for what diverged and how many digits test.
    """
    parts = []
    network = "The CNN" if settings.network == "cnn" else f"The MLP with {settings.hidden} units"
    if len(history.step) == 0:
        parts.append(f"{network} is untrained.")
    else:
        epochs = shown(history.epoch[-1])
        after = f"after {counted(history.step[-1])} steps"
        after += f" ({epochs} epoch{'' if epochs == '1' else 's'})"
        if state.get("diverged") is not None:
            parts.append(
                f"{network} diverged at step {counted(state['diverged'])}: "
                "the loss is no longer finite."
            )
        else:
            tested = history.test_accuracy[:, 0][np.isfinite(history.test_accuracy[:, 0])]
            images = counted(state["ready"]["test_images"])
            loss = history.loss[:, 0][np.isfinite(history.loss[:, 0])]
            if len(tested):
                parts.append(
                    f"{network} gets {percent(tested[-1])} of {images} test digits right "
                    f"{after}; its loss went from {shown(loss[0])} to {shown(loss[-1])}."
                )
            else:
                parts.append(f"{network}’s loss is {shown(loss[-1])} {after}.")
    fields, label = SETTINGS["fields"], "η" if kind_of(settings.rule) == "momentum" else "η₀"
    parts.append(
        f"Loss: {fields['loss']['choices'][settings.loss]}; "
        f"rule: {fields['rule']['choices'][settings.rule]}, "
        f"{label} = {shown(settings.eta)}, α = {shown(settings.alpha)}; "
        f"{fields['data']['choices'][settings.data]}, batch size {settings.batch_size}, "
        f"seed {settings.seed}."
    )
    if moves:
        times = "once" if len(moves) == 1 else f"{counted(len(moves))} times"
        parts.append(f"{label} and α were moved {times} on the way.")
    return " ".join(parts)


def still(
    history: History, moves: Sequence[Move], filters: np.ndarray | None, description: str
) -> str:
    """A run as an SVG of at most 60 KB: curves, moves of η and α, first layer.

    Args:
        history: the records.
        moves: marked on the curves.
        filters: first layer's weights ``(units, h, w)``, or None.
        description: what it shows, for readers who do not see it.
    """
    with mpl.rc_context(LOOK):
        figure = Figure(figsize=(7.2, 2.9), layout="constrained")
        widths = [4, 4, 2.2] if filters is not None else [1, 1]
        left, right, *rest = figure.subplots(1, len(widths), width_ratios=widths)
        _draw(left, history.step, history.loss[:, 0], BLUE, "training")
        left.set_title("loss", loc="left")
        _draw(right, history.step, 100 * history.train_accuracy[:, 0], BLUE, "training")
        _draw(right, history.step, 100 * history.test_accuracy[:, 0], GOLD, "test")
        right.set_title("accuracy in %", loc="left")
        right.legend(frameon=False, loc="lower right", labelcolor=GREY)
        for axes in (left, right):
            axes.set_xlabel("steps")
            axes.grid(True)
            axes.margins(x=0.02)
            marks = np.array([[step, step, np.nan] for step, _, _ in moves[:_MARKS]]).ravel()
            heights = np.tile([0.0, 1.0, np.nan], len(marks) // 3)
            axes.plot(marks, heights, color=GREY, linewidth=0.8, linestyle=":",
                      transform=axes.get_xaxis_transform())  # fmt: skip
        for axes in rest:
            reach = float(np.nanmax(np.abs(filters))) or 1.0
            tiles = _tiled(filters[: _TILES.get(filters.shape[1], 8)])
            # 32 colours: noise in 256 of them would not compress.
            colors = mpl.colormaps["RdBu_r"].resampled(32)
            axes.imshow(tiles, cmap=colors, vmin=-reach, vmax=reach, interpolation="none")
            axes.set_title("first layer", loc="left")
            axes.axis("off")
        return as_svg(figure, description)


def as_svg(figure: Figure, description: str) -> str:
    """A figure as SVG for a page: without a ground, a header or a style of its own.

    Args:
        figure: drawn in `LOOK`, which must still hold.
        description: what it shows, for readers who do not see it.
    """
    figure.patch.set_alpha(0)
    for axes in figure.axes:
        axes.patch.set_alpha(0)
    file = io.StringIO()
    figure.savefig(file, format="svg", transparent=True, metadata={"Date": None})
    svg = file.getvalue()
    svg = _APART.sub("", svg[svg.index("<svg") :])
    svg = _TAG.sub(lambda tag: _DIGITS.sub(r"\1", tag[0]), svg)  # not in what axes say
    return svg.replace("<svg", f'<svg role="img" aria-label="{escape(description)}"', 1)


def shown(value: float) -> str:
    """A number for the eye: three figures."""
    return written(float(f"{value:.3g}"))


def counted(value: int) -> str:
    """A whole number for the eye, with thin spaces between thousands."""
    return f"{int(value):,}".replace(",", "\u202f")


def percent(share: float) -> str:
    """A share as a percentage for the eye."""
    return f"{100 * share:.1f} %"


def _draw(axes: Any, steps: np.ndarray, values: np.ndarray, color: str, label: str) -> None:
    there = np.isfinite(values)
    steps, values = steps[there], values[there]
    kept = np.unique(np.linspace(0, len(steps) - 1, _POINTS).round().astype(int))
    if len(steps):
        axes.plot(steps[kept], values[kept], color=color, label=label, linewidth=1.8)


def _tiled(images: np.ndarray, columns: int = 4) -> np.ndarray:
    count, height, width = images.shape
    rows = -(-count // columns)
    sheet = np.full((rows * (height + 1) - 1, columns * (width + 1) - 1), np.nan)
    for k, image in enumerate(images):
        top, left = (k // columns) * (height + 1), (k % columns) * (width + 1)
        sheet[top : top + height, left : left + width] = image
    return sheet
