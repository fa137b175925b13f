"""Functions of one variable: under a slider, read off at a point, or chosen from a menu."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from golden_lib.figures.look import GREY, color, styled, with_menu, with_slider

Curves = Mapping[str, ArrayLike]


def _lines(x: ArrayLike, named: Curves, first: int = 0) -> list[go.Scatter]:
    return [
        go.Scatter(x=np.asarray(x), y=np.asarray(y), name=name, mode="lines",
                   line={"width": 2.5, "color": color(first + k)})
        for k, (name, y) in enumerate(named.items())
    ]  # fmt: skip


def _mark(figure: go.Figure, marks: Mapping[str, float]) -> None:
    for label, at in marks.items():
        figure.add_vline(at, line={"color": GREY, "dash": "dot", "width": 1},
                         annotation={"text": label, "yanchor": "bottom", "font": {"size": 12}},
                         annotation_position="top")  # fmt: skip


def sliding_curves(
    x: ArrayLike,
    stops: Mapping[str, Curves],
    *,
    slider: str,
    title: str,
    description: str,
    x_title: str,
    y_title: str,
    active: int = 0,
    fixed: Curves | None = None,
    marks: Mapping[str, float] | None = None,
    y_range: tuple[float, float] | None = None,
) -> go.Figure:
    """Curves that move under a slider, beside curves that do not.

    Args:
        x: shape ``(N,)``.
        stops: label of the slider's stop → its curves; the names are the same at every stop.
        slider: what the slider moves.
        title: the figure's title.
        description: the figure in a sentence.
        x_title: x axis with its unit.
        y_title: y axis with its unit.
        active: the stop shown at first.
        fixed: curves that stay.
        marks: label → x of a dotted vertical line.
        y_range: limits of the y axis, the same at every stop; all the data's when left out.

    Returns:
        The figure.
    """
    frames = [_lines(x, named) for named in stops.values()]
    moving = len(frames[0])
    figure = go.Figure([*frames[active], *_lines(x, fixed or {}, first=moving)])
    styled(figure, title, description, x=x_title, y=y_title)
    if y_range is None:
        everything = np.concatenate([np.asarray(t.y) for f in [*frames, figure.data] for t in f])
        low, high = np.nanmin(everything), np.nanmax(everything)
        y_range = (low - 0.05 * (high - low), high + 0.05 * (high - low))
    figure.update_yaxes(range=y_range)
    _mark(figure, marks or {})
    return with_slider(figure, frames, list(stops), slider, active=active)


def chosen_curves(
    x: ArrayLike,
    choices: Mapping[str, Curves],
    *,
    title: str,
    description: str,
    x_title: str,
    y_title: str | Sequence[str],
    marks: Mapping[str, float] | None = None,
    y_range: tuple[float, float] | None = None,
) -> go.Figure:
    """One set of curves at a time, chosen from a menu.

    Args:
        x: shape ``(N,)``.
        choices: entry of the menu → its curves.
        title: the figure's title.
        description: the figure in a sentence.
        x_title: x axis with its unit.
        y_title: y axis with its unit, one for all entries or one for each.
        marks: label → x of a dotted vertical line.
        y_range: limits of the y axis; the data's when left out.

    Returns:
        The figure.
    """
    figure, groups = go.Figure(), {}
    for choice, named in choices.items():
        start = len(figure.data)
        figure.add_traces(_lines(x, named))
        groups[choice] = range(start, len(figure.data))
    titles = [y_title] * len(choices) if isinstance(y_title, str) else list(y_title)
    styled(figure, title, description, x=x_title, y=titles[0])
    _mark(figure, marks or {})
    figure.update_yaxes(range=y_range)
    return with_menu(figure, groups, yaxis_title_text=titles)


def read_off(
    x: ArrayLike,
    named: Curves,
    at: Sequence[int],
    *,
    slider: str,
    title: str,
    description: str,
    x_title: str,
    y_title: str,
    active: int = 0,
    marks: Mapping[str, float] | None = None,
    y_range: tuple[float, float] | None = None,
    digits: int = 3,
) -> go.Figure:
    """Curves with a dot on each that a slider moves; the legend gives the values at the dots.

    Args:
        x: shape ``(N,)``.
        named: name → values of shape ``(N,)``.
        at: positions in `x` of the slider's stops.
        slider: what the slider moves.
        title: the figure's title.
        description: the figure in a sentence.
        x_title: x axis with its unit.
        y_title: y axis with its unit.
        active: the stop shown at first.
        marks: label → x of a dotted vertical line.
        y_range: limits of the y axis; the data's when left out.
        digits: decimals of the values and of the slider's label.

    Returns:
        The figure.
    """
    places, lines = np.asarray(x, dtype=float), _lines(x, named)
    frames = [
        [
            go.Scatter(
                x=[places[k]],
                y=[line.y[k]],
                name=f"{line.name} = {line.y[k]:.{digits}f}",
                mode="markers",
                marker={"size": 12, "color": line.line.color},
            )
            for line in lines
        ]
        for k in at
    ]
    figure = go.Figure([*frames[active], *(line.update(showlegend=False) for line in lines)])
    styled(figure, title, description, x=x_title, y=y_title)
    _mark(figure, marks or {})
    figure.update_yaxes(range=y_range)
    labels = [f"{places[k]:.{digits}f}" for k in at]
    return with_slider(figure, frames, labels, slider, active=active)
