"""Figures show the arrays that they were given, and their controls reach all of them."""

from functools import cache

import numpy as np
import plotly.graph_objects as go
import pytest

from golden_lib import figures
from golden_lib.figures.look import COLORS, styled, with_slider

WORDS = {"title": "T", "description": "A sentence.", "x_title": "x", "y_title": "y"}
X = np.linspace(0, 1, 11)
STOPS = {f"k = {k}": {"line": k * X} for k in (1, 2, 3)}


GRID_X, GRID_Y = np.array([0.0, 0.1, 0.2]), np.array([0.5, 1.0, 2.0, 4.0])


def a_grid(**changed) -> go.Figure:
    early, late = np.arange(12.0).reshape(4, 3), np.arange(12.0, 24).reshape(4, 3)
    late[3, 2] = np.nan
    metrics = {"accuracy": {"1": early, "2": late}, "loss": {"1": -early, "2": -late}}
    words = {"slider": "epochs", "point": (0.1, 1.0, "here"), **WORDS, **changed}
    return figures.setting_plane(GRID_X, GRID_Y, metrics, **words)


def ranges(**changed) -> go.Figure:
    series = {"ours": {"a": (1, 2, 4), "b": (2, 3, 5)}, "theirs": {"b": (1, 1, 1)}}
    choices = {"rate": series, "ratio": {"theirs": {"b": (0.5, 2, 8)}}}
    return figures.compared_ranges(choices, title="T", description="A sentence.", **changed)


SIZES = [50, 100, 150]
TIMES = {"A": [[1, 1, 1], [2, 3, 4], [5, 6, 7]], "B": [[2, 2, np.nan]] * 3}


def over_sizes(**changed) -> go.Figure:
    choices = {"epochs": TIMES, "ratio": {"B": np.array(TIMES["B"]) / 2}}
    words = {"title": "T", "description": "A sentence.", "x_title": "units", **changed}
    return figures.ranges_over(SIZES, choices, **words)


@cache
def every_figure() -> dict[str, go.Figure]:
    planes = {"A": np.outer(X, X), "B": -np.outer(X, X)}
    images = np.random.default_rng(0).normal(size=(6, 5, 4))
    words = {key: WORDS[key] for key in ("title", "description")}
    return {
        "sliding_curves": figures.sliding_curves(X, STOPS, slider="k", **WORDS),
        "read_off": figures.read_off(X, {"f": X, "g": 1 - X}, [2, 5, 8], slider="x =", **WORDS),
        "chosen_curves": figures.chosen_curves(X, STOPS, **WORDS),
        "surfaces": figures.surfaces(X, X, planes, z_title="z", **WORDS),
        "sliding_plane": figures.sliding_plane(
            X, X, planes, slider="k", z_title="z", point=(0.5, 0.5, "here"), **WORDS
        ),
        "rubin_vase": figures.rubin_vase([0.2, 0.5, 0.8]),
        "unit_circle": figures.unit_circle(
            X[1:-1], {"E": X[1:-1], "F": 1 - X[1:-1]}, active=2, marks={"45°": 45}
        ),
        "cobweb": figures.cobweb(X, 1 / (1 + X), {"0.5": X, "0.9": X}, slider="p", formula="f"),
        "four_corners": figures.four_corners("abcd", {"up": (0, 1), "right": (1, 2)}),
        "learning_curves": figures.learning_curves(
            X,
            {"loss": {"run": np.stack([X, 2 * X], 1)}, "accuracy": {"run": X}},
            title="T",
            description="A sentence.",
            x_title="x",
        ),
        "sliding_images": figures.sliding_images(
            {"1": images, "2": images}, slider="k", columns=3, **words
        ),
        "sliding_verdicts": figures.sliding_verdicts(
            images, np.full((6, 10), 0.1), range(6), **words
        ),
        "setting_plane": a_grid(),
        "curves_over": figures.curves_over(
            {"x": {"a": X, "b": X}, "2x": {"a": 2 * X, "b": 2 * X}},
            {"a": X, "b": 1 - X},
            title="T",
            description="A sentence.",
            y_title="y",
        ),
        "compared_ranges": ranges(),
        "ranges_over": over_sizes(),
        "sliding_histogram": figures.sliding_histogram(
            np.linspace(0, 1, 12),
            {"1": {"a": X, "b": X}, "2": {"a": X, "b": X}},
            slider="k",
            **WORDS,
        ),
    }


@pytest.mark.parametrize("name", every_figure())
def test_a_figure_says_what_it_shows_and_has_a_control(name):
    figure = every_figure()[name]
    assert figure.layout.meta["description"].endswith(".")
    assert figure.layout.title.text
    assert figure.layout.sliders or figure.layout.updatemenus
    figure.to_json(validate=True)


@pytest.mark.parametrize("name", every_figure())
def test_each_stop_of_a_slider_has_its_frame(name):
    figure = every_figure()[name]
    for slider in figure.layout.sliders:
        assert [step.args[0][0] for step in slider.steps] == [f.name for f in figure.frames]
    for frame in figure.frames:
        for trace, k in zip(frame.data, frame.traces, strict=True):
            assert trace.type == figure.data[k].type


def test_a_slider_shows_at_first_what_its_active_frame_holds():
    figure = figures.sliding_curves(X, STOPS, slider="k", active=2, **WORDS)
    np.testing.assert_array_equal(figure.data[0].y, 3 * X)
    np.testing.assert_array_equal(figure.frames[2].data[0].y, 3 * X)


def test_dots_lie_on_their_curves_and_the_legend_says_where():
    figure = figures.read_off(X, {"f": X, "g": 1 - X}, [2, 5, 8], slider="x =", **WORDS)
    for k, frame in zip([2, 5, 8], figure.frames, strict=True):
        assert [dot.y[0] for dot in frame.data] == [X[k], 1 - X[k]]
        assert [dot.name for dot in frame.data] == [f"f = {X[k]:.3f}", f"g = {1 - X[k]:.3f}"]


def test_one_group_alone_gets_no_menu_but_its_axis_title():
    one = {"here": {"a": (1, 2, 3), "b": (2, 3, 4)}}
    figure = figures.compared_ranges({"units": one}, title="T", description="D.")
    assert not figure.layout.updatemenus
    assert figure.layout.xaxis.title.text == "units"
    assert [trace.visible for trace in figure.data] == [True]


def test_a_menu_shows_one_group_and_keeps_what_is_common():
    figure = figures.chosen_curves(X, STOPS, **WORDS)
    assert [trace.visible for trace in figure.data] == [True, False, False]
    for k, button in enumerate(figure.layout.updatemenus[0].buttons):
        assert button.args[0]["visible"] == [k == j for j in range(3)]


def test_a_band_spans_the_replicas():
    replicas = np.stack([X, 3 * X], 1)
    figure = figures.learning_curves(
        X, {"loss": {"run": replicas}}, title="T", description="D.", x_title="x"
    )
    band, line = figure.data
    np.testing.assert_allclose(line.y, 2 * X)
    np.testing.assert_allclose(band.y, np.concatenate([3 * X, X[::-1]]))


def test_the_middle_of_replicas_is_their_mean_or_their_median():
    replicas = np.stack([X, 2 * X, 9 * X], 1)
    for median, factor in ((False, 4), (True, 2)):
        _, line = figures.learning_curves(
            X, {"loss": {"run": replicas}}, median=median, title="T", description="D.", x_title="x"
        ).data
        np.testing.assert_allclose(line.y, factor * X)


def test_images_stand_in_reading_order():
    images = np.arange(3)[:, None, None] * np.ones((3, 2, 2))
    figure = figures.sliding_images(
        {"a": images, "b": images}, slider="k", title="T", description="D.", columns=2
    )
    sheet = figure.data[0].z
    assert sheet.shape == (5, 5)
    assert [sheet[0, 0], sheet[0, 3], sheet[3, 0]] == [0, 1, 2]
    assert np.isnan(sheet[2]).all()
    assert np.isnan(sheet[3, 3])


def test_an_odd_number_of_labels_is_refused():
    figure = styled(go.Figure(), "T", "D.")
    with pytest.raises(ValueError, match="labels must be 1, one for each frame, got 2"):
        with_slider(figure, [[go.Scatter()]], ["a", "b"], "k")
    with pytest.raises(ValueError, match=r"active must be in 0\.\.0, got 1"):
        with_slider(figure, [[go.Scatter()]], ["a"], "k", active=1)


def test_four_corners_refuses_another_number():
    with pytest.raises(ValueError, match="states must be 4, one for each corner, got 2"):
        figures.four_corners("ab", {"up": (0, 1)})


def luminance(color: str) -> float:
    parts = [int(color[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("color", COLORS)
@pytest.mark.parametrize("ground", ["#ffffff", "#121212"])
def test_a_colour_stands_out_on_light_and_dark(color, ground):
    light, dark = sorted([luminance(color), luminance(ground)], reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 3


def test_a_menu_has_a_line_of_its_own_between_title_and_marks():
    figure = figures.chosen_curves(X, STOPS, marks={"mark": 0.9}, **WORDS)
    plain = figures.sliding_curves(X, STOPS, slider="k", **WORDS)
    (menu,) = figure.layout.updatemenus
    title = figure.layout.title
    drawn = 33  # px: Plotly's button around a line of 13 px
    above_plot = menu.pad.b + drawn
    below_title = figure.layout.margin.t - title.pad.t - title.font.size
    mark = figure.layout.annotations[0].font.size
    assert (menu.y, menu.yanchor, title.y, title.yanchor) == (1, "bottom", 1, "top")
    assert mark < menu.pad.b
    assert above_plot < below_title
    plot_heights = {f.layout.height - f.layout.margin.t for f in (figure, plain)}
    assert len(plot_heights) == 1


def test_a_grid_shows_its_last_stop_at_first_and_colours_mean_the_same_at_all():
    figure = a_grid()
    assert figure.layout.sliders[0].active == 1
    for k, name in enumerate(("accuracy", "loss")):
        shown, maps = figure.data[k], [frame.data[k] for frame in figure.frames]
        assert shown.name == name
        np.testing.assert_array_equal(shown.z, maps[1].z)
        reach = {(plane.zmin, plane.zmax) for plane in maps}
        assert reach == ({(0, 22)} if name == "accuracy" else {(-22, 0)})


def test_a_cell_that_diverged_has_a_cross_where_it_stands_from_then_on():
    before, after = (frame.data[2] for frame in a_grid().frames)
    assert len(before.x) == 0
    assert (list(after.x), list(after.y)) == ([0.2], [4.0])
    assert "diverged" in after.hovertemplate


def test_a_grids_menu_shows_one_metric_with_its_crosses_and_keeps_the_marks():
    figure = a_grid(lines={"c": ([0, 0.2], [1, 2])})
    for k, button in enumerate(figure.layout.updatemenus[0].buttons):
        assert button.args[0]["visible"] == [j % 2 == k for j in range(4)] + 4 * [True]
    assert {trace.visible for frame in figure.frames for trace in frame.data} == {None}


def test_a_line_over_a_grid_ends_at_its_upper_edge_and_is_named_there():
    shadow, line, label = a_grid(lines={"c": ([0, 0.1, 0.2], [8, 4, 2])}).data[4:7]
    assert list(shadow.y) == list(line.y) == [4, 2]
    assert (label.x[0], label.y[0], label.text[0]) == (0.1, 4, "c")


def test_every_cell_of_a_grid_is_within_its_axes_to_the_edge():
    figure = a_grid()
    np.testing.assert_allclose(figure.layout.xaxis.range, [-0.05, 0.25])
    np.testing.assert_allclose(10 ** np.array(figure.layout.yaxis.range), [0.5**1.5, 4 * 2**0.5])


def test_less_can_be_better_on_a_grid():
    figure = a_grid(reversed_colors=("loss",))
    assert [figure.data[k].reversescale for k in (0, 1)] == [False, True]


def test_curves_keep_their_heights_when_the_menu_changes_what_they_stand_over():
    figure = every_figure()["curves_over"]
    over_x, over_2x = figure.data[:2], figure.data[2:]
    for one, other in zip(over_x, over_2x, strict=True):
        np.testing.assert_array_equal(one.y, other.y)
        np.testing.assert_array_equal(2 * one.x, other.x)
        assert one.line.color == other.line.color
    assert over_x[0].line.color != over_x[1].line.color
    titles = [b.args[1]["xaxis.title.text"] for b in figure.layout.updatemenus[0].buttons]
    assert titles == ["x", "2x"]


def test_ranges_reach_from_the_least_to_the_greatest_beside_their_rows_name():
    figure = ranges(mark=1)
    ours, theirs, ratio, line = figure.data
    np.testing.assert_array_equal(ours.x - ours.error_x.arrayminus, [1, 2])
    np.testing.assert_array_equal(ours.x + ours.error_x.array, [4, 5])
    names = dict(zip(figure.layout.yaxis.tickvals, figure.layout.yaxis.ticktext, strict=True))
    assert [names[round(at)] for at in ours.y] == ["a", "b"]
    assert [names[round(at)] for at in theirs.y] == ["b"] == [names[round(at)] for at in ratio.y]
    assert ours.y[1] > theirs.y[0], "one above the other, not upon it"
    assert theirs.marker.color == ratio.marker.color != ours.marker.color
    assert list(line.x) == [1, 1]
    shown = [button.args[0]["visible"] for button in figure.layout.updatemenus[0].buttons]
    assert shown == [[True, True, False, True], [False, False, True, False]]


def test_ranges_are_on_a_logarithmic_axis_or_not():
    assert ranges().layout.xaxis.type == "log"
    plain = ranges(log=False).layout.xaxis
    assert (plain.type, plain.dtick) == (None, None)


def test_ranges_over_sizes_reach_from_the_least_to_the_greatest_at_their_size():
    a, b, ratio = over_sizes().data
    np.testing.assert_array_equal(a.y, [2, 3, 4])
    np.testing.assert_array_equal(a.y - a.error_y.arrayminus, [1, 1, 1])
    np.testing.assert_array_equal(a.y + a.error_y.array, [5, 6, 7])
    np.testing.assert_array_equal(b.y, [2, 2, np.nan])
    for trace in (a, b, ratio):
        assert list(trace.customdata) == SIZES == [round(x, -1) for x in trace.x]
    assert (a.x < b.x).all(), "beside each other, not upon each other"
    assert a.line.color != b.line.color == ratio.line.color


def test_a_mark_over_sizes_belongs_to_its_entry_of_the_menu():
    figure = over_sizes(marks={"ratio": 1.0})
    assert list(figure.data[3].y) == [1, 1]
    shown = [button.args[0]["visible"] for button in figure.layout.updatemenus[0].buttons]
    assert shown == [[True, True, False, False], [False, False, True, True]]
