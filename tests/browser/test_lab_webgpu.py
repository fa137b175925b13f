"""The page's engine on WebGPU: the same numbers, and WebAssembly in silence where it fails."""

import pytest
from test_lab_engine import assert_same, engine_page, settings

FEW = 4  # images a step: the adapter is software


@pytest.fixture(scope="module")
def page(webgpu_browser, tmp_path_factory):
    with engine_page(webgpu_browser, tmp_path_factory.mktemp("webgpu")) as opened:
        opened.set_default_timeout(300_000)
        opened.said = []
        opened.on("console", lambda m: opened.said.append(f"{m.type}: {m.text}"))
        opened.on("pageerror", lambda error: opened.said.append(str(error)))
        yield opened


@pytest.mark.parametrize(
    ("rule", "loss"), [("delta", "energy"), ("adam", "cross_entropy"), ("dlr", "logistic_sse")]
)
def test_fifty_steps_on_webgpu_are_pytorchs(page, rule, loss):
    found = assert_same(page, settings("cnn", loss, rule, batch_size=FEW), "webgpu")
    assert found["engines"] == ["webgpu"]
    assert set(found["needs"]) == {"webgpu", "digits", f"cnn_{rule}_step", "cnn_classify"}
    assert found["errors"] == []
