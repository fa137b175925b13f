"""What training leaves behind: learning curves with their spread, images, histograms."""

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go
from numpy.typing import ArrayLike
from plotly.subplots import make_subplots

from golden_lib.figures.look import BLUE, GOLD, GRID, color, styled, with_menu, with_slider


def learning_curves(
    steps: ArrayLike,
    metrics: Mapping[str, Mapping[str, ArrayLike]],
    *,
    title: str,
    description: str,
    x_title: str,
    log_y: Sequence[str] = (),
    median: bool = False,
) -> go.Figure:
    """Metrics of one or more runs over time, chosen from a menu; bands span the replicas.

    Args:
        steps: shape ``(T,)``.
        metrics: name of a metric with its unit → name of a run → values ``(T,)`` or ``(T, R)``;
            over R replicas the line is their middle, the band goes from the least to the greatest.
        title: the figure's title.
        description: the figure in a sentence.
        x_title: x axis with its unit.
        log_y: the metrics drawn on a logarithmic axis.
        median: the middle is the median; the mean when left out.

    Returns:
        The figure.
    """
    x, figure, groups = np.asarray(steps), go.Figure(), {}
    middle = np.median if median else np.mean
    for metric, runs in metrics.items():
        start = len(figure.data)
        for k, (run, values) in enumerate(runs.items()):
            y, shade = np.asarray(values), color(k)
            if y.ndim == 2 and y.shape[1] > 1:
                figure.add_scatter(x=np.concatenate([x, x[::-1]]), hoverinfo="skip",
                                   y=np.concatenate([y.max(1), y.min(1)[::-1]]), fill="toself",
                                   line={"width": 0, "color": shade}, opacity=0.25, mode="lines",
                                   showlegend=False, legendgroup=run)  # fmt: skip
            figure.add_scatter(x=x, y=middle(y, 1) if y.ndim == 2 else y, name=run, mode="lines",
                               line={"width": 2.5, "color": shade}, legendgroup=run)  # fmt: skip
        groups[metric] = range(start, len(figure.data))
    styled(figure, title, description, x=x_title, y=next(iter(metrics)))
    kinds = ["log" if metric in log_y else "linear" for metric in metrics]
    return with_menu(figure, groups, yaxis_title_text=list(metrics), yaxis_type=kinds)


def _tiled(images: np.ndarray, columns: int, gap: float) -> np.ndarray:
    """Images ``(N, H, W)`` in rows of `columns`, `gap` between them, the first at the top left."""
    count, height, width = images.shape
    rows = -(-count // columns)
    sheet = np.full((rows * (height + 1) - 1, columns * (width + 1) - 1), gap)
    for k, image in enumerate(images):
        top, left = (k // columns) * (height + 1), (k % columns) * (width + 1)
        sheet[top : top + height, left : left + width] = image
    return sheet


def _sheet(images: ArrayLike, columns: int, signed: bool, limit: float | None) -> go.Heatmap:
    stack = np.asarray(images, dtype=float)
    reach = limit or float(np.nanmax(np.abs(stack))) or 1.0
    return go.Heatmap(
        z=_tiled(stack, columns, np.nan), showscale=signed, hoverinfo="skip",
        colorscale="RdBu" if signed else "gray", zmin=-reach if signed else 0.0, zmax=reach,
        colorbar={"title": {"text": "weight", "side": "right"}},
    )  # fmt: skip


def _framed(figure: go.Figure, title: str, description: str, shape: tuple[int, int]) -> go.Figure:
    rows, columns = shape
    styled(figure, title, description, height=int(110 + 700 * min(1.0, rows / columns)))
    figure.update_xaxes(visible=False, constrain="domain")
    return figure.update_yaxes(visible=False, autorange="reversed", scaleanchor="x")


def sliding_images(
    stops: Mapping[str, ArrayLike],
    *,
    slider: str,
    title: str,
    description: str,
    columns: int,
    active: int = 0,
    signed: bool = True,
) -> go.Figure:
    """A grid of images that changes under a slider, such as filters as they form.

    Args:
        stops: label of the slider's stop → images of shape ``(N, H, W)``.
        slider: what the slider moves.
        title: the figure's title.
        description: the figure in a sentence.
        columns: images in a row.
        active: the stop shown at first.
        signed: colour around zero, with a scale shared by all stops.

    Returns:
        The figure.
    """
    limit = max(float(np.nanmax(np.abs(np.asarray(images)))) for images in stops.values())
    frames = [[_sheet(images, columns, signed, limit)] for images in stops.values()]
    figure = _framed(go.Figure(frames[active]), title, description, frames[active][0].z.shape)
    return with_slider(figure, frames, list(stops), slider, active=active)


def sliding_verdicts(
    images: ArrayLike,
    probabilities: ArrayLike,
    labels: Sequence[int],
    *,
    title: str,
    description: str,
    active: int = 0,
) -> go.Figure:
    """One image at a time with the probability that a network gives to each class.

    Args:
        images: shape ``(N, H, W)``, grey.
        probabilities: shape ``(N, C)``.
        labels: the true classes, N of them; their bars are gold.
        title: the figure's title.
        description: the figure in a sentence.
        active: the image shown at first.

    Returns:
        The figure.
    """
    figure = make_subplots(rows=1, cols=2, column_widths=[0.42, 0.58], horizontal_spacing=0.14)
    shares, classes = np.asarray(probabilities, dtype=float), np.arange(np.shape(probabilities)[1])
    frames = [
        [
            go.Heatmap(z=image, colorscale="gray", zmin=0, zmax=1, showscale=False,
                       hoverinfo="skip"),
            go.Bar(x=share, y=classes, orientation="h", xaxis="x2", yaxis="y2", showlegend=False,
                   marker={"color": [GOLD if c == label else BLUE for c in classes]}),
        ]
        for image, share, label in zip(np.asarray(images, float), shares, labels, strict=True)
    ]  # fmt: skip
    for column, trace in enumerate(frames[active], start=1):
        figure.add_trace(trace, row=1, col=column)
    styled(figure, title, description, height=400)
    figure.update_xaxes(visible=False, constrain="domain", row=1, col=1)
    figure.update_yaxes(visible=False, autorange="reversed", scaleanchor="x", row=1, col=1)
    figure.update_xaxes(title_text="probability", range=[0, 1], gridcolor=GRID, row=1, col=2)
    figure.update_yaxes(title_text="class", tickvals=classes, row=1, col=2)
    stops = [
        f"{k + 1} of {len(frames)}: a {label}, taken for a {share.argmax()}"
        for k, (share, label) in enumerate(zip(shares, labels, strict=True))
    ]
    return with_slider(figure, frames, stops, "", active=active)


def sliding_histogram(
    edges: ArrayLike,
    stops: Mapping[str, Mapping[str, ArrayLike]],
    *,
    slider: str,
    title: str,
    description: str,
    x_title: str,
    y_title: str,
    active: int = 0,
) -> go.Figure:
    """Histograms, one panel for each name, that change under a slider.

    Args:
        edges: bin edges, shape ``(N + 1,)``, the same for all.
        stops: label of the slider's stop → name → counts of shape ``(N,)``.
        slider: what the slider moves.
        title: the figure's title.
        description: the figure in a sentence.
        x_title: x axis with its unit.
        y_title: y axis with its unit.
        active: the stop shown at first.

    Returns:
        The figure.
    """
    bins = np.asarray(edges, dtype=float)
    centres, widths = (bins[1:] + bins[:-1]) / 2, np.diff(bins)
    names = list(next(iter(stops.values())))
    figure = make_subplots(rows=len(names), cols=1, shared_xaxes=True, vertical_spacing=0.08,
                           subplot_titles=names)  # fmt: skip
    frames = [
        [go.Bar(x=centres, y=np.asarray(counts), width=widths, name=name, showlegend=False,
                marker={"color": color(k), "line": {"width": 0}},
                xaxis=f"x{k + 1}" if k else "x", yaxis=f"y{k + 1}" if k else "y")
         for k, (name, counts) in enumerate(named.items())]
        for named in stops.values()
    ]  # fmt: skip
    for row, trace in enumerate(frames[active], start=1):
        figure.add_trace(trace, row=row, col=1)
    styled(figure, title, description, height=240 + 180 * len(names))
    figure.update_xaxes(title_text=x_title, row=len(names), col=1)
    for row in range(1, len(names) + 1):
        tallest = max(float(np.max(frame[row - 1].y)) for frame in frames)
        figure.update_yaxes(title_text=y_title, range=[0, 1.05 * tallest], row=row, col=1)
    return with_slider(figure, frames, list(stops), slider, active=active)
