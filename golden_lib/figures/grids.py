"""A grid of settings, such as η and α: coloured over the plane, as curves, as ranges."""

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from golden_lib.figures.look import (
    BLUE,
    GOLD,
    GREY,
    RED,
    color,
    styled,
    with_menu,
    with_slider,
)

Lines = Mapping[str, tuple[ArrayLike, ArrayLike]]
"""Label → x and y of a line."""
SHADOW = "0 0 3px black, 0 0 3px black"
"""White letters are read on bright cells too."""


def setting_plane(
    x: ArrayLike,
    y: ArrayLike,
    metrics: Mapping[str, Mapping[str, ArrayLike]],
    *,
    slider: str,
    title: str,
    description: str,
    x_title: str,
    y_title: str,
    active: int = -1,
    point: tuple[float, float, str] | None = None,
    lines: Lines | None = None,
    reversed_colors: tuple[str, ...] = (),
) -> go.Figure:
    """What each setting of a grid gave, over time under a slider, by a metric from a menu.

    Args:
        x: shape ``(N,)``, evenly spaced.
        y: shape ``(M,)``, ascending, > 0, on a logarithmic axis.
        metrics: name with its unit → label of the slider's stop → values ``(M, N)``; all metrics
            have the same stops. A NaN is a cell that diverged: it has no colour, but a cross.
        slider: what the slider moves.
        title: the figure's title.
        description: the figure in a sentence.
        x_title: x axis with its unit.
        y_title: y axis with its unit.
        active: the stop shown at first; the last when left out.
        point: x, y and label of the marked point.
        lines: dashed lines over the plane, each with its label at its upper left end.
        reversed_colors: metrics of which less is better: bright is good for all.

    Returns:
        The figure; the colours of a metric mean the same at every stop.
    """
    columns, rows = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    names, stops = list(metrics), list(next(iter(metrics.values())))
    planes = {name: [np.asarray(metrics[name][stop], dtype=float) for stop in stops]
              for name in names}  # fmt: skip
    axes = f"{x_title} %{{x:.3g}}<br>{y_title} %{{y:.3g}}"

    def frame(k: int) -> list[go.Heatmap | go.Scatter]:
        maps = [
            go.Heatmap(
                x=columns, y=rows, z=planes[name][k], name=name, hoverongaps=False,
                zmin=np.nanmin(planes[name]), zmax=np.nanmax(planes[name]),
                colorscale="Cividis", reversescale=name in reversed_colors,
                colorbar={"thickness": 16},  # the menu is its title: a phone has no room for two
                hovertemplate=f"{axes}<br>{name} %{{z:.4g}}<extra></extra>",
            )
            for name in names
        ]  # fmt: skip
        gone = [np.nonzero(np.isnan(planes[name][k])) for name in names]
        crosses = [
            go.Scatter(x=columns[at[1]], y=rows[at[0]], mode="markers", showlegend=False,
                       marker={"symbol": "x-thin", "size": 9, "line": {"color": RED, "width": 2}},
                       hovertemplate=f"{axes}<br>diverged<extra></extra>")
            for at in gone
        ]  # fmt: skip
        return [*maps, *crosses]

    frames = [frame(k) for k in range(len(stops))]
    active %= len(stops)
    figure = go.Figure(frames[active])
    for label, (across, up) in (lines or {}).items():
        inside = np.asarray(up) <= rows[-1]
        place = {"x": np.asarray(across)[inside], "y": np.asarray(up)[inside]}
        quiet = {"showlegend": False, "hoverinfo": "skip"}
        # White on dark cells, and on bright ones the shadow below it.
        for line in (
            {"color": "rgba(0,0,0,0.45)", "width": 3},
            {"color": "white", "width": 1.5, "dash": "dash"},
        ):
            figure.add_scatter(**place, mode="lines", line=line, **quiet)
        figure.add_scatter(
            x=place["x"][:1], y=place["y"][:1], text=[label], mode="text", **quiet,
            textposition="middle right",
            textfont={"color": "white", "size": 12, "shadow": SHADOW},
        )  # fmt: skip
    if point is not None:
        figure.add_scatter(
            x=[point[0]], y=[point[1]], text=[point[2]], mode="markers+text", showlegend=False,
            textposition="bottom center", hoverinfo="skip",
            textfont={"color": "white", "shadow": SHADOW},
            marker={"symbol": "star", "size": 16, "color": GOLD,
                    "line": {"color": "white", "width": 1.5}},
        )  # fmt: skip
    styled(figure, title, description, x=x_title, y=y_title, height=520)
    half, ratio = (columns[1] - columns[0]) / 2, np.sqrt(rows[1] / rows[0])
    figure.update_xaxes(range=[columns[0] - half, columns[-1] + half], showgrid=False)
    figure.update_yaxes(
        type="log", exponentformat="none", dtick=1, showgrid=False, linecolor=GREY,
        range=np.log10([rows[0] / ratio, rows[-1] * ratio]).tolist(),
    )  # fmt: skip
    with_slider(figure, frames, stops, slider, active=active)
    return with_menu(figure, {name: [k, len(names) + k] for k, name in enumerate(names)})


def curves_over(
    abscissas: Mapping[str, Mapping[str, ArrayLike]],
    named: Mapping[str, ArrayLike],
    *,
    title: str,
    description: str,
    y_title: str,
) -> go.Figure:
    """The same curves over one quantity or another, chosen from a menu: what makes them one?

    Args:
        abscissas: title of the x axis, also the menu's entry → name of a curve → x, ``(N,)``, > 0,
            on a logarithmic axis.
        named: name of a curve → y, ``(N,)``; the first is blue and the last gold, and those between
            go from one to the other.
        title: the figure's title.
        description: the figure in a sentence.
        y_title: y axis with its unit.

    Returns:
        The figure.
    """
    figure, groups = go.Figure(), {}
    shades = _between(BLUE, GOLD, len(named))
    for choice, places in abscissas.items():
        groups[choice] = range(len(figure.data), len(figure.data) + len(named))
        for shade, (name, values) in zip(shades, named.items(), strict=True):
            figure.add_scatter(
                x=np.asarray(places[name]), y=np.asarray(values), name=name, mode="lines+markers",
                line={"width": 2, "color": shade}, marker={"size": 6},
                hovertemplate=f"{name}<br>{choice} %{{x:.3g}}<br>{y_title} %{{y:.3g}}"
                "<extra></extra>",
            )  # fmt: skip
    styled(figure, title, description, x=next(iter(abscissas)), y=y_title, height=460)
    figure.update_xaxes(type="log", exponentformat="none", dtick=1)
    return with_menu(figure, groups, xaxis_title_text=list(abscissas))


def compared_ranges(
    choices: Mapping[str, Mapping[str, Mapping[str, tuple[float, float, float]]]],
    *,
    title: str,
    description: str,
    mark: float | None = None,
    log: bool = True,
) -> go.Figure:
    """Middle values with their ranges, side by side for each row, by a quantity from a menu.

    Args:
        choices: the quantity with its unit, also the menu's entry → name of a series → name of a
            row → least, middle and greatest, > 0 on a logarithmic axis; NaN where there is none.
        title: the figure's title.
        description: the figure in a sentence.
        mark: x of a dotted vertical line under the first choice.
        log: whether the axis is logarithmic.

    Returns:
        The figure; a series has the same colour in all choices.
    """
    names = list(dict.fromkeys(name for series in choices.values() for name in series))
    rows = list(dict.fromkeys(r for series in choices.values() for s in series.values() for r in s))
    figure, groups = go.Figure(), {}
    for choice, series in choices.items():
        groups[choice] = range(len(figure.data), len(figure.data) + len(series))
        for name, values in series.items():
            # Apart from each other within a row, the first series on top.
            shift = 0.6 * (0.5 - (names.index(name) + 0.5) / len(names))
            low, middle, high = np.array(list(values.values()), dtype=float).T
            figure.add_scatter(
                x=middle, y=[len(rows) - 1 - rows.index(row) + shift for row in values],
                name=name, text=list(values), mode="markers",
                marker={"size": 9, "color": color(names.index(name))},
                error_x={"array": high - middle, "arrayminus": middle - low, "thickness": 1.5,
                         "width": 3, "symmetric": False},
                hovertemplate=f"%{{text}}<br>{name}<br>{choice} %{{x:.3g}}<extra></extra>",
            )  # fmt: skip
    styled(figure, title, description, x=next(iter(choices)), height=160 + 44 * len(rows))
    if log:
        figure.update_xaxes(type="log", dtick=1)
    figure.update_yaxes(
        tickvals=list(range(len(rows))), ticktext=rows[::-1], range=[-0.6, len(rows) - 0.4],
        zeroline=False,
    )  # fmt: skip
    figure.update_layout(legend={"orientation": "v", "yanchor": "bottom"})
    if mark is not None:
        groups[next(iter(choices))] = [*groups[next(iter(choices))], len(figure.data)]
        figure.add_scatter(
            x=[mark, mark], y=[-0.6, len(rows) - 0.4], mode="lines", showlegend=False,
            line={"color": GREY, "dash": "dot", "width": 1.5}, hoverinfo="skip",
        )  # fmt: skip
    return with_menu(figure, groups, xaxis_title_text=list(choices))


def ranges_over(
    x: ArrayLike,
    choices: Mapping[str, Mapping[str, ArrayLike]],
    *,
    title: str,
    description: str,
    x_title: str,
    marks: Mapping[str, float] | None = None,
) -> go.Figure:
    """Curves with a range at each of their points, by a quantity from a menu.

    Args:
        x: shape ``(N,)``, ascending.
        choices: the quantity with its unit, also the menu's entry → name of a curve → least, middle
            and greatest, shape ``(3, N)``; NaN where there is none.
        title: the figure's title.
        description: the figure in a sentence.
        x_title: x axis with its unit.
        marks: entry of the menu → y of a dotted horizontal line.

    Returns:
        The figure; a curve has the same colour in all choices, and stands a little beside the
        others, so that no range hides another.
    """
    places, figure, groups = np.asarray(x, dtype=float), go.Figure(), {}
    names = list(dict.fromkeys(name for named in choices.values() for name in named))
    apart = 0.02 * (places[-1] - places[0])
    for choice, named in choices.items():
        start = len(figure.data)
        for name, values in named.items():
            low, middle, high = np.asarray(values, dtype=float)
            k = names.index(name)
            figure.add_scatter(
                x=places + apart * (k - (len(names) - 1) / 2), y=middle, name=name,
                mode="lines+markers", line={"width": 2, "color": color(k)}, marker={"size": 8},
                error_y={"array": high - middle, "arrayminus": middle - low, "thickness": 1.5,
                         "width": 3, "symmetric": False},
                customdata=places,
                hovertemplate=f"{name}<br>{x_title} %{{customdata:.4g}}<br>{choice} %{{y:.4g}}"
                "<extra></extra>",
            )  # fmt: skip
        if choice in (marks or {}):
            figure.add_scatter(
                x=places[[0, -1]] + np.array([-3, 3]) * apart, y=[marks[choice]] * 2, mode="lines",
                line={"color": GREY, "dash": "dot", "width": 1.5}, showlegend=False,
                hoverinfo="skip",
            )  # fmt: skip
        groups[choice] = range(start, len(figure.data))
    styled(figure, title, description, x=x_title, y=next(iter(choices)))
    figure.update_xaxes(tickvals=places)
    return with_menu(figure, groups, yaxis_title_text=list(choices))


def _between(first: str, last: str, count: int) -> list[str]:
    """Colours from one to the other."""
    ends = [[int(shade[k : k + 2], 16) for k in (1, 3, 5)] for shade in (first, last)]
    mixed = np.linspace(*ends, count).round().astype(int)
    return ["#{:02x}{:02x}{:02x}".format(*parts) for parts in mixed]
