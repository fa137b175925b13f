"""The lab on WebGPU: the same numbers, and WebAssembly in silence where it fails."""

import re

import numpy as np
import pytest
from conftest import SUB_PATH, served
from playwright.sync_api import expect
from test_lab_engine import assert_same, digits, engine_page, settings
from test_lab_page import CHAPTER, numbers, shown, table

from golden_lib.data import rendered_digits
from golden_lib.training import train

FEW = 4  # images a step: the adapter is software, and a step takes it a second
SHORT = 15  # steps, the first move of η and α among them
SLOW = 300_000  # ms
LINK = "#lab=1&network={}&loss=energy&rule=delta&data=digits&batch=96&seed=3&eta=0.02&alpha=0.8"


@pytest.fixture(scope="module")
def site():
    with served(SUB_PATH) as address:
        yield address


@pytest.fixture(scope="module")
def page(webgpu_browser, tmp_path_factory):
    """A page with engines, and what was said on it."""
    with engine_page(webgpu_browser, tmp_path_factory.mktemp("webgpu"), digits()) as opened:
        yield heard(opened)


@pytest.fixture
def book(webgpu_browser):
    """A page for the built book."""
    context = webgpu_browser.new_context(accept_downloads=True)
    yield heard(context.new_page())
    context.close()


def heard(page):
    page.set_default_timeout(SLOW)
    page.wrong, page.asked = [], []
    page.on(
        "console",
        lambda m: (
            m.type == "error" and "favicon" not in m.location["url"] and page.wrong.append(m.text)
        ),
    )
    page.on("pageerror", lambda error: page.wrong.append(str(error)))
    page.on("request", lambda request: page.asked.append(request.url.rpartition("/")[2]))
    return page


@pytest.mark.parametrize(
    ("rule", "loss", "steps"),
    [("delta", "energy", 30), ("adam", "cross_entropy", SHORT), ("dlr", "logistic_sse", SHORT)],
)
def test_steps_on_webgpu_are_pytorchs(page, rule, loss, steps):
    page.wrong.clear()
    given = settings("cnn", loss, rule, batch_size=FEW)
    found = assert_same(page, given, "webgpu", steps=steps)
    assert found["engines"] == ["webgpu"]
    assert set(found["needs"]) == {"webgpu", "digits", f"cnn_{rule}_step", "cnn_classify"}
    assert found["errors"] == page.wrong == []


AFTER = """const real = {owner}.prototype.{name};
let calls = 0;
{owner}.prototype.{name} = function (...given) {{
  calls += 1;
  {what}
  return real.apply(this, given);
}};
"""
KEEP = """const ask = GPUAdapter.prototype.requestDevice;
let device;
GPUAdapter.prototype.requestDevice = async function (...given) {
  device = await ask.apply(this, given);
  return device;
};
"""
FAILURES = {
    "no WebGPU": ("delete WorkerNavigator.prototype.gpu;", ["wasm"]),
    "no adapter": ("GPU.prototype.requestAdapter = async () => null;", ["wasm"]),
    "no device": (
        AFTER.format(owner="GPUAdapter", name="requestDevice", what="throw new Error('none');"),
        ["webgpu", "wasm"],
    ),
    "no shader": (
        AFTER.format(owner="GPUDevice", name="createShaderModule", what="given[0].code = '?';"),
        ["webgpu", "wasm"],
    ),
    "lost in a step": (
        KEEP + AFTER.format(
            owner="GPUQueue", name="submit", what="if (calls === 150) device.destroy();"),
        ["webgpu", "wasm"],
    ),
    "lost between two steps": (
        KEEP + AFTER.format(
            owner="GPUBuffer", name="mapAsync",
            what="if (calls === 24) setTimeout(() => device.destroy(), 10);"),
        ["webgpu", "wasm"],
    ),
    "a step throws": (
        AFTER.format(
            owner="GPUQueue", name="submit", what="if (calls === 150) throw new Error('no');"),
        ["webgpu", "wasm"],
    ),
    "an error that nothing throws": (
        AFTER.format(
            owner="GPUDevice", name="popErrorScope",
            what="if (calls === 20) return Promise.resolve({ message: 'no memory' });"),
        ["webgpu", "wasm"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("failure", FAILURES)
def test_where_webgpu_fails_the_run_goes_on_in_silence_with_the_same_numbers(page, failure):
    page.wrong.clear()
    before, engines = FAILURES[failure]
    given = settings("cnn", "energy", "delta", batch_size=FEW)
    found = assert_same(page, given, "webgpu", {"before": before}, SHORT)
    assert found["engines"] == engines
    assert found["errors"] == page.wrong == []
    assert "cnn_delta_advance" in found["needs"]


def test_the_mlp_computes_on_webassembly_whatever_is_chosen(page):
    found = assert_same(page, settings("mlp", "sse", "dlr"), "webgpu")
    assert "mlp_dlr_lit" in found["needs"]
    assert found["errors"] == []


def one_step(lab, step: int) -> None:
    lab.get_by_role("button", name="One step").click()
    expect(lab.locator(".gl-where")).to_have_text(re.compile(rf"^step {step} "), timeout=SLOW)
    expect(lab.get_by_role("button", name="Train", exact=True)).to_be_visible()


def test_a_reader_who_chooses_webgpu_goes_on_with_the_run_on_it(book, site):
    lab = shown(book, site + CHAPTER + LINK.format("cnn"))
    engine = lab.get_by_label("Computed by")
    expect(engine).to_have_value("wasm")
    one_step(lab, 1)
    assert not [name for name in book.asked if "webgpu" in name or "_step" in name]
    engine.select_option("webgpu")
    expect(engine.locator("option").last).to_have_text("WebGPU, loading …")
    expect(engine.locator("option").last).to_have_text("WebGPU", timeout=SLOW)
    for step in range(2, 5):  # 93 steps an epoch, a record of each
        one_step(lab, step)
    expect(engine).to_have_value("webgpu")
    assert {"runtime-webgpu.js", "wasm-webgpu.js", "graph-cnn_delta_step.js"} <= set(book.asked)
    run = train(
        "cnn", "energy", "delta", rendered_digits(), eta=0.02, alpha=0.8, seeds=[3], seed=3,
        batch_size=96, epochs=1,
    )  # fmt: skip
    for _ in range(4):
        run.advance(1)
        run.record(False)
    found = numbers(table(book, lab), "loss")
    np.testing.assert_allclose(found, run.history.loss[:, 0], rtol=1e-4)
    assert "webgpu" not in lab.get_by_label("Link to this run").input_value().lower()
    lab.get_by_label("Network", exact=True).select_option("mlp")
    expect(engine).not_to_be_visible()
    assert book.wrong == []


def test_a_reader_whose_gpu_fails_sees_webassembly_and_the_run_goes_on(book, site):
    book.add_init_script("""const Blob_ = Blob;
      globalThis.Blob = class extends Blob_ {
        constructor(parts, options) {
          super(["if (globalThis.GPUQueue) GPUQueue.prototype.submit = undefined;\\n", ...parts],
            options);
        }
      };""")  # fmt: skip
    lab = shown(book, site + CHAPTER + LINK.format("cnn"))
    engine = lab.get_by_label("Computed by")
    engine.select_option("webgpu")
    one_step(lab, 1)
    expect(engine).to_have_value("wasm", timeout=SLOW)
    one_step(lab, 2)
    expect(lab.get_by_role("alert")).to_have_text("")
    assert book.wrong == []


def test_no_choice_is_shown_where_there_is_no_adapter(browser, webgpu_browser, site):
    for where, stub in (
        (browser, ""),
        (webgpu_browser, "delete Navigator.prototype.gpu"),
        (webgpu_browser, "GPU.prototype.requestAdapter = () => { throw new Error('no'); }"),
    ):
        context = where.new_context()
        page = heard(context.new_page())
        if stub:
            page.add_init_script(stub)
        lab = shown(page, site + CHAPTER)
        page.wait_for_timeout(1000)
        expect(lab.get_by_label("Network", exact=True)).to_be_visible()
        expect(lab.get_by_label("Computed by")).not_to_be_visible()
        assert page.wrong == []
        context.close()
