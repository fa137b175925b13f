"""A lab on the built site trains in the reader's browser, and as PyTorch does."""

import csv
import io
import re

import numpy as np
import pytest
from chrome import PATIENCE
from conftest import SITE, SUB_PATH, served
from playwright.sync_api import Browser, Page, expect

from golden_lib.data import rendered_digits
from golden_lib.nets import Mlp
from golden_lib.training import train

expect.set_options(timeout=30_000)

CHAPTER = "book/lab.html"
ENGINE = ("/lab/engine.wasm", "/lab/runtime.js", "/lab/worker.js", "/lab/graph-", "/lab/data-")
MOVES = ((7, 0.05, 0.5), (23, 0.004, 0.9))
STEPS = 50
LINK = (
    "#lab=1&network={network}&hidden=30&loss={loss}&rule={rule}&data=digits&batch={batch}&seed=3"
    f"&eta=0.02&alpha=0.8&epochs=1&steps={STEPS}&moves="
    + ",".join(":".join(map(str, move)) for move in MOVES)
)


@pytest.fixture(scope="module")
def site():
    """Under a sub-path, where an address that begins at the root leads astray."""
    with served(SUB_PATH) as address:
        yield address


@pytest.fixture
def page(browser: Browser):
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    opened = context.new_page()
    opened.set_default_timeout(PATIENCE)
    opened.wrong = []
    opened.on("pageerror", lambda error: opened.wrong.append(str(error)))
    yield opened
    context.close()


def shown(page: Page, address: str):
    """The first lab of a page, when it is there."""
    page.goto(address)
    lab = page.locator(".golden-lab").first
    lab.scroll_into_view_if_needed()
    page.wait_for_function("document.querySelector('.golden-lab').dataset.state === 'shown'")
    return lab


def trained(lab, step: int) -> None:
    """Press Train, and wait until that step is reached and the lab stands still."""
    lab.get_by_role("button", name="Train", exact=True).click()
    expect(lab.locator(".gl-where")).to_have_text(re.compile(rf"^step {step} "))
    expect(lab.get_by_role("button", name="Train", exact=True)).to_be_visible()


def table(page: Page, lab) -> list[dict[str, str]]:
    """The curves, as the reader downloads them."""
    if not lab.get_by_role("button", name="Curves as CSV").is_visible():
        lab.get_by_text("Share and keep").click()
    with page.expect_download() as download:
        lab.get_by_role("button", name="Curves as CSV").click()
    return list(csv.DictReader(io.StringIO(download.value.path().read_text("utf-8"))))


def numbers(rows: list[dict[str, str]], name: str) -> np.ndarray:
    (column,) = [key for key in rows[0] if key == name or key.endswith(f" {name}")]
    return np.array([float(row[column] or "nan") for row in rows])


def by_pytorch(network: str, loss: str, rule: str, batch: int):
    """The same run by the library's trainer, told nothing but the numbers of the link."""
    run = train(
        Mlp(hidden=30) if network == "mlp" else network, loss, rule, rendered_digits(),
        eta=0.02, alpha=0.8, seeds=[3], seed=3, batch_size=batch, epochs=1,
    )  # fmt: skip
    every = max(1, 9000 // batch // 50)
    moves = {step: pair for step, *pair in MOVES}
    while run.step < STEPS:
        if run.step in moves:
            run.eta, run.alpha = moves[run.step]
        run.advance(1)
        if run.step % every == 0:
            run.record(run.step % (5 * every) == 0)
    return run.history


@pytest.mark.parametrize(
    ("network", "loss", "rule", "batch"),
    [("cnn", "energy", "delta", 128), ("mlp", "logistic_sse", "dlr", 10),
     ("mlp", "squared_information", "nesterov", 32), ("cnn", "cross_entropy", "adam", 32)],
)  # fmt: skip
def test_a_link_trains_in_the_page_as_it_does_in_pytorch(page, site, network, loss, rule, batch):
    link = LINK.format(network=network, loss=loss, rule=rule, batch=batch)
    lab = shown(page, site + CHAPTER + link)
    trained(lab, STEPS)
    rows, history = table(page, lab), by_pytorch(network, loss, rule, batch)
    kept = len(history.step)
    assert numbers(rows, "step")[:kept].tolist() == history.step.tolist()
    for name in ("loss", "train_accuracy", "test_accuracy", "eta", "alpha"):
        there = numbers(rows, name)[:kept]
        wanted = getattr(history, name)[:, 0]
        np.testing.assert_allclose(there, wanted, rtol=1e-4, atol=1e-4, err_msg=name)
    assert page.wrong == []


def test_a_page_loads_nothing_of_the_engine_until_someone_trains(page, site):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    lab = shown(page, site + CHAPTER)
    page.wait_for_timeout(1000)
    assert not [url for url in asked if any(part in url for part in ENGINE)]
    assert any("/lab/front-training.js" in url for url in asked)
    lab.get_by_role("button", name="One step").click()
    expect(lab.locator(".gl-where")).to_have_text(re.compile(r"^step 1 "))
    for part in ENGINE:
        assert any(part in url for url in asked), (part, asked)
    assert all(url.startswith((site, "blob:", "data:")) for url in asked)


def test_a_reader_moves_pauses_steps_and_goes_back(page, site):
    lab = shown(page, site + CHAPTER)
    where = lab.locator(".gl-where")
    lab.get_by_role("button", name="Train", exact=True).click()
    expect(where).to_have_text(re.compile(r"^step ([5-9]|\d\d) "))
    eta = lab.get_by_role("slider", name="Learning rate η")
    eta.focus()
    for _ in range(5):
        eta.press("ArrowRight")
    expect(lab.get_by_role("button", name="Pause")).to_be_visible()
    lab.get_by_role("button", name="Pause").click()
    expect(lab.get_by_role("button", name="Train", exact=True)).to_be_visible()
    page.wait_for_timeout(300)
    at = int(re.search(r"step (\d+)", where.inner_text())[1])
    lab.get_by_role("button", name="One step").click()
    expect(where).to_have_text(re.compile(rf"^step {at + 1} "))
    lab.get_by_text("Share and keep").click()
    link = lab.get_by_label("Link to this run").input_value()
    moves = re.search(r"moves=([^&]*)", link)[1].split(",")
    assert all(0 < int(move.split(":")[0]) <= at for move in moves)
    assert float(moves[-1].split(":")[1]) > 0.0159
    back = lab.get_by_role("slider", name="Rewind to")
    back.focus()
    back.press("Home")
    expect(where).to_have_text(re.compile(r"^step 0 "))
    assert page.wrong == []


def test_a_copied_link_repeats_the_run_in_a_fresh_page(page, browser, site):
    first = shown(page, site + CHAPTER + LINK.format(
        network="mlp", loss="energy", rule="delta", batch=32))  # fmt: skip
    trained(first, STEPS)
    first.get_by_text("Share and keep").click()
    address = first.get_by_label("Link to this run").input_value()
    before = table(page, first)
    context = browser.new_context(accept_downloads=True)
    fresh = context.new_page()
    fresh.set_default_timeout(PATIENCE)
    second = shown(fresh, address)
    trained(second, STEPS)
    assert table(fresh, second) == before
    context.close()


def test_a_hostile_link_is_answered_in_words_and_puts_nothing_into_the_page(page, site):
    page.on("dialog", lambda dialog: page.wrong.append(dialog.message))
    bad = "#lab=1&eta=1e9&loss=<img src=x onerror=alert(1)>&seed=5"
    lab = shown(page, site + CHAPTER + bad)
    assert lab.locator("img[src=x]").count() == 0
    assert "eta must be" in lab.inner_text()
    assert lab.get_by_role("spinbutton", name="Seed").input_value() == "5"
    lab = shown(page, site + "book/training.html#lab=99")
    assert "lab" in lab.inner_text()
    assert page.wrong == []


def test_a_lab_trains_on_a_page_opened_from_a_folder(page):
    lab = shown(page, (SITE / CHAPTER).as_uri())
    lab.get_by_role("button", name="One step").click()
    expect(lab.locator(".gl-where")).to_have_text(re.compile(r"^step 1 "))
    assert page.wrong == []


def test_a_drawn_digit_gets_an_answer(page, site):
    lab = shown(page, site + CHAPTER)
    lab.get_by_role("button", name="One step").click()
    expect(lab.locator(".gl-where")).to_have_text(re.compile(r"^step 1 "))
    board = lab.locator("canvas.gl-paper")
    board.scroll_into_view_if_needed()
    box = board.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 15)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] - 15, steps=12)
    page.mouse.up()
    expect(lab.locator(".gl-share").first).to_have_text(re.compile(r"\d"))
    shares = [float(text.strip(" %<").replace("\u2009", "").replace("%", ""))
              for text in lab.locator(".gl-share").all_inner_texts()]  # fmt: skip
    assert len(shares) == 10
    assert sum(shares) == pytest.approx(100, abs=6)
    assert page.wrong == []


def test_without_webassembly_the_lab_says_so_in_a_sentence(page, site):
    page.add_init_script("delete globalThis.WebAssembly")
    # A worker has a scope of its own: the switch is thrown there as well.
    page.add_init_script(
        """const Blob_ = Blob;
        globalThis.Blob = class extends Blob_ {
          constructor(parts, options) {
            super(["delete globalThis.WebAssembly;\\n", ...parts], options);
          }
        };"""
    )
    lab = shown(page, site + CHAPTER)
    lab.get_by_role("button", name="One step").click()
    expect(lab).to_contain_text("WebAssembly")


def test_a_part_that_does_not_load_is_said_and_train_tries_again(page, site):
    for name in ("engine.wasm", "wasm.js"):
        page.route(f"**/lab/{name}", lambda route: route.abort(), times=1)
    lab = shown(page, site + CHAPTER)
    lab.get_by_role("button", name="One step").click()
    expect(lab.get_by_role("alert")).to_contain_text("lab/wasm.js did not load")
    lab.get_by_role("button", name="One step").click()
    expect(lab.locator(".gl-where")).to_have_text(re.compile(r"^step 1 "))
    expect(lab.get_by_role("alert")).to_have_text("")


@pytest.mark.parametrize("answer", [{"status": 404}, {"content_type": "text/plain"}])
def test_a_server_that_does_not_know_webassembly_is_no_obstacle(page, site, answer):
    page.route("**/lab/engine.wasm", lambda route: route.fulfill(body="no", **answer))
    with page.expect_request("**/lab/wasm.js"):
        lab = shown(page, site + CHAPTER)
        lab.get_by_role("button", name="One step").click()
    expect(lab.locator(".gl-where")).to_have_text(re.compile(r"^step 1 "))
    expect(lab.get_by_role("alert")).to_have_text("")


def test_a_worker_that_does_not_start_is_said_in_a_sentence(page, site):
    page.add_init_script(
        """globalThis.Worker = class {
          constructor() { throw new Error("workers are switched off here"); }
        };"""
    )
    lab = shown(page, site + CHAPTER)
    lab.get_by_role("button", name="One step").click()
    expect(lab.get_by_role("alert")).to_contain_text("workers are switched off here")
    assert page.wrong == []


def test_a_page_that_slept_goes_on_when_it_wakes(page, site):
    lab = shown(page, site + CHAPTER + "#lab=1&network=mlp&batch=1&epochs=100&eta=0.02")
    lab.get_by_role("button", name="Train", exact=True).click()
    where = lab.locator(".gl-where")
    expect(where).to_have_text(re.compile(r"^step [1-9]"))
    sleeper = page.context.new_cdp_session(page)
    sleeper.send("Page.setWebLifecycleState", {"state": "frozen"})
    page.wait_for_timeout(1500)
    sleeper.send("Page.setWebLifecycleState", {"state": "active"})
    before = where.inner_text()
    expect(where).not_to_have_text(before)
    lab.get_by_role("button", name="Pause").click()
    expect(lab.get_by_role("button", name="Train", exact=True)).to_be_visible()
    assert page.wrong == []


def test_two_labs_of_a_page_each_train_their_own_run(page, site):
    def doubled(route):
        answer = route.fetch()
        section = re.search(r'<section class="golden-lab".*?</section>', answer.text(), re.DOTALL)
        route.fulfill(response=answer, body=answer.text().replace(section[0], 2 * section[0]))

    page.route(f"**/{CHAPTER}*", doubled)
    shown(page, site + CHAPTER)
    labs = page.locator(".golden-lab")
    expect(labs).to_have_count(2)
    labs.nth(1).scroll_into_view_if_needed()
    labs.nth(1).get_by_role("spinbutton", name="Seed").fill("9")
    for lab in (labs.nth(0), labs.nth(1)):
        for step in (1, 2):
            lab.get_by_role("button", name="One step").click()
            expect(lab.locator(".gl-where")).to_have_text(re.compile(rf"^step {step} "))
    first, second = (numbers(table(page, labs.nth(k)), "loss") for k in (0, 1))
    assert len(first) == len(second)
    assert first.tolist() != second.tolist()
    assert len(page.workers) == 2
    assert page.wrong == []


def test_where_no_script_runs_the_picture_of_the_run_and_its_sentence_stand(browser, site):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(site + CHAPTER)
    still = page.locator(".golden-lab-still").first
    assert still.locator("svg").is_visible()
    assert "test digits" in still.locator("figcaption").inner_text()
    context.close()


def test_in_print_the_picture_of_the_run_takes_the_place_of_the_lab(page, site):
    lab = shown(page, site + CHAPTER)
    page.emulate_media(media="print")
    assert lab.locator(".golden-lab-still svg").is_visible()
    assert not lab.locator(".golden-lab-live").is_visible()
