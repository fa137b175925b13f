"""Functions of two variables: surfaces in 3-D chosen from a menu, and planes under a slider."""

from collections.abc import Mapping

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike

from golden_lib.figures.look import GOLD, GREY, GRID, styled, with_menu, with_slider


def surfaces(
    x: ArrayLike,
    y: ArrayLike,
    named: Mapping[str, ArrayLike],
    *,
    title: str,
    description: str,
    x_title: str,
    y_title: str,
    z_title: str,
) -> go.Figure:
    """One surface at a time over a rectangle, chosen from a menu, with its contour on the floor.

    Args:
        x: shape ``(N,)``.
        y: shape ``(M,)``.
        named: name → heights of shape ``(M, N)``.
        title: the figure's title.
        description: the figure in a sentence.
        x_title: x axis with its unit.
        y_title: y axis with its unit.
        z_title: z axis with its unit.

    Returns:
        The figure.
    """
    contours = {"z": {"show": True, "usecolormap": True, "project": {"z": True}}}
    figure = go.Figure(
        [
            go.Surface(x=np.asarray(x), y=np.asarray(y), z=np.asarray(z), name=name,
                       colorscale="Cividis", contours=contours, showscale=False,
                       hovertemplate=f"{x_title} %{{x:.2f}}<br>{y_title} %{{y:.2f}}"
                       f"<br>{name} %{{z:.4f}}<extra></extra>")
            for name, z in named.items()
        ]
    )  # fmt: skip
    styled(figure, title, description, height=520)
    axis = {"gridcolor": GRID, "zerolinecolor": GRID, "backgroundcolor": "rgba(0,0,0,0)"}
    figure.update_scenes(
        xaxis={"title": {"text": x_title}, **axis},
        yaxis={"title": {"text": y_title}, **axis},
        zaxis={"title": {"text": z_title}, **axis},
        camera={"eye": {"x": -1.2, "y": -1.8, "z": 0.8}},
        aspectmode="cube",
    )
    return with_menu(figure, {name: [k] for k, name in enumerate(named)})


def sliding_plane(
    x: ArrayLike,
    y: ArrayLike,
    stops: Mapping[str, ArrayLike],
    *,
    slider: str,
    title: str,
    description: str,
    x_title: str,
    y_title: str,
    z_title: str,
    active: int = 0,
    point: tuple[float, float, str] | None = None,
    log_x: bool = False,
    z_range: tuple[float, float] | None = None,
) -> go.Figure:
    """A coloured plane that changes under a slider, with one point marked.

    Args:
        x: shape ``(N,)``.
        y: shape ``(M,)``.
        stops: label of the slider's stop → values of shape ``(M, N)``.
        slider: what the slider moves.
        title: the figure's title.
        description: the figure in a sentence.
        x_title: x axis with its unit.
        y_title: y axis with its unit.
        z_title: the colour bar's title with its unit.
        active: the stop shown at first.
        point: x, y and label of the marked point.
        log_x: whether x is drawn on a logarithmic axis.
        z_range: limits of the colours, the same at every stop; all the data's when left out.

    Returns:
        The figure.
    """
    planes = [np.asarray(z) for z in stops.values()]
    low, high = z_range or (min(map(np.nanmin, planes)), max(map(np.nanmax, planes)))
    frames = [
        [go.Heatmap(x=np.asarray(x), y=np.asarray(y), z=z, zmin=low, zmax=high,
                    colorscale="Cividis", colorbar={"title": {"text": z_title, "side": "right"}},
                    hovertemplate=f"{x_title} %{{x:.4g}}<br>{y_title} %{{y:.4g}}"
                    f"<br>{z_title} %{{z:.4g}}<extra></extra>")]
        for z in planes
    ]  # fmt: skip
    figure = go.Figure(frames[active])
    if point is not None:
        figure.add_scatter(
            x=[point[0]], y=[point[1]], text=[point[2]], mode="markers+text",
            textposition="bottom center", textfont={"color": "white"}, showlegend=False,
            marker={"symbol": "star", "size": 16, "color": GOLD,
                    "line": {"color": "white", "width": 1.5}},
            hovertemplate=f"{point[2]}<extra></extra>",
        )  # fmt: skip
    styled(figure, title, description, x=x_title, y=y_title, height=500)
    figure.update_xaxes(linecolor=GREY)
    if log_x:
        figure.update_xaxes(type="log", exponentformat="power", dtick=1)
    return with_slider(figure, frames, list(stops), slider, active=active)
