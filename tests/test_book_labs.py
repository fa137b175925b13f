"""How a lab becomes part of a page: its data, its picture, and the parts that it loads."""

import base64
import gzip
import json
import re

import numpy as np
import onnx
import pytest

from golden_book import labs
from golden_lib.data import rendered_digits
from golden_lib.lab import TrainingLab
from golden_lib.optim import RULES

PROVIDED = re.compile(r'goldenLab\.provide\("([\w-]+)", (\{.*\})\);\n', re.DOTALL)


@pytest.fixture(scope="module")
def shown():
    lab = TrainingLab("mlp", hidden=10, batch_size=128, epochs=1, title='A "lab" </script> & more')
    found = lab.train(steps=5).shown()
    lab.close()
    return found


@pytest.fixture(scope="module")
def parts(tmp_path_factory, pytestconfig):
    """Each part by its name, as a page's script would get it; MNIST apart, which is large."""
    patch = pytest.MonkeyPatch()
    patch.setattr(labs, "_data", lambda: iter([("digits", (rendered_digits(),))]))
    made = dict(labs.parts(pytestconfig.rootpath, tmp_path_factory.mktemp("kept")))
    patch.undo()
    return made


def content(name: str, text: str) -> dict:
    found = PROVIDED.fullmatch(text)
    assert found[1] == name
    return json.loads(found[2])


def unpacked(part: dict) -> bytes:
    return gzip.decompress(base64.b64decode(part["gzip"]))


def test_a_labs_data_survives_the_page_whatever_its_texts_are(shown):
    html = labs.lab_html(shown)
    script = re.search(r'<script type="application/json">(.*?)</script>', html, re.DOTALL)[1]
    kept = json.loads(script)
    assert kept == {k: v for k, v in shown.items() if k not in ("still", "sentence")}
    assert 'aria-label="A &quot;lab&quot; &lt;/script&gt; &amp; more"' in html


def test_a_still_picture_of_the_run_and_its_sentence_stand_beside_the_lab(shown):
    html = labs.lab_html(shown)
    assert "<svg" in html
    assert re.search(r"<figcaption>[^<]*5 steps[^<]*</figcaption>", html)


def test_the_parts_hold_the_digits_to_the_bit_in_less_than_three_megabytes(parts):
    digits = rendered_digits()
    part = content("data-digits", parts["data-digits"])
    found = np.frombuffer(unpacked(part), np.uint8)
    assert part["counts"] == [len(digits)]
    images, labels = found[: 784 * len(digits)], found[784 * len(digits) :]
    scaled = images.astype(np.float32).reshape(-1, 28, 28) / np.float32(255)
    np.testing.assert_array_equal(scaled, digits.images.numpy())
    np.testing.assert_array_equal(labels, digits.labels.numpy())
    assert len(parts["data-digits"]) < 3e6


def test_every_graph_of_the_parts_is_a_whole_model(parts):
    graphs = {name: text for name, text in parts.items() if name.startswith("graph-")}
    assert {"graph-cnn_delta_advance", "graph-mlp_dlr_advance", "graph-cnn_classify"} <= set(graphs)
    for name, text in graphs.items():
        onnx.checker.check_model(onnx.load_from_string(unpacked(content(name, text))))


def test_webgpu_has_parts_of_its_own_and_a_graph_of_the_cnn_for_every_rule(parts):
    steps = {name for name in parts if name.endswith("_step")}
    assert steps == {f"graph-cnn_{rule}_step" for rule in RULES}
    for engine in ("", "-webgpu"):
        assert "export" in content(f"runtime{engine}", parts[f"runtime{engine}"])["text"]
        code = unpacked(content(f"wasm{engine}", parts[f"wasm{engine}"]))
        assert code.startswith(b"\0asm")
    assert len(parts["wasm-webgpu"]) < 1e7


def test_menus_of_a_page_offer_the_data_that_it_has(parts):
    for kind in ("training", "plane"):
        front = content(f"front-{kind}", parts[f"front-{kind}"])
        assert list(front["settings"]["fields"]["data"]["choices"]) == ["digits"]
        assert "export default" in front["text"]
        assert "http://" not in front["text"].replace("http://www.w3.org", "")
        assert "https://" not in front["text"]
