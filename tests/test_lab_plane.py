"""A plane without a page: its cells, its links, its zoom, and what Python and JavaScript share."""

import json
from dataclasses import asdict
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import traitlets
from matplotlib import colormaps
from test_lab_links import claims, node

from golden_lib.golden import ALPHA, ETA
from golden_lib.lab import SETTINGS, PlaneLab
from golden_lib.lab.course import KEPT_BYTES, Course
from golden_lib.lab.modules import STATIC
from golden_lib.lab.plane_link import plane_code, read_plane, write_plane
from golden_lib.lab.plane_settings import Plane
from golden_lib.nets import Mlp
from golden_lib.training import train

pytestmark = pytest.mark.usefixtures("small")

VECTORS = json.loads((Path(__file__).parent / "lab_planes.json").read_text(encoding="utf-8"))
READ = [vector for vector in VECTORS if "plane" in vector]
REFUSED = [vector for vector in VECTORS if "refused" in vector]
SMALL = {"hidden": 6, "batch_size": 30, "epochs": 2, "cells": 3}
METRICS = ("loss", "train_accuracy", "test_accuracy")


@pytest.fixture
def make():
    """Make labs, and close them."""
    made = []

    def lab(**settings):
        made.append(PlaneLab(**{**SMALL, **settings}))
        return made[-1]

    yield lab
    for each in made:
        each.close()


def in_page(program, given):
    """What the plane's own modules make of something; they are all in scope."""
    modules = ("plane_settings", "plane_link", "plane_story", "plane_say", "plane_colors")
    names = [f'await import("{(STATIC / f"{name}.js").as_uri()}")' for name in modules]
    head = f"const $ = Object.assign({{}}, {', '.join(names)});\nconst {{ table }} = given;\n"
    return node(head + program, {"table": SETTINGS, **given})


@pytest.mark.parametrize(
    ("rule", "loss", "eta"),
    [
        ("delta", "logistic_sse", (0.005, 5)),
        ("dlr", "energy", (0.01, 0.5)),
        ("adam", "cross_entropy", (1e-4, 0.01)),
    ],
)
def test_a_cell_is_the_network_that_train_makes_of_its_pair(make, digits, rule, loss, eta):
    lab = make(rule=rule, loss=loss, eta=eta, seed=3).train()
    plane = lab.plane
    for row, column in np.ndindex(3, 3):
        run = train(
            Mlp(hidden=6), loss, rule, digits, eta=plane["eta"][row, column],
            alpha=plane["alpha"][row, column], seeds=[3], seed=3, batch_size=30, epochs=2,
            every=1, test_every=5, progress=False,
        ).finish()  # fmt: skip
        for name in METRICS:
            alone = getattr(run.history, name)[:, 0]
            np.testing.assert_allclose(
                getattr(lab.history, name)[:, 3 * row + column], alone, atol=2e-5, err_msg=name
            )
            last = alone[np.isfinite(alone)][-1]
            assert plane[name][row, column] == pytest.approx(last, abs=2e-5)


def test_a_cell_that_diverges_leaves_the_others_as_they_are(make):
    poisoned, clean = make(loss="cross_entropy"), make(loss="cross_entropy")
    for lab in (poisoned, clean):
        lab.train(steps=5)
    poisoned._kernel.course.run.state.params["output.weight"][4] = float("nan")
    for lab in (poisoned, clean):
        lab.train()
    assert poisoned.step == clean.step == 36
    gone = np.zeros((3, 3), bool)
    gone[1, 1] = True
    assert np.array_equal(poisoned.plane["diverged"] >= 0, gone)
    assert poisoned.plane["diverged"][1, 1] == 6
    assert poisoned.message == "1 of 9 cells diverged"
    for name in METRICS:
        assert np.array_equal(np.isnan(poisoned.plane[name]), gone)
        np.testing.assert_array_equal(poisoned.plane[name][~gone], clean.plane[name][~gone])
    shown = poisoned.shown()
    assert "1 of 9 cells diverged." in shown["sentence"]
    json.dumps(shown, allow_nan=False)


def test_cells_lie_evenly_between_the_ends_of_the_ranges():
    plane = Plane.of(eta=(0.003, 7), alpha=(0.1, 0.9), cells=12)
    np.testing.assert_allclose(plane.etas, np.geomspace(0.003, 7, 12), rtol=5e-6)
    np.testing.assert_allclose(plane.alphas, np.linspace(0.1, 0.9, 12), rtol=5e-6)
    assert (plane.etas[0], plane.etas[-1], plane.alphas[-1]) == (0.003, 7, 0.9)
    dlr = Plane.of(rule="dlr", cells=5)
    np.testing.assert_allclose(dlr.alphas, [0.01, 0.1, 1, 10, 100])
    eta, alpha = plane.pairs
    assert (eta[13], alpha[13]) == (plane.etas[1], plane.alphas[1])
    whole = Plane.of()
    row, column = np.abs(np.log(whole.etas / ETA)).argmin(), np.abs(whole.alphas - ALPHA).argmin()
    assert whole.nearest == (row, column)
    assert Plane.of(eta=(0.1, 1)).nearest is None


def test_zooming_in_trains_a_part_and_zooming_out_goes_back(make):
    lab = make().train(steps=10)
    before = lab.plane
    assert lab.zoom(eta=(0.2, 2)) is lab
    assert (lab.eta, lab.alpha) == ((0.2, 2.0), (0.0, 0.98))
    assert np.array_equal(lab.plane["eta"], before["eta"])  # until it is trained
    lab.train(steps=4)
    assert lab.step == 4
    np.testing.assert_allclose(lab.plane["eta"][:, 0], [0.2, 0.4**0.5, 2], rtol=1e-5)
    with pytest.raises(ValueError, match="alpha must go from a number"):
        lab.zoom(alpha=(0.5, 0.5))
    lab.zoom_out()
    assert lab.eta == (0.005, 5.0)
    with pytest.raises(ValueError, match="zoom_out must come after a zoom, got none"):
        lab.zoom_out()
    lab.train(steps=10)
    np.testing.assert_array_equal(lab.plane["loss"], before["loss"])


def test_a_link_repeats_the_plane(make):
    lab = make(eta=(0.1, 2), seed=9).train(steps=12)
    again = PlaneLab.from_link(lab.link).train()
    try:
        assert again.step == 12
        assert again.link == lab.link
        np.testing.assert_array_equal(again.plane["loss"], lab.plane["loss"])
        names: dict = {}
        exec(lab.code, names)
        np.testing.assert_array_equal(names["lab"].plane["loss"], lab.plane["loss"])
        names["lab"].close()
    finally:
        again.close()


def test_settings_are_traits_that_refuse_and_follow(make):
    lab = make()
    for name, value, sentence in (
        ("eta", (2, 1), "eta must go from a number to one at least a factor of 1.001 above"),
        ("eta", (0, 1), "eta must be two numbers from 0.0001 to 10 under delta"),
        ("alpha", (0, float("nan")), "alpha must be two numbers from 0 to 0.999 under delta"),
        ("alpha", 0.5, "alpha must be two numbers"),
        ("cells", 17, "cells must be a whole number from 2 to 16, got 17"),
    ):
        before = getattr(lab, name)
        with pytest.raises(traitlets.TraitError, match=sentence):
            setattr(lab, name, value)
        assert getattr(lab, name) == before
    lab.rule = "adam"
    assert lab.eta == (0.0001, 0.1)
    lab.eta = (0.001, 0.01)
    lab.rule = "delta"
    assert lab.eta == (0.001, 0.01)
    lab.rule = "dlr"
    assert (lab.eta, lab.alpha) == ((0.01, 10.0), (0.01, 100.0))
    with pytest.raises(ValueError, match="network must be one of"):
        PlaneLab("rnn")


def test_what_the_page_asks_for_becomes_the_settings(make):
    lab = make()
    plane = Plane.of(**{**SMALL, "cells": 2, "eta": (0.1, 1), "seed": 4})
    ranges = {"eta": [0.1, 1], "alpha": [0, 0.98], "cells": 2}
    lab._command({"type": "start", "settings": plane.settings.plain(), "plane": ranges}, {})
    lab._command({"type": "run", "until": 6}, {})
    lab._wait()
    chosen = {**ranges, "alpha": [0.1, 0.2]}
    lab._command({"type": "choose", "settings": plane.settings.plain(), "plane": chosen}, {})
    assert (lab.alpha, lab.step) == ((0.1, 0.2), 6)
    lab._command({"type": "choose", "settings": plane.settings.plain(), "plane": ranges}, {})
    assert lab.settings == plane
    assert lab.step == 6
    assert lab.plane["loss"].shape == (2, 2)


def test_a_plane_stands_still_as_a_drawing_with_its_words(make):
    lab = make(title="<b>").train()
    shown = lab.shown()
    assert shown["kind"] == "plane"
    assert shown["settings"]["eta"] == (0.005, 5.0)
    assert len(shown["state"]["records"]["step"]) <= 40
    root = ElementTree.fromstring(shown["still"])
    assert root.get("aria-label") == shown["sentence"]
    assert len(shown["still"]) < 60_000
    said = " ".join(root.itertext())
    for value in (*lab.settings.etas, *lab.settings.alphas):
        assert f"{value:.3g}" in said.split()
    best = np.unravel_index(np.nanargmax(lab.plane["test_accuracy"]), (3, 3))
    share = lab.plane["test_accuracy"][best]
    assert f"gets {100 * share:.1f} % of 60 test digits right" in shown["sentence"]


def test_a_plane_keeps_no_more_memory_than_a_run_may(make):
    eta, alpha = Plane.of(cells=16).pairs
    run = Course(Plane.of(hidden=100, batch_size=60).settings, eta=eta, alpha=alpha)
    bytes_each = 4 * 2 * 256 * run.parameters
    while run.step < 6:
        run.advance(6)
        assert len(run.moments) * bytes_each <= max(KEPT_BYTES, 2 * bytes_each)


@pytest.fixture(scope="module")
def page():
    """What the page's JavaScript makes of every link of the vectors."""
    program = """
    console.log(JSON.stringify(given.links.map((link) => {
      try {
        const read = $.readPlane(table, link);
        return { ...read, written: $.writePlane(table, read), code: $.planeCode(read) };
      } catch (error) { return { refused: error.message }; }
    })));
    """
    links = [vector["link"] for vector in VECTORS]
    return dict(zip(links, in_page(program, {"links": links}), strict=True))


@pytest.mark.parametrize("vector", **claims(READ))
def test_python_and_the_page_read_and_write_a_link_as_the_vectors_say(vector, page):
    read, found = read_plane(vector["link"]), page[vector["link"]]
    plane = {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(read.plane).items()}
    assert plane == found["plane"] == vector["plane"]
    assert read.steps == found["steps"] == vector.get("steps", 0)
    assert read.id == found["id"] == vector.get("id", "")
    assert list(read.messages) == found["messages"] == vector.get("messages", [])
    written = write_plane(read.plane, read.steps, read.id)
    assert written == found["written"] == vector["written"]
    code = plane_code(read.plane, read.steps)
    assert code == found["code"] == vector.get("code", code)
    again = read_plane(written)
    assert (again.plane, again.messages) == (read.plane, ())


@pytest.mark.parametrize("vector", **claims(REFUSED))
def test_nonsense_is_refused_in_the_same_words_in_python_and_in_the_page(vector, page):
    assert page[vector["link"]] == {"refused": vector["refused"]}
    with pytest.raises(ValueError, match="got") as refused:
        read_plane(vector["link"])
    assert str(refused.value) == vector["refused"]


def test_the_page_has_the_same_cells_to_the_last_digit():
    draws = np.random.default_rng(0)
    planes = [Plane.of(cells=8), Plane.of(rule="dlr", cells=12), Plane.of(rule="adam", cells=16)]
    for rule in ("delta", "dlr"):
        for _ in range(40):
            low, cells = 10 ** draws.uniform(-3.9, 0), int(draws.integers(2, 17))
            eta = low, low * draws.uniform(1.01, 10)
            alpha = np.sort(draws.uniform(0.01, 0.99, 2)).tolist()
            planes.append(Plane.of(rule=rule, cells=cells, eta=eta, alpha=alpha))
    program = """
    console.log(JSON.stringify(given.planes.map((plane) => ({
      ...$.pairsOfPlane(table, plane), nearest: $.nearestOf(table, plane) }))));
    """
    found = in_page(program, {"planes": [plane.plain() for plane in planes]})
    for plane, theirs in zip(planes, found, strict=True):
        assert (theirs["eta"], theirs["alpha"]) == plane.pairs
        near = plane.nearest
        assert theirs["nearest"] == (None if near is None else near[0] * plane.cells + near[1])


def test_a_part_that_is_zoomed_into_covers_its_cells_and_no_others():
    plane, dlr = Plane.of(cells=8), Plane.of(rule="dlr", cells=8)
    parts = [
        {"rows": [r, r + h], "columns": [c, c + w]}
        for r, h, c, w in ((2, 3, 4, 1), (0, 0, 0, 0), (7, 0, 7, 0), (0, 7, 0, 7), (3, 1, 6, 1))
    ]
    program = """
    console.log(JSON.stringify(given.planes.map((plane) =>
      given.parts.map((part) => $.rangesOf(table, plane, part)))));
    """
    found = in_page(program, {"planes": [plane.plain(), dlr.plain()], "parts": parts})
    for whole, ranges in zip((plane, dlr), found, strict=True):
        for part, each in zip(parts, ranges, strict=True):
            inner = whole.zoomed(tuple(each["eta"]), tuple(each["alpha"]))  # in range, wide enough
            for values, (low, high), (first, last) in (
                (whole.etas, inner.eta, part["rows"]),
                (whole.alphas, inner.alpha, part["columns"]),
            ):
                inside = (values >= low) & (values <= high)
                assert np.flatnonzero(inside).tolist() == list(range(first, last + 1))
    assert found[0][3] == {"eta": [0.005, 5], "alpha": [0, 0.98]}


def test_the_page_says_of_a_plane_what_python_says(make):
    labs = [make().train(), make(rule="dlr", eta=(0.01, 0.2), loss="energy").train(steps=7)]
    labs.append(make(loss="cross_entropy").train(steps=3))
    labs[-1]._kernel.course.run.state.params["output.weight"][2] = float("nan")
    labs[-1].train()
    program = """
    console.log(JSON.stringify(given.shown.map(({ settings, state }) => {
      const story = $.newPlaneStory(settings);
      $.hearPlane(story, state, settings);
      return [$.planeSentence(table, story), $.csvOfPlane(story, $.pairsOfPlane(table, settings))];
    })));
    """
    shown = [lab.shown() for lab in labs]
    for lab, theirs, (sentence, csv) in zip(
        labs, shown, in_page(program, {"shown": shown}), strict=True
    ):
        assert sentence == theirs["sentence"]
        head, *lines = csv.strip().split("\n")
        assert head == "eta,alpha,step,test_accuracy,train_accuracy,loss,diverged"
        table = [[float(cell or "nan") for cell in line.split(",")] for line in lines]
        columns = dict(zip(head.split(","), np.array(table).T, strict=True))
        for name in ("eta", "alpha", *METRICS):
            np.testing.assert_allclose(columns[name], lab.plane[name].ravel(), rtol=1e-3)
        np.testing.assert_array_equal(columns["diverged"] >= 0, lab.plane["diverged"].ravel() >= 0)


def test_cells_have_the_colours_of_the_still():
    program = "console.log(JSON.stringify(given.places.map($.colorAt)));"
    places = np.linspace(0, 1, 101)
    found = in_page(program, {"places": places.tolist()})
    colours = np.array([[int(v) for v in text[4:-1].split(",")] for text in found])
    expected = 255 * np.array([colormaps["cividis"](place)[:3] for place in places])
    assert np.abs(colours - expected).max() < 16  # of 255, between two of ten stops
    assert np.abs(colours - expected).mean() < 4
