"""Which samples train and which test, by seed."""

import torch
from torch import Tensor

from golden_lib.data.draws import Stream, check_count, is_integer, permutation


def split(n: int, test: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """All samples in random order, cut in two.

    Args:
        n: how many samples there are.
        test: how many of them test, at least 1 and fewer than n.
        seed: an integer ≥ 0.

    Returns:
        Indices ``(n - test,)`` to train on and ``(test,)`` to test on, int64, disjoint.

    Raises:
        ValueError: if n is no integer ≥ 1, or `test` does not lie between 1 and n − 1.
    """
    n = check_count("n", n)
    if not is_integer(test) or not 0 < test < n:
        raise ValueError(f"test must be an integer >= 1 and < n = {n}, got {test!r}")
    order = torch.from_numpy(permutation(n, seed, Stream.SPLIT))
    return order[test:], order[:test]


def folds(n: int, k: int, seed: int = 0) -> list[tuple[Tensor, Tensor]]:
    """k-fold cross-validation: every sample tests once, and trains k − 1 times.

    The papers' tables average over ten folds (G20, Table 1; G22, Table I).

    Args:
        n: how many samples there are.
        k: how many folds, from 2 to n; their sizes differ by at most 1.
        seed: an integer ≥ 0.

    Returns:
        For each fold the indices to train on and those to test on, int64, disjoint.

    Raises:
        ValueError: if n is no integer ≥ 1, or k does not lie between 2 and n.
    """
    n = check_count("n", n)
    if not is_integer(k) or not 2 <= k <= n:
        raise ValueError(f"k must be an integer >= 2 and <= n = {n} samples, got {k!r}")
    parts = torch.from_numpy(permutation(n, seed, Stream.FOLDS)).tensor_split(k)
    return [
        (torch.cat([*parts[:fold], *parts[fold + 1 :]]), parts[fold].clone()) for fold in range(k)
    ]
