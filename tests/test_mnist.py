"""MNIST: its facts, where it comes from, and what is refused."""

import functools
import gzip
import hashlib
import http.server
import os
import shutil
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path

import pytest
import torch

from golden_lib.data import load, mnist, rotated_mnist

FOLDER = Path(os.environ.get("GOLDEN_DATA", ""))
needs_mnist = pytest.mark.skipif(
    not os.environ.get("GOLDEN_DATA"),
    reason="GOLDEN_DATA must name a folder that holds MNIST/raw",
)
TEST_FILES = "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"
BROKEN_TORCHVISION = 'raise RuntimeError("operator torchvision::nms does not exist")\n'


@pytest.fixture
def no_folder(monkeypatch, tmp_path):
    """Neither GOLDEN_DATA nor a cache of former downloads; the cache's folder."""
    monkeypatch.delenv("GOLDEN_DATA", raising=False)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    return tmp_path / "golden_lib"


@pytest.fixture
def copied(tmp_path):
    """A folder with the two files of the test images, free to be spoilt."""
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name in TEST_FILES:
        shutil.copyfile(FOLDER / "MNIST" / "raw" / name, raw / name)
    return tmp_path


def files_in(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def without_network(*_, **__):
    raise urllib.error.URLError("Temporary failure in name resolution")


@needs_mnist
def test_mnist_is_what_its_authors_describe():
    train, test = mnist(train=True), mnist(train=False)
    assert (len(train), len(test)) == (60_000, 10_000)
    assert train.labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert test.labels[:5].tolist() == [7, 2, 1, 0, 4]
    # The mean and spread of the grey levels that every tutorial normalises with.
    assert train.images.double().mean().item() == pytest.approx(0.1307, abs=5e-5)
    assert train.images.double().std().item() == pytest.approx(0.3081, abs=5e-5)
    assert train.labels.bincount()[[0, 1, 5]].tolist() == [5923, 6742, 5421]


@needs_mnist
@pytest.mark.parametrize("train", [True, False])
def test_mnist_is_read_as_torchvision_reads_it(train):
    from torchvision.datasets import MNIST

    theirs = MNIST(FOLDER, train=train)
    ours = load("mnist", train=train)
    assert ours.images.equal(theirs.data / torch.tensor(255.0))
    assert ours.labels.equal(theirs.targets)


@needs_mnist
def test_rotated_mnist_holds_mnists_images_turned():
    plain, upright = mnist(), rotated_mnist(500, seed=2, max_degrees=0)
    pairs = zip(plain.images.numpy(), plain.labels.tolist(), strict=True)
    known = {image.tobytes(): label for image, label in pairs}
    labels = [known[image.numpy().tobytes()] for image in upright.images]
    assert labels == upright.labels.tolist()

    turned = rotated_mnist(500, seed=2)
    assert turned.labels.equal(upright.labels)
    assert turned.images.min() >= 0
    assert turned.images.max() <= 1
    ink = turned.images.sum((1, 2)) / upright.images.sum((1, 2))
    assert ink.min() > 0.96  # turning cuts off next to nothing
    assert ink.max() < 1.04
    assert (turned.images != upright.images).flatten(1).any(1).float().mean() > 0.99
    assert turned.images.equal(rotated_mnist(500, seed=2).images)
    assert not turned.images.equal(rotated_mnist(500, seed=3).images)


@needs_mnist
def test_one_flipped_bit_is_refused_with_both_md5(copied):
    path = copied / "MNIST" / "raw" / TEST_FILES[1]
    content = bytearray(path.read_bytes())
    content[1234] ^= 1
    path.write_bytes(content)
    found = hashlib.md5(content).hexdigest()
    sentence = f"{path} must have MD5 27ae3e4e09519cfbb04c329615203637, got {found}: it is corrupt"
    with pytest.raises(ValueError, match=sentence):
        mnist(train=False, root=copied)


@needs_mnist
def test_a_file_cut_short_is_refused(copied):
    path = copied / "MNIST" / "raw" / TEST_FILES[0]
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match=f"{path} must have MD5 .* corrupt or cut short"):
        mnist(train=False, root=copied)


@needs_mnist
def test_a_folder_that_cannot_be_written_to_is_enough(copied):
    folders = copied, copied / "MNIST", copied / "MNIST" / "raw"
    for folder in folders:
        folder.chmod(0o555)
    before = files_in(copied)
    assert len(mnist(train=False, root=copied)) == 10_000
    assert files_in(copied) == before
    for folder in folders:  # so that pytest can clear up
        folder.chmod(0o755)


@needs_mnist
def test_a_folder_makes_torchvision_needless(tmp_path):
    assert with_broken_torchvision(tmp_path, os.environ) == "10000"


def test_torchvision_that_does_not_fit_is_named_with_the_way_out(tmp_path):
    environment = {k: v for k, v in os.environ.items() if k != "GOLDEN_DATA"}
    said = with_broken_torchvision(tmp_path, environment | {"TORCH_HOME": str(tmp_path)})
    assert said.startswith(f"ImportError: torchvision must fit torch {torch.__version__}")
    assert "'operator torchvision::nms does not exist'" in said
    assert said.endswith("or set GOLDEN_DATA to a folder that holds MNIST/raw")


def with_broken_torchvision(tmp_path, environment):
    (tmp_path / "torchvision").mkdir()
    (tmp_path / "torchvision" / "__init__.py").write_text(BROKEN_TORCHVISION)
    script = (
        "from golden_lib.data import mnist\n"
        "try:\n    print(len(mnist(train=False)))\n"
        "except ImportError as error:\n    print(f'ImportError: {error}')"
    )
    path = os.pathsep.join([str(tmp_path), str(Path(__file__).parents[1])])
    return subprocess.run(
        [sys.executable, "-c", script],
        env={**environment, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


def test_a_missing_file_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("GOLDEN_DATA", str(tmp_path))
    name = "MNIST/raw/train-images-idx3-ubyte"
    with pytest.raises(FileNotFoundError, match=f"GOLDEN_DATA must be .* {name}, got {tmp_path}"):
        mnist()
    with pytest.raises(FileNotFoundError, match=f"root must be a folder that holds {name}, got "):
        mnist(root=tmp_path, download=False)


def test_a_file_that_is_not_mnist_is_refused(tmp_path):
    raw = tmp_path / "MNIST" / "raw"
    raw.mkdir(parents=True)
    for name in TEST_FILES:
        (raw / name).write_bytes(b"")
    with pytest.raises(ValueError, match="got d41d8cd98f00b204e9800998ecf8427e"):
        mnist(train=False, root=tmp_path)


def test_without_network_and_folder_one_sentence_says_what_to_do(monkeypatch, no_folder):
    monkeypatch.setattr(urllib.request, "urlopen", without_network)
    with pytest.raises(ConnectionError) as refused:
        mnist()
    said = str(refused.value)
    assert said.startswith(f"MNIST could not be downloaded to {no_folder}, got ")
    assert "Temporary failure in name resolution" in said
    assert said.endswith(
        "connect to the network once, or set GOLDEN_DATA to a folder that holds MNIST/raw"
    )
    assert "\n" not in said
    assert not files_in(no_folder)


def test_an_interrupted_download_leaves_nothing_behind(monkeypatch, no_folder):
    def interrupted(*_, **__):
        assert list(no_folder.iterdir())  # it was under way
        raise KeyboardInterrupt

    monkeypatch.setattr(urllib.request, "urlopen", interrupted)
    with pytest.raises(KeyboardInterrupt):
        mnist()
    assert not list(no_folder.iterdir())


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@needs_mnist
def test_a_download_fills_the_cache_and_is_not_repeated(monkeypatch, no_folder, tmp_path, capfd):
    from torchvision.datasets import MNIST

    source = FOLDER / "MNIST" / "raw"
    served = tmp_path / "served"
    served.mkdir()
    resources = []
    for name, _ in MNIST.resources:
        packed = gzip.compress((source / name.removesuffix(".gz")).read_bytes(), compresslevel=1)
        (served / name).write_bytes(packed)
        resources.append((name, hashlib.md5(packed).hexdigest()))
    handler = functools.partial(Quiet, directory=served)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setattr(MNIST, "resources", resources)
        monkeypatch.setattr(MNIST, "mirrors", [f"http://127.0.0.1:{server.server_port}/"])
        assert len(mnist(train=False)) == 10_000
        server.shutdown()
    assert "100%" in capfd.readouterr().err  # torchvision's progress bar
    raw = no_folder / "MNIST" / "raw"
    assert sorted(files_in(no_folder)) == sorted(raw / name[:-3] for name, _ in resources)
    monkeypatch.setattr(urllib.request, "urlopen", without_network)
    assert len(mnist()) == 60_000


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"n": 0}, "n must be an integer >= 1, got 0"),
        ({"seed": -2}, "seed must be an integer >= 0, got -2"),
        ({"max_degrees": 181}, "max_degrees must be between 0 and 180, got 181"),
        ({"max_degrees": float("nan")}, "max_degrees must be between 0 and 180, got nan"),
    ],
)
def test_bad_numbers_get_one_sentence_before_any_file_is_read(no_folder, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        rotated_mnist(**options)


@needs_mnist
def test_more_images_than_mnist_has_are_refused():
    with pytest.raises(ValueError, match=r"n must be <= 60000, .* got 60001"):
        rotated_mnist(60_001)
