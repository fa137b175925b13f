"""What a block gave, as arrays and as the bytes of a file."""

import json
import zipfile
from dataclasses import dataclass, replace
from io import BytesIO
from typing import Any, Final

import numpy as np

from golden_lib.sweeps.block import Block
from golden_lib.sweeps.version import code_version

AXES: Final = {
    "step": ("T", np.int64),
    "epoch": ("T", np.float64),
    "loss": ("TR", np.float64),
    "train_accuracy": ("TR", np.float64),
    "test_accuracy": ("TR", np.float64),
    "eta": ("R", np.float64),
    "alpha": ("R", np.float64),
    "seeds": ("R", np.int64),
    "diverged": ("R", np.int64),
}
"""Axes and type of each array of a result."""


@dataclass(frozen=True, eq=False)
class Result:
    """What one block gave; arrays over T records and R replicas, read-only.

    Attributes:
        block: what was trained.
        step: updates made, ``(T,)``.
        epoch: epochs made, ``(T,)``.
        loss: mean since the record before, ``(T, R)``.
        train_accuracy: likewise, each batch before its update, ``(T, R)``.
        test_accuracy: then, ``(T, R)``; NaN where it was not measured.
        eta: η, ``(R,)``.
        alpha: α, ``(R,)``.
        seeds: of the initial weights, ``(R,)``.
        diverged: the step at which loss or logits were no longer finite, ``(R,)``; −1 for never.
        seconds: that training took, where it was done.
        provenance: device, threads, python, and versions of what the numbers depend on.
        stored: whether it came from the store, and nothing was trained.
    """

    block: Block
    step: np.ndarray
    epoch: np.ndarray
    loss: np.ndarray
    train_accuracy: np.ndarray
    test_accuracy: np.ndarray
    eta: np.ndarray
    alpha: np.ndarray
    seeds: np.ndarray
    diverged: np.ndarray
    seconds: float
    provenance: dict[str, Any]
    stored: bool = False

    def of(self, block: Block) -> "Result":
        """The same result for a block of another label."""
        return replace(self, block=block)


def pack(key: str, settings: dict, arrays: dict, seconds: float, provenance: dict) -> bytes:
    """The bytes of a result's file: an npz of the arrays, and ``about``, a JSON text.

    Args:
        key: of the block.
        settings: of the block.
        arrays: those in `AXES`.
        seconds: that training took.
        provenance: where and with what.
    """
    about = {
        "key": key,
        "code": code_version(),
        "settings": settings,
        "seconds": seconds,
        "provenance": provenance,
    }
    typed = {name: np.asarray(arrays[name], dtype) for name, (_, dtype) in AXES.items()}
    file = BytesIO()
    np.savez_compressed(file, about=json.dumps(about), **typed)
    return file.getvalue()


def unpack(content: bytes, block: Block, key: str, stored: bool) -> Result:
    """The result in a file's bytes, which are not trusted.

    The zip format's CRC-32 covers every byte of the arrays; what it does not cover, such as the
    time of a member, is not read.

    Args:
        content: of the file.
        block: whose result it should be.
        key: of the block.
        stored: whether it came from the store.

    Raises:
        ValueError: saying what is wrong with it.
    """
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            damaged = archive.testzip()
        if damaged:
            raise ValueError(f"the checksum of {damaged} is wrong")
        with np.load(BytesIO(content), allow_pickle=False) as file:
            found = dict(file)
        about = json.loads(str(found.pop("about")))
        seconds, provenance = float(about["seconds"]), dict(about["provenance"])
        named, settings = about["key"], about["settings"]
    except Exception as error:  # a foreign file may raise anything: BadZipFile, zlib.error, …
        raise ValueError(f"it cannot be read ({type(error).__name__}: {error})") from None
    if (named, settings) != (key, block.settings):
        raise ValueError(f"it holds another block, whose key is {named}")
    if found.keys() != AXES.keys():
        raise ValueError(f"it must hold {', '.join(AXES)}, got {', '.join(sorted(found))}")
    sizes = {"T": found["step"].size, "R": len(block.seeds)}
    for name, (axes, dtype) in AXES.items():
        array, shape = found[name], tuple(sizes[axis] for axis in axes)
        if array.shape != shape or array.dtype != dtype:
            raise ValueError(
                f"{name} must be {np.dtype(dtype)} of shape {shape}, got {array.dtype} of "
                f"shape {array.shape}"
            )
        array.flags.writeable = False
    return Result(block, **found, seconds=seconds, provenance=provenance, stored=stored)
