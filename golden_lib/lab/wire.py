"""What travels between Python and a page: messages with arrays, as buffers or as plain JSON."""

import base64
import gzip
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

Message = dict[str, Any]
Arrays = dict[str, np.ndarray]


def as_buffers(message: Message, arrays: Arrays) -> tuple[Message, list[bytes]]:
    """A message that names its arrays' shapes and types, and their bytes in this order."""
    kept = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    described = [[name, list(array.shape), str(array.dtype)] for name, array in kept.items()]
    return {**message, "arrays": described}, [array.tobytes() for array in kept.values()]


def as_json(message: Message, arrays: Arrays) -> Message:
    """A message that holds its arrays as base64, for a page that nobody answers."""
    return {
        **message,
        "arrays": {
            name: {
                "shape": list(array.shape),
                "dtype": str(array.dtype),
                "data": base64.b64encode(np.ascontiguousarray(array).tobytes()).decode(),
            }
            for name, array in arrays.items()
        },
    }


def from_buffers(message: Mapping[str, Any], buffers: Sequence[Any]) -> Arrays:
    """The arrays that came with a message: float32 alone, of the shapes that it names.

    Raises:
        ValueError: if shapes and buffers do not fit.
    """
    arrays = {}
    for (name, shape, kind), buffer in zip(message.get("arrays", ()), buffers, strict=True):
        if kind != "float32":
            raise ValueError(f"an array must be float32, got {kind!r:.40}")
        arrays[str(name)] = np.frombuffer(buffer, np.float32).reshape(shape)
    return arrays


def sentence_of(error: BaseException) -> str:
    """An error as one sentence, on one line."""
    said = " ".join(str(error).split()) or type(error).__name__
    return said if isinstance(error, ValueError | OSError) else f"{type(error).__name__}: {said}"


@cache
def plotly() -> np.ndarray:
    """The plotly.min.js that lies in Plotly's wheel, gzipped: 1.5 MB instead of 4.9."""
    import plotly as package  # only here: a lab without a page needs none

    file = Path(package.__file__).parent / "package_data" / "plotly.min.js"
    return np.frombuffer(gzip.compress(file.read_bytes(), 6), np.uint8)
