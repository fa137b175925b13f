"""Pictures that only one chapter needs: Rubin's vase, the unit circle, a cobweb, four states."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike
from plotly.subplots import make_subplots

from golden_lib.figures.look import BLUE, GOLD, GREEN, GREY, GRID, RED, styled, with_slider

PROFILE = np.array([
    (1.00, 0.62), (0.93, 0.60), (0.86, 0.52), (0.78, 0.47), (0.70, 0.46), (0.65, 0.50),
    (0.61, 0.49), (0.54, 0.35), (0.49, 0.26), (0.465, 0.28), (0.45, 0.37), (0.42, 0.38),
    (0.395, 0.31), (0.375, 0.32), (0.36, 0.36), (0.345, 0.33), (0.32, 0.33), (0.29, 0.40),
    (0.24, 0.37), (0.20, 0.36), (0.16, 0.40), (0.13, 0.52), (0.08, 0.58), (0.00, 0.60),
])  # fmt: skip
"""Height and distance from the axis along a face in profile, forehead to neck; drawn by us."""


def _grey(lightness: float) -> str:
    level = round(255 * lightness)
    return f"rgb({level},{level},{level})"


def rubin_vase(shares: Sequence[float], *, active: int = 0) -> go.Figure:
    """Rubin's vase: one outline, read as a vase with probability p and as two faces with 1 − p.

    Args:
        shares: the values of p at the slider's stops, in [0, 1]; they set how light the vase is.
        active: the stop shown at first.

    Returns:
        The figure; at p = 1/2 vase and faces have the same grey and the picture is gone.
    """
    height, width = PROFILE.T
    outline_x = np.concatenate([width, -width[::-1]])
    outline_y = np.concatenate([height, height[::-1]])
    rim = {"color": GREY, "width": 1, "shape": "spline", "smoothing": 0.9}

    def frame(p: float) -> list[go.Scatter]:
        faces = go.Scatter(x=[-1, 1, 1, -1], y=[0, 0, 1, 1], fill="toself", mode="none",
                           fillcolor=_grey(1 - p), hoverinfo="skip", showlegend=False)  # fmt: skip
        vase = go.Scatter(x=outline_x, y=outline_y, fill="toself", fillcolor=_grey(p), line=rim,
                          mode="lines", hoverinfo="skip", showlegend=False)  # fmt: skip
        return [faces, vase]

    frames = [frame(p) for p in shares]
    figure = styled(
        go.Figure(frames[active]),
        "A vase, or two faces?",
        "Rubin's vase drawn from one outline. The slider makes the vase lighter as the faces get "
        "darker; at p = 0.5 both have the same grey and only the thin outline is left.",
        height=480,
    )
    figure.update_xaxes(visible=False, range=[-1, 1], constrain="domain")
    figure.update_yaxes(visible=False, range=[0, 1], scaleanchor="x", scaleratio=1.7)
    return with_slider(figure, frames, [f"p = {p:.2f}" for p in shares], "vase with", active=active)


def unit_circle(
    angles: ArrayLike, energies: Mapping[str, ArrayLike], *, active: int, marks: Mapping[str, float]
) -> go.Figure:
    """A point that walks a quarter of the unit circle, and the energies it has on the way.

    Args:
        angles: φ in radians at the slider's stops, shape ``(N,)``, inside (0, π/2).
        energies: name → energy in nats at each angle, shape ``(N,)``.
        active: the stop shown at first.
        marks: label → angle in degrees of a dotted line.

    Returns:
        The figure: the circle above, the energies over φ below, the same slider moving both.
    """
    phi, palette = np.asarray(angles), (BLUE, RED, GREEN)
    figure = make_subplots(rows=2, cols=1, row_heights=[0.55, 0.45], vertical_spacing=0.14)
    named = {name: np.asarray(values) for name, values in energies.items()}

    def walker(k: int) -> list[go.Scatter]:
        x, y = np.cos(phi[k]), np.sin(phi[k])
        legs = [
            go.Scatter(x=[0, x], y=[0, y], mode="lines+markers", name="radius 1",
                       line={"color": GOLD, "width": 3}, marker={"size": [0, 11]}),
            go.Scatter(x=[x, x], y=[0, y], mode="lines", name="sin φ, the true signal",
                       line={"color": BLUE, "width": 4}),
            go.Scatter(x=[0, x], y=[0, 0], mode="lines", name="cos φ, the observed signal",
                       line={"color": RED, "width": 4}),
        ]  # fmt: skip
        dots = go.Scatter(x=[np.degrees(phi[k])] * len(named), y=[v[k] for v in named.values()],
                          mode="markers", marker={"size": 11, "color": palette}, showlegend=False,
                          xaxis="x2", yaxis="y2")  # fmt: skip
        return [*legs, dots]

    frames = [walker(k) for k in range(len(phi))]
    for trace in frames[active][:3]:
        figure.add_trace(trace, row=1, col=1)
    figure.add_trace(frames[active][3], row=2, col=1)
    arc = np.linspace(0, np.pi / 2, 91)
    figure.add_scatter(x=np.cos(arc), y=np.sin(arc), mode="lines", line={"color": GREY},
                       hoverinfo="skip", showlegend=False, row=1, col=1)  # fmt: skip
    for (name, values), shade in zip(named.items(), palette, strict=False):
        figure.add_scatter(x=np.degrees(phi), y=values, name=name, mode="lines",
                           line={"color": shade, "width": 2.5}, row=2, col=1)  # fmt: skip
    styled(
        figure,
        "Energy on the unit circle",
        "A point on a quarter of the unit circle with its sine and cosine, and below it the "
        "energies in nats over the angle in degrees, each with a dot at the slider's angle.",
        height=720,
    )
    grid = {"gridcolor": GRID, "zerolinecolor": GRID, "automargin": True}
    figure.update_xaxes(row=1, col=1, range=[-0.08, 1.08], title="observed, cos φ")
    figure.update_yaxes(row=1, col=1, range=[-0.08, 1.08], title="true, sin φ", scaleanchor="x")
    figure.update_xaxes(row=1, col=1, constrain="domain")
    figure.update_xaxes(row=2, col=1, title="angle φ in degrees", range=[0, 90], **grid)
    figure.update_yaxes(row=2, col=1, title="energy in nats", range=[0, 3], **grid)
    for label, degrees in marks.items():
        side = "right" if degrees < 45 else "left"  # on a phone two labels would overlap
        figure.add_vline(degrees, row=2, col=1, line={"color": GREY, "dash": "dot", "width": 1},
                         annotation={"text": label, "xanchor": side, "yanchor": "top"})  # fmt: skip
    labels = [f"{degrees:.0f}°" for degrees in np.degrees(phi)]
    return with_slider(figure, frames, labels, "φ =", active=active)


def cobweb(
    x: ArrayLike, curve: ArrayLike, paths: Mapping[str, ArrayLike], *, slider: str, formula: str,
    active: int = 0,
) -> go.Figure:  # fmt: skip
    """A fixed-point iteration drawn as a staircase between a curve and the diagonal.

    Args:
        x: shape ``(N,)``.
        curve: the map's values at `x`, shape ``(N,)``.
        paths: label of the slider's stop → the iterates, shape ``(T,)``.
        slider: what the slider moves.
        formula: the map, for the legend.
        active: the stop shown at first.

    Returns:
        The figure.
    """
    frames = []
    for iterates in paths.values():
        steps = np.repeat(np.asarray(iterates, dtype=float), 2)
        frames.append(
            [go.Scatter(x=steps[:-1], y=steps[1:], mode="lines+markers", name="iteration",
                        line={"color": GOLD, "width": 1.5}, marker={"size": 5})]
        )  # fmt: skip
    figure = go.Figure(frames[active])
    figure.add_scatter(x=np.asarray(x), y=np.asarray(curve), mode="lines", name=formula,
                       line={"color": BLUE, "width": 2.5})  # fmt: skip
    figure.add_scatter(x=np.asarray(x), y=np.asarray(x), mode="lines", name="p",
                       line={"color": GREY, "dash": "dash"})  # fmt: skip
    styled(
        figure,
        "Every start ends at the golden ratio",
        "A staircase between a falling curve and the diagonal spirals into their crossing at "
        "0.618 from whatever start the slider gives.",
        x="p",
        y=formula,
    )
    figure.update_yaxes(range=[float(np.min(curve)) - 0.05, float(np.max(curve)) + 0.05])
    return with_slider(figure, frames, list(paths), slider, active=active)


def four_corners(states: Sequence[str], moves: Mapping[str, tuple[int, int]]) -> go.Figure:
    """Four states on the corners of a square, and the moves between them, one a slider stop.

    Args:
        states: the text at the lower left, upper left, upper right and lower right corner.
        moves: what a move does → the corners it leads from and to.

    Returns:
        The figure.

    Raises:
        ValueError: if there are not four states.
    """
    if len(states) != 4:
        raise ValueError(f"states must be 4, one for each corner, got {len(states)}")
    corners = np.array([(0, 0), (0, 1), (1, 1), (1, 0)], dtype=float)
    sides = ("bottom center", "top center", "top center", "bottom center")

    def move(start: int, end: int) -> list[go.Scatter]:
        way = corners[end] - corners[start]
        ends = np.stack([corners[start] + 0.12 * way, corners[end] - 0.12 * way])
        return [
            go.Scatter(x=ends[:, 0], y=ends[:, 1], mode="lines+markers", showlegend=False,
                       line={"color": GOLD, "width": 4}, hoverinfo="skip",
                       marker={"symbol": "arrow", "size": [0, 18], "angleref": "previous",
                               "color": GOLD, "opacity": 1}),
            go.Scatter(x=corners[[start, end], 0], y=corners[[start, end], 1], mode="markers",
                       marker={"size": 26, "color": [BLUE, GOLD]}, hoverinfo="skip",
                       showlegend=False),
        ]  # fmt: skip

    frames = [move(start, end) for start, end in moves.values()]
    figure = go.Figure(frames[0])
    figure.add_scatter(x=[0, 0, 1, 1, 0], y=[0, 1, 1, 0, 0], mode="lines", hoverinfo="skip",
                       line={"color": GREY, "dash": "dot"}, showlegend=False)  # fmt: skip
    figure.add_scatter(x=corners[:, 0], y=corners[:, 1], mode="markers", hoverinfo="skip",
                       marker={"size": 12, "color": GREY}, showlegend=False)  # fmt: skip
    # Away from the corner, or the moving dots, which are larger, would cover the text.
    figure.add_scatter(x=corners[:, 0], y=1.16 * corners[:, 1] - 0.08, mode="text",
                       text=list(states), textposition=sides, textfont={"size": 15},
                       hoverinfo="skip", showlegend=False)  # fmt: skip
    styled(
        figure,
        "Four states of the dual process",
        "A square with an equation at each corner; the slider walks along its sides and names "
        "what each step does to the equation.",
        height=480,
    )
    figure.update_xaxes(visible=False, range=[-0.5, 1.5])
    figure.update_yaxes(visible=False, range=[-0.3, 1.3])
    return with_slider(figure, frames, list(moves), "step:")
