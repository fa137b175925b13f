"""The plane in Chromium: trained by the page's own engine, walked over with keys, zoomed into."""

import csv
import functools
import http.server
import io
import json
import random
import shutil
import threading
from pathlib import Path

import numpy as np
import plotly
import pytest
from chrome import PATIENCE
from playwright.sync_api import Browser, Page, expect

from golden_lib.data import load
from golden_lib.lab import SETTINGS, PlaneLab, course
from golden_lib.lab.export import export
from golden_lib.lab.export_files import graphs
from golden_lib.lab.modules import joined, style

expect.set_options(timeout=PATIENCE)

MODULES = Path(__file__).resolve().parents[2] / "node_modules"
RUNTIME = ("ort.wasm.bundle.min.mjs", "ort-wasm-simd-threaded.wasm")
GRAPHS = ("mlp_delta_advance", "mlp_delta_step", "mlp_classify")
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Plane</title>
<meta name="viewport" content="width=device-width"><link rel="icon" href="data:,">
<style>:root { color-scheme: light dark; } body { margin: 0 auto; max-width: 46rem; }
html[data-theme=dark] { background: #14181e; --pst-color-text-base: #ced6dd;
  --pst-color-text-muted: #9ca4af; --pst-color-background: #14181e; --pst-color-surface: #29313d;
  --pst-color-border: #48566b; --pst-color-primary: #3fb1c5; --pst-color-primary-text: #000;
  --pst-color-danger: #e78894; }</style>
<link rel="stylesheet" href="lab.css"><main><h1>Plane</h1></main><script>
const asset = async (name, kind = "arrayBuffer") => {
  const found = await fetch(name);
  return found.ok ? found[kind]() : null;
};
window.closed = 0;
async function port() {
  const source = new Blob([await asset("worker.js", "text")], { type: "text/javascript" });
  const worker = new Worker(URL.createObjectURL(source));
  const hearing = new Set();
  worker.onmessage = async ({ data }) => {
    if (data.type !== "need") {
      for (const hear of [...hearing]) hear(data);
      return;
    }
    const found = data.kind === "graphs" ? await asset(data.name + ".onnx") : {
      images: new Uint8Array(await asset("images.bin")),
      labels: new Uint8Array(await asset("labels.bin")) };
    worker.postMessage(found ? { type: "assets", [data.kind]: { [data.name]: found } }
      : { type: "assets", missing: [data.name] });
  };
  const js = await asset("ort.wasm.bundle.min.mjs", "text");
  const wasm = await asset("ort-wasm-simd-threaded.wasm");
  worker.postMessage({ type: "assets", ort: { js, wasm } });
  return { post: (message, arrays = {}) => worker.postMessage({ ...message, arrays }),
    listen: (hear) => { hearing.add(hear); return () => hearing.delete(hear); },
    close: () => { window.closed += 1; worker.terminate(); } };
}
let drawing;
const plotly = () => {
  drawing ??= new Promise((resolve) => {
    const script = document.createElement("script");
    script.src = "plotly.min.js";
    script.onload = () => resolve(window.Plotly);
    document.head.append(script);
  });
  return drawing;
};
async function boot(values) {
  const { default: plane } = await import("./plane.js");
  const model = { get: (name) => values[name], set() {}, on() {}, off() {}, save_changes() {},
    send() {}, host: { port, plotly } };
  const el = document.querySelector("main").appendChild(document.createElement("div"));
  window.leave = plane.render({ model, el });
}
</script></html>"""


@pytest.fixture(scope="module")
def digits():
    return load("digits")[:1500]


@pytest.fixture(scope="module")
def labs(digits):
    """Planes that PyTorch trained: nine cells, and nine of which one diverged."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(course, "load_data", lambda name: digits)
        made = [PlaneLab(hidden=10, cells=cells, epochs=1, seed=2) for cells in (3, 8)]
        made[0].train(steps=30)
        made[1].train(steps=10)
        made[1]._kernel.course.run.state.params["output.weight"][9] = float("nan")
        made[1].train(steps=15)
        yield made
        for lab in made:
            lab.close()


@pytest.fixture(scope="module")
def address(tmp_path_factory, digits):
    """A server of everything that a page with a plane may ask for."""
    folder = tmp_path_factory.mktemp("plane")
    texts = {"index.html": PAGE, "plane.js": joined("plane"), "worker.js": joined("worker")}
    for name, text in {**texts, "lab.css": style()}.items():
        (folder / name).write_text(text, "utf-8")
    for name in GRAPHS:
        (folder / f"{name}.onnx").write_bytes(export(*graphs()[name]))
    for name in RUNTIME:
        shutil.copy(MODULES / "onnxruntime-web" / "dist" / name, folder)
    shutil.copy(Path(plotly.__file__).parent / "package_data" / "plotly.min.js", folder)
    pixels = (digits.images.numpy() * 255).round().astype(np.uint8)
    (folder / "images.bin").write_bytes(pixels.tobytes())
    (folder / "labels.bin").write_bytes(digits.labels.numpy().astype(np.uint8).tobytes())

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            """Say nothing about each request."""

    handler = functools.partial(Handler, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.fixture
def visit(browser: Browser, address: str):
    """Opens a page with a plane; nothing may go wrong on it."""
    contexts, wrong = [], []

    def opened(lab, link="", width=800, theme="light") -> Page:
        context = browser.new_context(
            viewport={"width": width, "height": 1000}, color_scheme=theme, accept_downloads=True
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.asked = []
        page.on("request", lambda request: page.asked.append(request.url))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(address)
        shown = json.loads(json.dumps(lab.shown()))
        values = {**shown["settings"], "_settings": SETTINGS, "_state": shown["state"]}
        page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
        page.evaluate("boot", {**values, "_link": link, "_id": "", "title": "", "_kind": "plane"})
        return page

    yield opened
    for context in contexts:
        context.close()
    assert wrong == []


def cell(page: Page, number: int):
    return page.locator(f"[data-cell='{number}']")


def button(page: Page, name: str):
    """A button of the lab's own: Plotly has a "Zoom in" too."""
    return page.locator(".gl-button").and_(page.get_by_role("button", name=name, exact=True))


def press(page: Page, name: str) -> None:
    button(page, name).click()


def rest(page: Page, text: str) -> None:
    """Wait until the plane has come to a step and stands still."""
    expect(page.locator(".gl-where")).to_contain_text(text)
    expect(page.get_by_role("button", name="Train", exact=True)).to_be_visible()


def table(page: Page) -> dict[str, np.ndarray]:
    """The plane, as the reader downloads it."""
    if page.locator("details.gl-more").last.get_attribute("open") is None:
        page.get_by_text("Share and keep").click()
    with page.expect_download() as download:
        press(page, "Plane as CSV")
    rows = list(csv.DictReader(io.StringIO(download.value.path().read_text("utf-8"))))
    return {name: np.array([float(row[name] or "nan") for row in rows]) for name in rows[0]}


def test_a_plane_that_nobody_touches_shows_its_run_and_loads_no_engine(visit, labs):
    page = visit(labs[1])
    best = int(np.nanargmax(labs[1].plane["test_accuracy"]))
    share = labs[1].plane["test_accuracy"].ravel()[best]
    expect(cell(page, best)).to_have_attribute("aria-label", f"{100 * share:.1f} %")
    expect(cell(page, 9)).to_have_attribute("aria-label", "diverged at step 11")
    expect(page.locator(".gl-sentence")).to_have_text(labs[1].shown()["sentence"])
    assert page.get_by_role("gridcell").count() == 64
    assert page.get_by_role("columnheader").count() == 9
    assert page.get_by_role("rowheader").count() == 8
    page.wait_for_timeout(300)
    assert not [url for url in page.asked if url.endswith((".wasm", ".mjs", ".onnx", ".bin"))]


def test_the_page_trains_the_plane_that_pytorch_trains(visit, labs):
    page = visit(labs[1], link=labs[0].link)
    expect(page.locator(".gl-messages")).to_have_text("Press Train to repeat a plane of 30 steps.")
    press(page, "Train")
    rest(page, "step 30 of 42")
    found = table(page)
    for name in ("eta", "alpha", "loss", "train_accuracy", "test_accuracy"):
        np.testing.assert_allclose(found[name], labs[0].plane[name].ravel(), atol=1e-4)
    link = page.get_by_label("Link to this plane").input_value()
    assert link.endswith(labs[0].link)
    press(page, "One step")
    rest(page, "step 31 of 42")
    press(page, "One epoch")
    rest(page, "step 42 of 42")
    press(page, "Reset")
    rest(page, "step 0 of 42")
    expect(page.locator(".gl-sentence")).to_contain_text("untrained")


def test_arrow_keys_walk_over_the_cells_and_each_shows_its_numbers_and_curve(visit, labs):
    page = visit(labs[1])
    lab, plane = labs[1], labs[1].plane
    cell(page, 0).click()
    for keys, at in (("ArrowUp ArrowRight ArrowRight", 10), ("End", 15), ("ArrowRight", 15),
                     ("PageUp", 63), ("ArrowDown Home", 48), ("Control+End", 7)):  # fmt: skip
        for key in keys.split():
            page.keyboard.press(key)
        expect(cell(page, at)).to_be_focused()
        assert page.locator(".gp-cell[tabindex='0']").count() == 1
        eta, alpha = plane["eta"].ravel()[at], plane["alpha"].ravel()[at]
        expect(page.locator(".gl-panel-title")).to_have_text(f"η = {eta:.3g}, α = {alpha:.3g}")
        loss = plane["loss"].ravel()[at]
        found = float(page.locator(".gp-numbers dd").last.inner_text())
        assert found == pytest.approx(loss, rel=6e-3)  # three figures
    page.wait_for_function("document.querySelector('.js-plotly-plot')?.data?.length")
    page.wait_for_timeout(1000)
    drawn = page.evaluate(
        "[...document.querySelector('.js-plotly-plot').data.find((t) => t.y.length > 3).y]"
    )
    np.testing.assert_allclose(drawn, lab.history.loss[:, 7], rtol=1e-3)


def test_shift_and_arrows_choose_a_part_that_enter_trains_and_back_out_leaves(visit, labs):
    page = visit(labs[1])
    before = page.locator(".gl-sentence").inner_text()
    cell(page, 27).click()
    for key in ("Shift+ArrowRight", "Shift+ArrowRight", "Shift+ArrowDown"):
        page.keyboard.press(key)
    assert page.locator("[aria-selected='true']").count() == 6
    expect(page.locator(".gp-zoom .gl-note")).to_contain_text("2 × 3 cells chosen: η from 0.0")
    page.keyboard.press("Escape")
    assert page.locator("[aria-selected='true']").count() == 0
    for key in ("Shift+ArrowLeft", "Shift+ArrowUp"):
        page.keyboard.press(key)
    page.keyboard.press("Enter")
    expect(page.locator(".gl-where")).to_contain_text("step")
    low, high = (float(page.get_by_label(f"η {word}").input_value()) for word in ("from", "to"))
    ratio = (5 / 0.005) ** (1 / 7)
    assert low == pytest.approx(0.005 * ratio**1.5, rel=1e-5)
    assert high == pytest.approx(0.005 * ratio**3.5, rel=1e-5)
    rest(page, "step 42 of 42")
    expect(page.get_by_role("rowheader").last).to_contain_text(f"{low:.3g}")
    press(page, "Zoom in")
    expect(page.locator(".gl-where")).not_to_contain_text("step 42 ")
    press(page, "Back out")
    assert float(page.get_by_label("η from").input_value()) == low
    press(page, "Back out")
    expect(page.locator(".gl-sentence")).to_have_text(before)
    expect(page.get_by_role("button", name="Back out")).to_be_disabled()


def test_a_part_is_chosen_by_dragging_and_a_cell_by_pointing(visit, labs):
    page = visit(labs[1])
    cell(page, 63).hover()
    expect(page.locator(".gl-panel-title")).to_have_text("η = 5, α = 0.98")
    first, last = (cell(page, at).bounding_box() for at in (8, 34))
    page.mouse.move(first["x"] + 5, first["y"] + 5)
    page.mouse.down()
    page.mouse.move(last["x"] + 9, last["y"] + 9, steps=5)
    page.mouse.up()
    assert page.locator("[aria-selected='true']").count() == 12
    press(page, "Zoom in")
    expect(page.get_by_label("α from")).to_have_value("0")
    expect(page.get_by_label("α to")).to_have_value("0.35")
    rest(page, "step 42 of 42")


def test_a_hostile_link_is_told_as_text_and_changes_nothing(visit, labs):
    page = visit(labs[1], link="#lab=1&kind=plane&loss=<img src=x onerror=boom()>&eta=0:99")
    expect(page.locator(".gl-messages")).to_contain_text('got "<img src=x onerror=boom()>"')
    expect(page.locator(".gl-messages")).to_contain_text("10 is taken")
    page.get_by_text("Share and keep").click()
    page.get_by_label("Open a link").fill("#lab=1&kind=plane&eta=nan:1")
    press(page, "Open")
    expect(page.locator(".gl-messages")).to_have_text(
        'The link is not used: eta must be a number, got "nan".'
    )
    assert page.locator("main img").count() == 0


def test_ranges_are_refused_in_words_and_stay(visit, labs):
    page = visit(labs[1])
    page.get_by_label("η from").fill("7")
    page.keyboard.press("Tab")
    expect(page.locator(".gl-messages")).to_contain_text("got 7 to 5")
    expect(page.get_by_label("η from")).to_have_value("0.005")
    page.get_by_label("Network").select_option("cnn")
    expect(page.locator(".gp-warning")).to_contain_text("64 CNNs at once are slow")
    expect(page.get_by_text("Train begins another plane.")).to_be_visible()
    page.get_by_label("Update rule").select_option("dlr")
    expect(page.get_by_label("α to")).to_have_value("100")


def test_two_hundred_random_moves_show_no_nonsense_and_leave_nothing_behind(visit, labs):
    page = visit(labs[1])
    page.get_by_text("Share and keep").click()
    draw = random.Random(0)
    buttons = ("One step", "One epoch", "Reset", "Zoom in", "Back out", "Best cell", "Open")
    keys = ("ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight", "Home", "End", "Enter", "Escape")
    links = ("#lab=1&kind=plane&cells=3", "nonsense", labs[0].link, "#lab=1&kind=plane&eta=9")
    typed = "(field, value) => { field.value = value; field.dispatchEvent(new Event('change')); }"
    numbers = ("", "0", "-1", "1e-9", "1e99", "0.01", "0.5", "3", "e", "12.5")

    def move() -> None:
        kind = draw.choice(("button", "train", "key", "menu", "number", "drag", "link"))
        if kind == "train":
            page.locator(".gl-primary").click()
        elif kind == "button":
            chosen = button(page, draw.choice(buttons))
            if chosen.is_enabled():
                chosen.click()
        elif kind == "key":
            page.locator(".gp-cell[tabindex='0']").focus()
            shift = draw.choice(("", "Shift+"))
            page.keyboard.press(shift + draw.choice(keys))
        elif kind == "menu":
            menu = page.locator("select:visible").nth(draw.randrange(4))
            count = menu.locator("option").count()
            menu.select_option(index=draw.randrange(min(count, 2)))
        elif kind == "number":
            fields = page.locator("input[type=number]:visible")
            field = fields.nth(draw.randrange(fields.count()))
            field.evaluate(typed, draw.choice(numbers))
        elif kind == "link":
            page.get_by_label("Open a link").fill(draw.choice(links))
        else:
            page.locator(".gp-plane").scroll_into_view_if_needed()
            box = page.locator(".gp-plane").bounding_box()  # its cells may be new ones meanwhile
            page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
            page.mouse.down()
            across, down = draw.random() * box["width"], draw.random() * box["height"]
            page.mouse.move(box["x"] + across, box["y"] + down, steps=3)
            page.mouse.up()

    nonsense = r"() => (document.querySelector('.gl-lab').innerText + ' ' + [...document"
    nonsense += r".querySelectorAll('input, textarea, select')].map((e) => e.value).join(' ') + ' '"
    nonsense += r" + [...document.querySelectorAll('.gp-cell')].map((e) => e.ariaLabel).join(' '))"
    nonsense += r".match(/.{0,40}(NaN|undefined|null|Infinity|\[object).{0,40}/)"
    for number in range(200):
        move()
        assert page.evaluate(nonsense) is None, number
    page.evaluate("window.leave()")
    assert page.locator("main > div > *").count() == 0
    assert page.evaluate("window.closed") <= 1


@pytest.mark.parametrize(("width", "theme"), [(800, "light"), (800, "dark"), (360, "light")])
def test_a_plane_is_usable_by_all_and_fits_a_phone(visit, labs, width, theme):
    page = visit(labs[1], width=width, theme=theme)
    cell(page, 10).click()
    page.keyboard.press("Shift+ArrowUp")
    page.get_by_text("Share and keep").click()
    page.get_by_text("The curves as a table").click()
    page.wait_for_function("document.querySelector('.js-plotly-plot')")
    page.add_script_tag(path=MODULES / "axe-core" / "axe.min.js")
    found = page.evaluate("async () => (await axe.run('.gl-lab')).violations")
    serious = [v for v in found if v["impact"] in ("serious", "critical")]
    assert [(v["id"], [n["html"][:160] for n in v["nodes"]]) for v in serious] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    smallest = cell(page, 0).bounding_box()
    assert min(smallest["width"], smallest["height"]) >= 24
