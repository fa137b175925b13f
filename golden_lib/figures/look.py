"""The one look of all figures: colours, axes, sliders, menus, and the sentence read aloud."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import plotly.graph_objects as go

GOLD: Final = "#b97f00"
BLUE: Final = "#2f7fc1"
RED: Final = "#d0502e"
GREEN: Final = "#1f9270"
PURPLE: Final = "#a864ab"
GREY: Final = "#7d828a"
COLORS: Final = (BLUE, GOLD, RED, GREEN, PURPLE, GREY)
"""Each at least 3 : 1 against white and against #121212, and told apart by colour-blind readers."""

GRID: Final = "rgba(128, 128, 128, 0.25)"
FRAME_MS: Final = 0
"""Sliders jump rather than glide: the curve at a value is what the value gives, not a tween."""
MENU_ROW: Final = 36
"""Height in pixels that a figure grows by where it has a menu."""


def color(index: int) -> str:
    """The colour of the `index`-th curve; they repeat after six."""
    return COLORS[index % len(COLORS)]


def styled(
    figure: go.Figure, title: str, description: str, *, x: str = "", y: str = "", height: int = 440
) -> go.Figure:
    """Give `figure` the book's look.

    Args:
        figure: changed in place.
        title: one line above the figure.
        description: what the figure shows, in a sentence, for readers who cannot see it; the page
            puts ``layout.meta["description"]`` where a screen reader finds it.
        x: title of the x axis with its unit.
        y: title of the y axis with its unit.
        height: in pixels.

    Returns:
        The same figure.
    """
    axis = {"gridcolor": GRID, "zerolinecolor": GRID, "linecolor": GREY, "automargin": True}
    return figure.update_layout(
        title={"text": title, "x": 0, "xanchor": "left", "font": {"size": 16}},
        meta={"description": description},
        height=height,
        margin={"l": 8, "r": 8, "t": 64, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"color": GREY, "size": 13},
        colorway=COLORS,
        hovermode="closest",
        legend={"orientation": "h", "yref": "container", "y": 0, "yanchor": "bottom", "x": 0},
        xaxis={"title": {"text": x}, **axis},
        yaxis={"title": {"text": y}, **axis},
    )


def with_slider(
    figure: go.Figure,
    frames: Sequence[Sequence[go.Figure | Any]],
    labels: Sequence[str],
    name: str,
    *,
    active: int = 0,
    traces: Sequence[int] | None = None,
) -> go.Figure:
    """Add a slider whose k-th stop shows the k-th frame.

    Args:
        figure: whose traces already show the frame `active`; changed in place.
        frames: for each stop, the traces that replace those named by `traces`.
        labels: one for each stop, with its unit.
        name: what the slider moves; it stands before the label.
        active: the stop shown at first.
        traces: positions of the replaced traces; all of a frame's from 0 on when left out.

    Returns:
        The same figure.

    Raises:
        ValueError: if frames and labels differ in number, or `active` is none of them.
    """
    if len(frames) != len(labels):
        raise ValueError(f"labels must be {len(frames)}, one for each frame, got {len(labels)}")
    if not 0 <= active < len(frames):
        raise ValueError(f"active must be in 0..{len(frames) - 1}, got {active}")
    figure.frames = [
        go.Frame(data=list(frame), name=str(k), traces=list(traces or range(len(frame))))
        for k, frame in enumerate(frames)
    ]
    jump = {
        "mode": "immediate",
        "frame": {"duration": FRAME_MS, "redraw": True},
        "transition": {"duration": FRAME_MS},
    }
    steps = [
        {"method": "animate", "label": label, "args": [[str(k)], jump]}
        for k, label in enumerate(labels)
    ]
    return figure.update_layout(
        sliders=[
            {
                "active": active,
                "steps": steps,
                "currentvalue": {"prefix": f"{name} ", "font": {"size": 14, "color": GREY}},
                "pad": {"t": 44, "b": 8},
                "ticklen": 0,
                "font": {"size": 1, "color": "rgba(0,0,0,0)"},
                "bgcolor": GRID,
                "activebgcolor": GOLD,
                "bordercolor": GREY,
                "y": 0,
            }
        ]
    )


def with_menu(figure: go.Figure, groups: Mapping[str, Sequence[int]], **relayout: Any) -> go.Figure:
    """Add a menu whose entries each show one group of traces and hide the rest.

    Args:
        figure: changed in place; traces in no group stay visible.
        groups: name of the entry → positions of its traces; the first is shown at first. One
            alone needs no menu, and gets none.
        relayout: for a layout key (dots as underscores), a list with one value an entry.

    Returns:
        The same figure.
    """
    grouped = {k for members in groups.values() for k in members}
    buttons = []
    for choice, (label, members) in enumerate(groups.items()):
        visible = [k in members or k not in grouped for k in range(len(figure.data))]
        layout = {key.replace("_", "."): values[choice] for key, values in relayout.items()}
        buttons.append({"method": "update", "label": label, "args": [{"visible": visible}, layout]})
    for trace, shown in zip(figure.data, buttons[0]["args"][0]["visible"], strict=True):
        trace.visible = shown
    figure.update_layout(**{key: values[0] for key, values in relayout.items()})
    if len(buttons) == 1:
        return figure
    # A line of its own: on a phone the menu would cover the title and the labels of marks.
    figure.update_layout(
        title={"yref": "container", "y": 1, "yanchor": "top", "pad": {"t": 14}},
        margin={"t": figure.layout.margin.t + MENU_ROW},
        height=figure.layout.height + MENU_ROW,
    )
    return figure.update_layout(
        updatemenus=[
            {
                "buttons": buttons,
                "x": 1,
                "xanchor": "right",
                "y": 1,
                "yanchor": "bottom",
                "pad": {"r": 0, "t": 0, "b": 22},
                "showactive": True,
                "bgcolor": "rgba(128,128,128,0.12)",
                "bordercolor": GREY,
            }
        ]
    )
