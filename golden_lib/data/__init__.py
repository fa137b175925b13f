"""Digits to train on: rendered from fonts (the default, no download), MNIST, and MNIST turned.

Read in this order: `digits` (what a data set is), `rendered`, `warp` (the integer arithmetic under
it), `handwritten`, `splits`, `draws`.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from golden_lib.data.digits import CLASSES, SIDE, Digits, sheet
from golden_lib.data.handwritten import mnist, rotated_mnist
from golden_lib.data.rendered import rendered_digits
from golden_lib.data.splits import folds, split

__all__ = [
    "CLASSES",
    "DATASETS",
    "SIDE",
    "Digits",
    "folds",
    "load",
    "mnist",
    "rendered_digits",
    "rotated_mnist",
    "sheet",
    "split",
]

DATASETS: Final[Mapping[str, Callable[..., Digits]]] = MappingProxyType(
    {"digits": rendered_digits, "mnist": mnist, "rotated_mnist": rotated_mnist}
)
"""The data sets by the name that everything else calls them."""


def load(name: str, **options: Any) -> Digits:
    """The data set of that name.

    Args:
        name: one of `DATASETS`.
        options: what its function takes, such as ``n`` and ``seed``.

    Raises:
        ValueError: if there is no data set of that name.
    """
    if name not in DATASETS:
        raise ValueError(f"data set must be one of {', '.join(DATASETS)}, got {name!r}")
    return DATASETS[name](**options)
