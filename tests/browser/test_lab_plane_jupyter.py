"""The plane in a real JupyterLab, with a kernel: what the page does, Python knows."""

import pytest
import test_lab_jupyter as jupyter
from playwright.sync_api import expect
from test_lab_jupyter import notebook, press, server, wait_for_step  # noqa: F401

CELLS = (
    "from golden_lib.lab import PlaneLab; lab = PlaneLab(hidden=8, cells=3, epochs=20); lab",
    "lab.eta = (0.5, 2); lab",
    "import json; p = {k: v.tolist() for k, v in lab.plane.items()};"
    " json.dump({'step': lab.step, 'eta': lab.eta, 'alpha': lab.alpha, 'rule': lab.rule,"
    " 'loss': p['loss'], 'etas': p['eta'], 'running': lab.running}, open('told.json', 'w'))",
    "lab.zoom(alpha=(0.1, 0.2)).train(steps=7); lab.step",
)


@pytest.fixture(scope="module", autouse=True)
def cells():
    """The notebook of these tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jupyter, "CELLS", CELLS)
        yield


def test_the_page_and_python_have_one_plane(notebook):  # noqa: F811
    lab = notebook.lab()
    press(lab, "Train")
    wait_for_step(lab, 60)
    press(lab, "Pause")
    expect(lab.locator(".gl-primary")).to_have_text("Train")
    told = notebook.told()
    assert told["step"] == jupyter.step_of(lab)
    assert not told["running"]
    lab.locator(".gp-cell[tabindex='0']").focus()
    for key in ("Home", "PageDown", "ArrowRight"):  # a letter or an arrow is not JupyterLab's
        notebook.page.keyboard.press(key)
    expect(lab.locator("[data-cell='1']")).to_be_focused()
    loss = float(lab.locator(".gp-numbers dd").last.inner_text())
    assert loss == pytest.approx(told["loss"][0][1], rel=6e-3)

    lab.get_by_label("Update rule").select_option("dlr")
    notebook.page.wait_for_timeout(700)
    told = notebook.told()
    assert (told["rule"], told["eta"], told["alpha"]) == ("dlr", [0.01, 10], [0.01, 100])
    assert told["step"] == jupyter.step_of(lab)  # of the plane that is there still
    lab.get_by_label("Update rule").select_option("delta")
    notebook.page.wait_for_timeout(700)

    notebook.run(1)
    expect(lab.get_by_label("η from")).to_have_value("0.5")
    notebook.run(3)
    expect(lab.locator(".gl-where")).to_contain_text("step 7 ")
    expect(lab.get_by_role("columnheader").nth(1)).to_contain_text("0.1")
    expect(lab.get_by_label("α to")).to_have_value("0.2")
    expect(lab.locator(".gl-alarm")).to_be_empty()

    again = notebook.lab(1)  # another view of the same plane
    expect(again.locator(".gl-where")).to_contain_text("step 7 ")
    lab.locator("[data-cell='4']").click()
    notebook.page.keyboard.press("Enter")
    wait_for_step(lab, 20)
    press(lab, "Pause")
    expect(lab.locator(".gl-primary")).to_have_text("Train")
    told = notebook.told()
    assert told["step"] == jupyter.step_of(lab) == jupyter.step_of(again)
    assert told["etas"][0][0] == pytest.approx(0.5, rel=1e-4)
    press(lab, "Back out")
    notebook.page.wait_for_timeout(700)
    assert notebook.told()["alpha"] == [0.1, 0.2]
