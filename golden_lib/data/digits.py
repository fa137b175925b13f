"""What every data set here is: images, labels and a name."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor

from golden_lib.data.draws import check_count

SIDE: Final = 28
"""Pixels along one side of an image (G20, Section 7; G22, Section VIII)."""

CLASSES: Final = 10
"""The digits 0 … 9."""


@dataclass(frozen=True, eq=False)
class Digits:
    """Grey-scale digits with their labels, as tensors on one device.

    ``digits[index]`` with a slice, a tensor of indices or a tensor of truth values is again
    `Digits`, with those samples alone.

    Args:
        images: float32 ``(N, 28, 28)``, from 0 (background) to 1 (ink).
        labels: int64 ``(N,)``, the digits 0 … 9.
        name: which data set it is.

    Raises:
        ValueError: if a shape or a type of number is another, or the devices differ.
    """

    images: Tensor
    labels: Tensor
    name: str

    def __post_init__(self) -> None:
        images, labels = self.images, self.labels
        if images.ndim != 3 or images.shape[1:] != (SIDE, SIDE):
            raise ValueError(f"images must have shape (N, 28, 28), got {tuple(images.shape)}")
        if labels.shape != images.shape[:1]:
            raise ValueError(
                f"labels must have shape ({len(images)},) as there are {len(images)} images, "
                f"got {tuple(labels.shape)}"
            )
        if images.dtype != torch.float32:
            raise ValueError(f"images must be torch.float32, got {images.dtype}")
        if labels.dtype != torch.int64:
            raise ValueError(f"labels must be torch.int64, got {labels.dtype}")
        if labels.device != images.device:
            raise ValueError(f"labels must be on {images.device}, got {labels.device}")

    @classmethod
    def from_bytes(cls, images: np.ndarray, labels: np.ndarray, name: str) -> "Digits":
        """Digits from grey levels 0 … 255.

        Args:
            images: uint8 array ``(N, 28, 28)``.
            labels: array of integers ``(N,)``.
            name: which data set it is.

        Returns:
            Digits with images/255 in float32; nothing is shared with the arrays.
        """
        # NumPy's division: IEEE rounding, so the same float on every machine.
        scaled = images.astype(np.float32) / np.float32(255)
        return cls(torch.from_numpy(scaled), torch.from_numpy(labels.astype(np.int64)), name)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: slice | Tensor | np.ndarray | list[int]) -> "Digits":
        if not isinstance(index, slice | Tensor | np.ndarray | list):
            raise TypeError(f"index must be a slice or a tensor of indices, got {index!r}")
        return Digits(self.images[index], self.labels[index], self.name)

    # Without this, `for x in digits` would count through __getitem__ and fail on a message there.
    __iter__ = None

    def to(self, device: torch.device | str) -> "Digits":
        """The same digits on `device`; where they are there already, the same tensors."""
        return Digits(self.images.to(device), self.labels.to(device), self.name)


def sheet(images: Tensor, columns: int = 20) -> np.ndarray:
    """Images laid out as one, row by row; the last row is filled up with background.

    Args:
        images: ``(N, 28, 28)``.
        columns: images in a row.

    Returns:
        Array ``(rows · 28, columns · 28)``.

    Raises:
        ValueError: if `images` has another shape or is empty, or `columns` is no integer ≥ 1.
    """
    columns = check_count("columns", columns)
    if images.ndim != 3 or images.shape[1:] != (SIDE, SIDE) or not len(images):
        raise ValueError(
            f"images must have shape (N, 28, 28) with N >= 1, got {tuple(images.shape)}"
        )
    rows = -(-len(images) // columns)
    tiles = images.new_zeros(rows * columns, SIDE, SIDE)
    tiles[: len(images)] = images
    grid = tiles.reshape(rows, columns, SIDE, SIDE).transpose(1, 2)
    return grid.reshape(rows * SIDE, columns * SIDE).numpy(force=True)
