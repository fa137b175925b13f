"""Random integers that are the same for a seed on every machine and under every version.

NumPy promises the stream of a bit generator for all time, but not that of `Generator`'s methods
(NEP 19), and PyTorch promises none across versions; so the data sets and folds draw raw bits.
"""

from enum import IntEnum

import numpy as np


class Stream(IntEnum):
    """One independent stream of bits a purpose, so that a fold does not follow an order."""

    SHAPES = 0
    ORDER = 1
    CHOICE = 2
    ANGLES = 3
    SPLIT = 4
    FOLDS = 5


def is_integer(value: object) -> bool:
    """Whether `value` is an integer, Python's or NumPy's, and not a bool."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def check_count(name: str, value: int, least: int = 1) -> int:
    """The integer `value`, refused unless it is at least `least`.

    Args:
        name: what the caller calls it.
        value: the number given.
        least: the smallest that will do.

    Raises:
        ValueError: if `value` is no integer, or is below `least`.
    """
    if not is_integer(value) or value < least:
        raise ValueError(f"{name} must be an integer >= {least}, got {value!r}")
    return int(value)


def raw_bits(seed: int, stream: Stream, *shape: int) -> np.ndarray:
    """Independent random bits, whatever the state of the global generators.

    Args:
        seed: an integer ≥ 0.
        stream: which of the seed's streams.
        shape: shape of the result.

    Returns:
        uint64 array of `shape`, uniform over all 64 bits.

    Raises:
        ValueError: if `seed` is not an integer ≥ 0.
    """
    entropy = check_count("seed", seed, least=0)
    bits = np.random.PCG64(np.random.SeedSequence(entropy, spawn_key=(int(stream),)))
    return bits.random_raw(int(np.prod(shape))).reshape(shape)


def integers(bits: np.ndarray, low: int, high: int) -> np.ndarray:
    """Random bits mapped to the integers from `low` to `high`, both included.

    Args:
        bits: uint64 array, as `raw_bits` gives it.
        low: least value.
        high: greatest value; no value is likelier than another by more than 1 part in
            2³²/(high − low + 1).

    Returns:
        int64 array of the shape of `bits`.
    """
    half = np.uint64(32)
    return low + ((bits >> half) * np.uint64(high - low + 1) >> half).astype(np.int64)


def permutation(n: int, seed: int, stream: Stream) -> np.ndarray:
    """The numbers 0 … n − 1 in a random order: the order of n random 64-bit keys.

    Args:
        n: how many.
        seed: an integer ≥ 0.
        stream: which of the seed's streams.

    Returns:
        int64 array of shape ``(n,)``.
    """
    return np.argsort(raw_bits(seed, stream, n), kind="stable")
