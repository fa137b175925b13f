"""The lab's front end in Chromium on a bare page, its engine the one that kernels run."""

import random
import re
import time
from pathlib import Path

import numpy as np
import plotly
import pytest
from chrome import PATIENCE
from conftest import ROOT
from playwright.sync_api import expect

from golden_lib.lab import SETTINGS, Settings, TrainingLab, course, read_link
from golden_lib.lab.kernel import Kernel
from golden_lib.lab.modules import joined, style
from golden_lib.lab.wire import as_json

PLOTLY = Path(plotly.__file__).parent / "package_data" / "plotly.min.js"
HOME = "http://lab.test/"
THEMES = {
    "light": "--pst-color-text-base:#222832;--pst-color-text-muted:#48566b;"
    "--pst-color-border:#d1d5da;--pst-color-surface:#f3f4f5;--pst-color-background:#fff;"
    "--pst-color-primary:#0a7d91;--pst-color-primary-text:#fff;background:#fff",
    "dark": "--pst-color-text-base:#ced6dd;--pst-color-text-muted:#9ca4af;"
    "--pst-color-border:#48566b;--pst-color-surface:#29313d;--pst-color-background:#14181e;"
    "--pst-color-primary:#3fb1c5;--pst-color-primary-text:#000;background:#14181e",
}
PAGE = """<!doctype html><html lang="en" data-theme="{theme}"><head><title>A lab</title>
<meta name="viewport" content="width=device-width"><style>html {{ {colours} }} {style}</style>
</head><body><main></main></body></html>"""
# The static page's host, with an engine that the test hands its commands to.
HOST = """({ code, plotly, traits }) => {
  const callbacks = new Set();
  const typed = ({ shape, dtype, data }) => {
    const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
    return { shape, data: dtype === "float32" ? new Float32Array(bytes.buffer) : bytes };
  };
  window.open = 0;
  window.heard = (message) => {
    const arrays = Object.fromEntries(
      Object.entries(message.arrays).map(([name, array]) => [name, typed(array)]));
    for (const callback of [...callbacks]) callback({ ...message, arrays });
  };
  const port = async () => {
    if (traits._broken) throw new Error("workers are switched off");
    window.open += 1;
    return {
      post: (message, arrays = {}) =>
        window.ask({ ...message, image: arrays.image && Array.from(arrays.image) }),
      listen: (callback) => { callbacks.add(callback); return () => callbacks.delete(callback); },
      close: () => { callbacks.clear(); window.open -= 1; },
    };
  };
  const load = () => new Promise((resolve) => {
    if (window.Plotly) { resolve(window.Plotly); return; }
    const script = document.createElement("script");
    script.textContent = plotly;
    document.head.append(script);
    resolve(window.Plotly);
  });
  window.show = async () => {
    const address = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
    const lab = (await import(address)).default;
    const model = { get: (name) => traits[name], set() {}, on() {}, off() {}, save_changes() {},
      send() {}, host: { port, plotly: load } };
    const el = document.querySelector("main").appendChild(document.createElement("div"));
    window.leave = lab.render({ model, el });
  };
  return window.show();
}"""


pytestmark = pytest.mark.usefixtures("small")
SMALL = Settings.of(network="mlp", hidden=12, batch_size=10, epochs=3, eta=0.5)


class Bench:
    """A page with one lab, and the engine behind it."""

    def __init__(self, browser, theme="light", width=800, settings=SMALL, state=None, **traits):
        self.wrong, self.said, self.asked = [], [], []
        self.context = browser.new_context(
            viewport={"width": width, "height": 1200}, accept_downloads=True
        )
        self.page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("console", lambda m: m.type == "error" and self.wrong.append(m.text))
        self.kernel = Kernel(lambda event, arrays: self.said.append((event, arrays)))
        self.page.expose_function("ask", self.ask)
        html = PAGE.format(theme=theme, colours=THEMES[theme], style=style())
        self.page.route(
            f"{HOME}*", lambda route: route.fulfill(body=html, content_type="text/html")
        )
        self.page.goto(HOME)
        traits = {
            **settings.plain(), "title": "A lab", "_kind": "training", "_settings": SETTINGS,
            "_state": state, "_link": "", "_id": "first", **traits,
        }  # fmt: skip
        given = {"code": joined("lab"), "plotly": PLOTLY.read_text("utf-8"), "traits": traits}
        self.page.evaluate(HOST, given)
        self.lab = self.page.locator(".gl-lab")

    def ask(self, command):
        self.asked.append(command["type"])
        image = command.pop("image", None)
        self.kernel.post(command, {"image": np.array(image, np.float32)} if image else {})

    def pump(self, come=lambda: False, seconds=0.3):
        """Hand the engine's events to the page until something has come."""
        end = time.monotonic() + seconds
        while not come() and time.monotonic() < end:
            while self.said:
                self.page.evaluate("event => heard(event)", as_json(*self.said.pop(0)))
            self.page.wait_for_timeout(10)

    def until(self, come):
        self.pump(come, PATIENCE / 1000)
        assert come()

    def idle(self):
        """Until the engine stands still and the page knows all that it said."""
        self.page.wait_for_timeout(60)
        self.until(lambda: self.kernel.wait(0) and not self.said)
        self.pump()

    def press(self, name):
        self.lab.get_by_role("button", name=name, exact=True).click()

    def link(self):
        """The link to the run, when the panel that has it is open and up to date."""
        if self.lab.locator("details.gl-more").last.get_attribute("open") is None:
            self.lab.get_by_text("Share and keep").click()
        self.page.wait_for_timeout(200)
        field = self.lab.get_by_label("Link to this run")
        expect(field).to_have_value(re.compile("#lab=1&"))
        return field.input_value()

    def where(self):
        return self.lab.locator(".gl-where").inner_text()


@pytest.fixture
def bench(browser):
    made = []

    def make(**options):
        made.append(Bench(browser, **options))
        return made[-1]

    yield make
    for each in made:
        each.kernel.close()
        each.context.close()
        assert each.wrong == []


@pytest.fixture(scope="module")
def finished(digits):
    """The state of a run that has ended, as a page shows it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(course, "load_data", lambda name: digits)
        lab = TrainingLab(**SMALL.plain())
        lab.train(steps=40)
        lab.eta = 0.2
        lab.train()
        yield lab.shown()
        lab.close()


def test_an_untouched_lab_shows_its_finished_run_and_asks_nothing_of_an_engine(bench, finished):
    found = bench(state=finished["state"])
    expect(found.lab.locator(".gl-sentence")).to_have_text(finished["sentence"])
    expect(found.lab.locator(".gl-plot .scatterlayer .trace")).to_have_count(5)  # 3 curves, 2 marks
    expect(found.lab.locator(".gl-tiles")).to_be_visible()
    expect(found.lab.locator(".gl-mistakes li").first).to_be_visible()
    expect(found.lab.locator(".gl-rates svg")).to_have_count(2)
    assert found.asked == []
    assert found.page.evaluate("open") == 0


def test_training_begins_pauses_goes_on_and_begins_again(bench):
    found = bench()
    found.press("One step")
    found.idle()
    assert found.where() == "step 1 of 162"
    found.press("One epoch")
    found.idle()
    assert found.where() == "step 54 of 162"
    found.press("Train")
    found.idle()
    assert found.where() == "step 162 of 162"
    expect(found.lab.locator(".gl-sentence")).to_contain_text("after 162 steps (3 epochs)")
    found.press("Reset")
    found.idle()
    assert found.where() == "step 0 of 162"
    expect(found.lab.locator(".gl-sentence")).to_contain_text("is untrained")


def test_a_dial_moves_by_keys_by_its_field_and_to_its_mark(bench):
    found = bench(settings=Settings.of(network="mlp", rule="delta", eta=0.1, alpha=0.5))
    slider = found.lab.get_by_label("Learning rate η", exact=True)
    exact = found.lab.get_by_label("Learning rate η, exact value")
    slider.focus()
    seen = []
    for key in ("ArrowRight", "ArrowLeft", "PageUp", "PageDown", "Home", "End"):
        found.page.keyboard.press(key)
        seen.append(float(exact.input_value()))
    assert 0.1 < seen[0] < 0.13
    assert seen[1] == pytest.approx(0.1, rel=0.01)
    assert seen[2] > 3 * seen[1]
    assert seen[3] == pytest.approx(0.1, rel=0.02)
    assert seen[4:] == [0.0001, 10]
    found.page.keyboard.press("g")
    assert exact.input_value() == "0.0159"
    exact.focus()
    assert exact.input_value() == "0.01586792470492598"
    exact.fill("0.0123456789")
    found.page.keyboard.press("Enter")
    assert read_link(found.link()).settings.eta == 0.0123456789
    found.lab.get_by_role("button", name="golden 0.0159: set Learning rate η").click()
    assert exact.input_value() == "0.0159"


def test_moves_are_marked_and_the_link_has_them(bench):
    found = bench()
    found.press("One epoch")
    found.idle()
    found.lab.get_by_label("Base rate η₀", exact=True).press("ArrowRight")
    found.page.wait_for_timeout(60)
    found.press("One epoch")
    found.idle()
    assert [move[0] for move in found.kernel.course.moves] == [54]
    expect(found.lab.locator(".gl-legend")).to_contain_text("η or α moved")
    link = read_link(found.link())
    assert list(link.moves) == found.kernel.course.moves
    assert link.steps == 108
    assert link.id == "first"
    again = TrainingLab.from_link(found.link())
    again.train()
    history = found.kernel.course.history
    np.testing.assert_array_equal(again.history.loss, history.loss)
    code = found.lab.get_by_label("Python that repeats it").input_value()
    names = {}
    exec(code, names)
    np.testing.assert_array_equal(names["lab"].history.loss, history.loss)
    with found.page.expect_download() as download:
        found.press("Curves as CSV")
    rows = Path(download.value.path()).read_text().splitlines()[1:]
    assert [float(row.split(",")[3]) for row in rows] == history.loss[:, 0].tolist()
    for kind in ("PNG", "SVG"):
        with found.page.expect_download() as download:
            found.press(f"Figure as {kind}")
        assert Path(download.value.path()).stat().st_size > 5000


def test_a_link_is_repeated_when_train_is_pressed(bench):
    link = "#lab=1&network=mlp&hidden=12&batch=10&eta=0.5&steps=60&moves=20:0.1:2&evil=<b>x</b>"
    found = bench(_link=link)
    expect(found.lab.locator(".gl-messages")).to_contain_text('"evil" is no setting')
    expect(found.lab.locator(".gl-messages")).to_contain_text("repeat a run of 60 steps")
    found.press("Train")
    found.idle()
    assert found.where().startswith("step 60 of")
    assert found.kernel.course.moves == [(20, 0.1, 2.0)]
    assert found.lab.locator("b", has_text="x").count() == 0


@pytest.mark.parametrize(
    "link", ["#lab=9", "#lab=1&eta=<img src=x onerror=alert(1)>", "#lab=1&moves=a"]
)
def test_a_link_of_nonsense_is_refused_in_a_sentence_and_the_lab_works(bench, link):
    found = bench(_link=link)
    expect(found.lab.locator(".gl-messages li")).to_have_count(1)
    expect(found.lab.locator(".gl-messages")).to_contain_text("The link is not used: ")
    assert found.lab.locator("img").count() == 0
    found.press("One step")
    found.idle()
    assert found.where().startswith("step 1 of")


def test_divergence_is_said_and_a_rewind_or_train_helps(bench):
    found = bench(settings=SMALL.changed(rule="delta", loss="cross_entropy", eta=0.1, alpha=0.5))
    found.press("One epoch")
    found.idle()
    weights = found.kernel.course.run.state.params
    weights["output.weight"] = weights["output.weight"] * float("inf")
    found.press("Train")
    found.idle()
    sentence = "diverged at step 55: the loss is no longer finite; lower η or α"
    expect(found.lab.get_by_role("alert")).to_have_text(sentence)
    assert "NaN" not in found.lab.inner_text()
    back = found.lab.get_by_label("Rewind to")
    back.focus()
    found.page.keyboard.press("ArrowLeft")
    found.page.keyboard.press("Enter")
    found.idle()
    expect(found.lab.get_by_role("alert")).to_have_text("")
    found.press("Train")
    found.idle()
    assert found.where() == "step 162 of 162"


def test_a_race_overlays_two_runs_on_the_same_seed(bench):
    found = bench()
    found.press("One epoch")
    found.idle()
    found.press("Pin this run")
    found.lab.get_by_label("Update rule").select_option("delta")
    found.idle()
    found.press("Race")
    found.idle()
    assert found.where() == "step 54 of 162"
    note = found.lab.locator(".gl-race .gl-note")
    expect(note).to_contain_text("Pinned: Update rule DLR, outgoing")
    expect(note).to_contain_text(re.compile(r"At step \d+ this run has [\d.]+ %"))
    expect(found.lab.locator(".gl-plot .scatterlayer .trace")).to_have_count(6)
    found.press("Unpin")
    expect(found.lab.locator(".gl-plot .scatterlayer .trace")).to_have_count(3)


def test_a_digit_is_drawn_with_a_pointer_and_with_keys_alone(bench):
    found = bench()
    paper = found.lab.locator(".gl-paper")
    box = paper.bounding_box()
    found.page.mouse.move(box["x"] + 80, box["y"] + 20)
    found.page.mouse.down()
    found.page.mouse.move(box["x"] + 80, box["y"] + 150, steps=8)
    found.page.mouse.up()
    expect(found.lab.locator(".gl-verdict")).to_contain_text("Press Train first")
    found.press("One epoch")
    found.idle()
    found.until(lambda: "It says" in found.lab.locator(".gl-verdict").inner_text())
    found.press("Clear")
    expect(found.lab.locator(".gl-verdict")).to_have_text("")
    paper.focus()
    for key in (" ", *["ArrowDown"] * 8, " "):
        found.page.keyboard.press(key)
    found.until(lambda: "It says" in found.lab.locator(".gl-verdict").inner_text())
    shares = [float(t.removesuffix(" %")) for t in found.lab.locator(".gl-share").all_inner_texts()]
    best = found.lab.locator(".gl-verdict").inner_text()
    assert best == f"It says {shares.index(max(shares))}."


def test_an_engine_that_does_not_start_is_said_and_leaves_the_run_shown(bench, finished):
    found = bench(state=finished["state"], _broken=True)
    found.press("Train")
    alert = found.lab.get_by_role("alert")
    expect(alert).to_have_text("The engine did not start: workers are switched off")
    expect(found.lab.locator(".gl-sentence")).to_have_text(finished["sentence"])
    expect(found.lab.locator(".gl-primary")).to_have_text("Train")


def test_a_view_that_goes_leaves_nothing_behind(bench):
    found = bench(settings=SMALL.changed(batch_size=1, epochs=100))
    found.page.evaluate("""() => {
      window.kept = 0;
      const count = (name, by) => {
        const plain = EventTarget.prototype[name];
        EventTarget.prototype[name] = function (...given) {
          if (this === window || this === document || this instanceof MediaQueryList) kept += by;
          return plain.apply(this, given);
        };
      };
      count("addEventListener", 1);
      count("removeEventListener", -1);
      leave();
    }""")
    found.page.evaluate("kept = 0")
    for _ in range(10):
        found.page.evaluate("show()")
        found.lab.wait_for()
        found.press("Train")
        found.until(lambda: found.kernel.running)
        found.page.evaluate("leave()")
        found.idle()
        assert not found.kernel.running
        assert found.page.evaluate("[open, document.querySelector('.gl-lab')]") == [0, None]
    assert found.page.evaluate("kept") <= 1  # Plotly's own, once a page


def test_a_thousand_random_moves_of_every_control_raise_nothing_and_show_no_nan(bench):
    found = bench()
    dice = random.Random(0)
    found.press("Train")
    found.pump()
    act = """([kind, at, share]) => {
      const all = [...document.querySelectorAll(".gl-lab " + kind)].filter((e) => e.offsetParent
        && !e.disabled && !/Figure|CSV|Copy/.test(e.textContent));
      if (!all.length) return;
      const e = all[at % all.length];
      const fire = (name) => e.dispatchEvent(new Event(name, { bubbles: true }));
      if (kind === "select") e.selectedIndex = Math.floor(share * e.options.length);
      else if (kind === "input[type=range]") e.value = +e.min + share * (e.max - e.min);
      else if (kind === "input[type=number]")
        e.value = ["", "-1", "1e9", "abc", "0.5", "3", "1e-9"][Math.floor(share * 7)];
      if (kind === "button") e.click();
      else { fire("input"); fire("change"); }
    }"""
    kinds = ("select", "input[type=range]", "input[type=number]", "button")
    for k in range(1000):
        move = [dice.choice(kinds), dice.randrange(100), dice.random()]
        found.page.evaluate(act, move)
        if k % 10 == 0:
            found.pump(seconds=0.05)
            shown = found.lab.inner_text()
            assert not re.search(r"NaN|undefined|Infinity|\[object", shown), move
    found.press("Reset")
    found.idle()
    found.press("One step")
    found.idle()
    assert found.where().startswith("step 1 of")


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", [800, 360])
def test_the_lab_shuts_nobody_out_in_light_and_dark_on_desk_and_phone(
    bench, finished, theme, width
):
    found = bench(theme=theme, width=width, state=finished["state"])
    expect(found.lab.locator(".gl-plot .scatterlayer .trace")).to_have_count(5)
    for text in ("Share and keep", "The curves as a table"):
        found.lab.get_by_text(text).click()
    assert found.page.evaluate("document.documentElement.scrollWidth") <= width
    found.page.add_script_tag(path=ROOT / "node_modules" / "axe-core" / "axe.min.js")
    result = found.page.evaluate("axe.run('.gl-lab', {resultTypes: ['violations']})")
    serious = [v for v in result["violations"] if v["impact"] in ("serious", "critical")]
    assert [(v["id"], [n["target"] for n in v["nodes"]][:3]) for v in serious] == []


def test_every_control_is_reached_by_tab_and_no_key_leaves_the_lab(bench, finished):
    found = bench(state=finished["state"])
    expect(found.lab.locator(".gl-plot .scatterlayer .trace")).to_have_count(5)
    found.page.evaluate("""() => {
      window.strays = [];
      document.addEventListener("keydown", (event) => strays.push(event.key));
      window.left = new Set([...document.querySelectorAll(
        ".gl-lab :is(button, input, select, summary, canvas[tabindex])")].filter(
        (e) => e.checkVisibility() && !e.disabled && !e.closest(".modebar")));
      document.querySelector(".gl-primary").focus();
    }""")
    for key in ("ArrowRight", "g", "Escape"):
        found.lab.get_by_label("Base rate η₀", exact=True).press(key)
    found.lab.locator(".gl-primary").focus()
    for _ in range(80):
        seen = found.page.evaluate("""() => {
          const e = document.activeElement;
          left.delete(e);
          return !e.closest(".gl-lab") || getComputedStyle(e).outlineStyle !== "none";
        }""")
        assert seen
        found.page.keyboard.press("Tab")
    assert found.page.evaluate("[...left].map((e) => e.outerHTML)") == []
    assert found.page.evaluate("strays").count("Tab") == found.page.evaluate("strays.length")
