"""The lab in a real JupyterLab and a Notebook: what one does in the page trains PyTorch."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request

import nbformat
import numpy as np
import pytest
from chrome import PATIENCE
from conftest import ROOT
from playwright.sync_api import expect

from golden_lib.nets import Mlp
from golden_lib.training import train

LAB = (
    "TrainingLab('mlp', hidden=20, loss='energy', rule='delta', batch_size=32, eta=0.2, epochs=40)"
)
CELLS = (
    f"import os; from golden_lib.lab import TrainingLab; lab = {LAB}; lab",
    f"other = {LAB}; other",
    "import json; h = lab.history;"
    " json.dump({'step': h.step.tolist(), 'loss': h.loss[:, 0].tolist(),"
    " 'test': h.test_accuracy[:, 0].tolist(), 'moves': lab.moves, 'link': lab.link,"
    " 'eta': lab.eta}, open('told.json', 'w')); 'told'",
    "import threading; [t.name for t in threading.enumerate() if t.name == 'golden-lab']",
)


class Notebook:
    """A notebook open in JupyterLab."""

    def __init__(self, page, folder):
        self.page, self.folder = page, folder

    def run(self, number: int) -> None:
        """Run a cell and wait until it is done."""
        cell = self.page.locator(".jp-Notebook .jp-CodeCell").nth(number)
        done = cell.locator(".jp-InputPrompt")
        dialog = self.page.locator("dialog.jp-Dialog")
        while True:  # a kernel that has just started may miss the first
            assert not dialog.count(), dialog.first.inner_text()
            cell.locator(".cm-content").click()
            self.page.keyboard.press("Control+Enter")
            self.page.wait_for_timeout(500)  # the prompt is that of the last run until then
            if done.inner_text() != "[ ]:":
                break
        expect(done).to_have_text(re.compile(r"^\[\d+\]:$"), timeout=PATIENCE)

    def lab(self, number: int = 0):
        """The lab that a cell shows."""
        return self.page.locator(".jp-Notebook .jp-CodeCell").nth(number).locator(".gl-lab")

    def told(self) -> dict:
        """What Python knows of the lab of the first cell."""
        self.run(2)
        return json.loads((self.folder / "told.json").read_text())


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A JupyterLab server of its own, with nothing of the user's and no network."""
    folder = tmp_path_factory.mktemp("jupyter")
    home = folder / "home"
    home.mkdir()
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in CELLS],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    work = folder / "work"
    work.mkdir()
    nbformat.write(notebook, work / "lab.ipynb")
    settings = {
        "ServerApp": {"token": "", "password": "", "open_browser": False, "port_retries": 20,
                      "disable_check_xsrf": True},
        "LabApp": {"news_url": None, "check_for_updates_class":
                   "jupyterlab.NeverCheckForUpdate", "expose_app_in_browser": True},
    }  # fmt: skip
    (folder / "jupyter_server_config.json").write_text(json.dumps(settings))
    environment = {
        **os.environ, "HOME": str(home), "JUPYTER_CONFIG_DIR": str(folder),
        "JUPYTER_DATA_DIR": str(home / "data"), "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTER_PLATFORM_DIRS": "1", "IPYTHONDIR": str(home / "ipython"), "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
    }  # fmt: skip
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", "--ip=127.0.0.1",
               f"--notebook-dir={work}"]  # fmt: skip
    log = (folder / "log").open("w")
    process = subprocess.Popen(
        command, cwd=work, env=environment, stdout=log, stderr=log, start_new_session=True
    )
    try:
        yield found(process, folder / "log"), work
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)
        log.close()


def start_kernel(page, address: str) -> None:
    """Start the notebook's kernel, which a page that opens it then finds.

    A page with no kernel yet calls it idle as well, and asks which to start when a cell is run.
    """
    session = {"path": "lab.ipynb", "name": "", "type": "notebook", "kernel": {"name": "python3"}}
    assert page.request.post(f"{address}api/sessions", data=session).ok


def stop_kernels(page, address: str) -> None:
    """Stop every kernel of the server."""
    for session in page.request.get(f"{address}api/sessions").json():
        assert page.request.delete(f"{address}api/sessions/{session['id']}").ok


def found(process, log) -> str:
    """Address of the server, when it answers."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text()
        address = re.search(r"http://127\.0\.0\.1:\d+/", log.read_text())
        if address:
            try:
                urllib.request.urlopen(f"{address[0]}api", timeout=5).close()
                return address[0]
            except OSError:
                pass
        time.sleep(0.2)
    raise AssertionError(log.read_text())


PLACES = {"jupyterlab": "lab/tree/lab.ipynb?reset", "notebook": "notebooks/lab.ipynb"}
"""Where a server shows the notebook, by the program that shows it."""


def ours(error) -> bool:
    """Whether the lab, which runs from a Blob, had a part in it; Notebook has errors of its own."""
    return "blob:" in error.stack or "/static/" not in error.stack


@pytest.fixture
def notebook(request, browser, server):
    """The notebook, its first cell run, in JupyterLab; and no request to another host."""
    address, folder = server
    place = PLACES[getattr(request, "param", "jupyterlab")]
    context = browser.new_context(viewport={"width": 1300, "height": 1800})
    strangers = []

    def route(route):
        if route.request.url.startswith((address, "data:", "blob:")):
            route.continue_()
        else:
            strangers.append(route.request.url)
            route.abort()

    context.route("**/*", route)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    wrong = []
    page.on("pageerror", lambda error: ours(error) and wrong.append(str(error)))
    start_kernel(page, address)
    page.goto(address + place, wait_until="domcontentloaded")
    opened = Notebook(page, folder)
    page.locator(".jp-Notebook .jp-CodeCell").nth(3).wait_for()
    expect(page.locator(".jp-KernelName").first).to_have_text(
        "Python 3 (ipykernel)", timeout=PATIENCE
    )
    page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').wait_for(state="attached")
    opened.run(0)
    opened.lab().locator(".gl-primary").wait_for()
    yield opened
    assert wrong == []
    assert strangers == []
    stop_kernels(page, address)
    context.close()


def step_of(lab) -> int:
    """The step that the lab shows."""
    text = lab.locator(".gl-where").inner_text()
    return int(re.sub(r"\s", "", re.match(r"step ([\d\s]+)", text)[1]))


def wait_for_step(lab, least: int) -> None:
    end = time.monotonic() + PATIENCE / 1000
    while step_of(lab) < least:
        assert time.monotonic() < end, lab.locator(".gl-where").inner_text()
        lab.page.wait_for_timeout(30)


def press(lab, name: str) -> None:
    lab.get_by_role("button", name=name, exact=True).click()


@pytest.mark.parametrize("notebook", PLACES, indirect=True)
def test_a_run_moved_by_keys_paused_and_rewound_is_that_of_pytorch(notebook):
    lab = notebook.lab()
    press(lab, "Train")
    wait_for_step(lab, 60)
    slider = lab.get_by_label("Learning rate η", exact=True)
    slider.focus()
    for _ in range(5):
        notebook.page.keyboard.press("ArrowRight")
    wait_for_step(lab, step_of(lab) + 60)
    assert lab.get_by_label("Learning rate η, exact value").input_value() != "0.2"
    press(lab, "Pause")
    expect(lab.locator(".gl-primary")).to_have_text("Train")
    paused = step_of(lab)
    press(lab, "One step")
    expect(lab.locator(".gl-where")).to_contain_text(re.compile(rf"step {paused + 1:,} "
                                                                .replace(",", r"\s")))  # fmt: skip
    told = notebook.told()
    assert told["moves"]
    assert told["eta"] > 0.2
    assert_like_pytorch(told)

    rewind = lab.get_by_label("Rewind to")
    rewind.focus()
    notebook.page.keyboard.press("Home")
    for _ in range(2):
        notebook.page.keyboard.press("ArrowRight")
    assert step_of(lab) == paused + 1
    notebook.page.keyboard.press("Enter")
    end = time.monotonic() + 20
    while (back := step_of(lab)) >= paused:
        assert time.monotonic() < end
        notebook.page.wait_for_timeout(30)
    assert back > 0
    again = notebook.told()
    assert again["step"][-1] == back
    assert again["loss"] == told["loss"][: len(again["loss"])]


def assert_like_pytorch(told: dict) -> None:
    """Train the same run without a lab, and compare every record."""
    every = 281 // 50
    run = train(Mlp(20), "energy", "delta", eta=0.2, seeds=[0], batch_size=32, epochs=40,
                every=every, test_every=5 * every, progress=False, device="cpu")  # fmt: skip
    moves = {step: (eta, alpha) for step, eta, alpha in told["moves"]}
    loss, test = [], []
    while run.step < told["step"][-1]:
        if run.step in moves:
            run.eta, run.alpha = moves[run.step]
        run.advance(1)
        if run.step % every == 0:
            record = run.record(run.step % (5 * every) == 0)
            loss.append(record.loss[0])
            test.append(record.test_accuracy[0])
    np.testing.assert_allclose(told["loss"], loss, atol=1e-4)
    np.testing.assert_allclose(told["test"], test, atol=1e-4)


def test_python_and_the_page_move_one_and_the_same_run(notebook):
    lab, page = notebook.lab(), notebook.page
    exact = lab.get_by_label("Learning rate η, exact value")
    exact.fill("0.33")
    page.keyboard.press("Enter")
    end = time.monotonic() + 20
    while notebook.told()["eta"] != 0.33:
        assert time.monotonic() < end
    slider = lab.get_by_label("Momentum α", exact=True)
    slider.focus()
    page.keyboard.press("g")
    expect(exact).to_have_value("0.0159")
    menu = lab.get_by_label("Update rule")
    menu.select_option("dlr")
    expect(lab.get_by_label("Base rate η₀", exact=True)).to_be_visible()
    lab.get_by_text("Share and keep").click()
    link = lab.get_by_label("Link to this run")
    expect(link).to_have_value(re.compile(r"^#lab=1&.*rule=dlr&"))


def test_a_cell_run_twice_and_two_labs_on_a_page_each_train(notebook):
    notebook.run(0)
    notebook.run(1)
    first, second = notebook.lab(0), notebook.lab(1)
    expect(first).to_have_count(1)
    for lab in (first, second):
        press(lab, "One epoch")
    for lab in (first, second):
        wait_for_step(lab, 281)
        expect(lab.locator(".gl-primary")).to_have_text("Train")
    assert notebook.told()["step"][-1] == 280
    notebook.run(3)
    output = notebook.page.locator(".jp-Notebook .jp-CodeCell").nth(3)
    expect(output.locator(".jp-OutputArea-output")).to_have_text("[]")


def test_a_kernel_that_was_restarted_is_said_in_one_sentence(notebook):
    lab, page = notebook.lab(), notebook.page
    press(lab, "Train")
    wait_for_step(lab, 10)
    page.get_by_role("button", name=re.compile("Restart the kernel")).first.click()
    page.locator(".jp-Dialog .jp-mod-accept").click()
    press(lab, re.compile("Pause|Train"))
    expect(lab.get_by_role("alert")).to_contain_text("run this cell again")
    notebook.run(0)
    lab = notebook.lab()
    press(lab, "One epoch")
    wait_for_step(lab, 281)


def test_the_lab_shuts_nobody_out(notebook):
    lab, page = notebook.lab(), notebook.page
    press(lab, "One epoch")
    wait_for_step(lab, 281)
    for text in ("Share and keep", "The curves as a table"):
        lab.get_by_text(text).click()
    page.add_script_tag(path=ROOT / "node_modules" / "axe-core" / "axe.min.js")
    found = page.evaluate("axe.run('.gl-lab', {resultTypes: ['violations']})")
    serious = [v for v in found["violations"] if v["impact"] in ("serious", "critical")]
    assert [(v["id"], [n["target"] for n in v["nodes"]][:3]) for v in serious] == []
