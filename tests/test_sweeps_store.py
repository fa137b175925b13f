"""A result and its file: the same numbers, and nothing taken on trust."""

import os
import pickle
import random
import time
from io import BytesIO

import numpy as np
import pytest

from golden_lib.sweeps import Block
from golden_lib.sweeps.result import AXES, pack, unpack
from golden_lib.sweeps.store import Store

BLOCK = Block("energy, fold 3", {"seeds": [4, 5, 6], "eta": 0.1})
KEY = BLOCK.key


def arrays(T=4, R=3, seed=0):
    """Any numbers of the right shapes, the odd ones among them."""
    random = np.random.default_rng(seed)
    sizes = {"T": T, "R": R}
    made = {
        name: random.integers(-(2**60), 2**60, [sizes[axis] for axis in axes]).view(dtype)
        for name, (axes, dtype) in AXES.items()
    }
    if T > 1:
        made["loss"][:2] = [[np.nan, np.inf, -0.0], [5e-324, -np.inf, 1e308]]
    return made


def content(**changed):
    return pack(KEY, BLOCK.settings, arrays(), 1.5, {"device": "α", "threads": 1}, **changed)


def put(store, text):
    store.write(KEY, text)
    return store.folder / f"{KEY}.npz"


@pytest.mark.parametrize("T", [0, 1, 4])
def test_a_result_read_back_is_the_arrays_to_the_bit(T, tmp_path):
    store, made = Store(tmp_path), arrays(T)
    store.write(KEY, pack(KEY, BLOCK.settings, made, 0.1 + 0.2, {"device": "η", "threads": 2}))
    found = store.read(BLOCK, KEY)
    for name, array in made.items():
        assert getattr(found, name).tobytes() == array.tobytes(), name
        assert getattr(found, name).shape == array.shape
        with pytest.raises(ValueError, match="read-only"):
            getattr(found, name)[...] = 0
    assert (found.seconds, found.provenance) == (0.1 + 0.2, {"device": "η", "threads": 2})
    assert found.block == BLOCK
    assert found.stored


def test_any_flipped_bit_is_noticed_or_changes_nothing():
    whole, made = content(), arrays()
    draw, noticed = random.Random(0), 0
    places = [*range(0, len(whole), 5), *range(len(whole) - 60, len(whole))]
    for place in places:
        flipped = bytearray(whole)
        flipped[place] ^= 1 << draw.randrange(8)
        try:
            found = unpack(bytes(flipped), BLOCK, KEY, stored=True)
        except ValueError:
            noticed += 1
            continue
        for name, array in made.items():
            assert getattr(found, name).tobytes() == array.tobytes(), (place, name)
        assert found.provenance == {"device": "α", "threads": 1}
        assert found.seconds == 1.5
    assert noticed > len(places) / 2


def npz(**members):
    file = BytesIO()
    np.savez(file, **members)
    return file.getvalue()


def with_shape(name, shape):
    made = arrays() | {name: np.zeros(shape, AXES[name][1])}
    return pack(KEY, BLOCK.settings, made, 1.0, {})


OTHER = Block("other", {"seeds": [4, 5, 6], "eta": 0.2})
DAMAGED = {
    "cut short": (content()[:-1], "cannot be read .BadZipFile"),
    "cut in half": (content()[: len(content()) // 2], "cannot be read"),
    "empty": (b"", "cannot be read"),
    "a text": (b"my notes on the golden ratio", "cannot be read"),
    "a pickle": (pickle.dumps([1, 2]), "cannot be read"),
    "another npz": (npz(a=np.ones(3)), "cannot be read .KeyError"),
    "a pickle inside": (npz(about=np.array([{}], object)), "Object arrays cannot be loaded"),
    "no JSON": (npz(about="{"), "cannot be read .JSONDecodeError"),
    "another block": (
        pack(OTHER.key, OTHER.settings, arrays(), 1.0, {}),
        f"holds another block, whose key is {OTHER.key}",
    ),
    "other settings under this key": (
        pack(KEY, OTHER.settings, arrays(), 1.0, {}),
        "another block",
    ),
    "too few replicas": (
        with_shape("loss", (4, 2)),
        r"loss must be float64 of shape \(4, 3\), got",
    ),
    "too few records": (with_shape("epoch", (3,)), r"epoch must be float64 of shape \(4,\)"),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_file_that_is_not_the_blocks_result_is_named_and_put_aside(name, tmp_path):
    store = Store(tmp_path)
    bytes_, said = DAMAGED[name]
    put(store, bytes_)
    with pytest.warns(UserWarning, match=rf"{KEY}.npz must be .*'energy, fold 3'.*{said}") as seen:
        assert store.read(BLOCK, KEY) is None
    (aside,) = tmp_path.iterdir()
    assert aside.name in str(seen[0].message)
    assert aside.suffix == ".rejected"
    assert aside.read_bytes() == bytes_
    put(store, content())
    assert store.read(BLOCK, KEY).stored
    assert aside.exists()


def test_a_folder_in_a_files_place_is_put_aside_with_what_is_in_it(tmp_path):
    store = Store(tmp_path)
    (tmp_path / f"{KEY}.npz" / "thesis").mkdir(parents=True)
    with pytest.warns(UserWarning, match="but it is a folder; it is now"):
        assert store.read(BLOCK, KEY) is None
    (aside,) = tmp_path.iterdir()
    assert [path.name for path in aside.iterdir()] == ["thesis"]


def test_drafts_are_removed_when_old_and_files_of_others_never(tmp_path):
    old, new = f".{KEY}.{'0' * 16}.draft", f".{KEY}.{'1' * 16}.draft"
    others = [".notes.draft", "thesis.txt", f"{KEY}.npz.draft", f"{KEY}.0123.rejected"]
    for name in (old, new, *others):
        (tmp_path / name).write_text("x")
        if name != new:
            os.utime(tmp_path / name, (time.time() - 7200,) * 2)
    assert KEY not in Store(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {new, *others}


def test_a_store_is_made_with_the_folders_above_it_and_no_file_is_taken_for_one(tmp_path):
    Store(tmp_path / "a" / "b").write(KEY, content())
    file = tmp_path / "file"
    file.write_text("x")
    for path in (file, file / "below"):
        with pytest.raises(ValueError, match=f"store must be a folder, got {path}"):
            Store(path)
    assert file.read_text() == "x"
