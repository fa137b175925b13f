"""The CNN's layers on a CPU as plain loops, compiled by Numba: what `layers` does, faster.

As matrix products the convolution needs its patches, 25 times the images, and its activations pass
through memory six times a training step. Here a row of windows of one filter, 24 B numbers, is all
that exists at a time: it is made in the nearest cache, used for everything, and left. Every inner
loop runs along images that lie side by side, in vector instructions.

Replicas, and eighths of the windows' rows of each, are dealt out to as many threads as
`golden_lib.threads.for_loops` says; what each adds up is summed in one order, so that no number
depends on how many there are.
"""

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise

import numpy as np
from numba import njit
from torch import Tensor

from golden_lib.compiled import OPTIONS, compiled
from golden_lib.nets.network import SIDE
from golden_lib.nets.patches import KERNEL, TAPS, WINDOW
from golden_lib.threads import for_loops

PARTS = 8
"""Pieces that a replica's rows of windows are cut into."""
ROWS = WINDOW // PARTS
"""Rows of windows in such a piece."""
KEPT = 128
"""Images times replicas up to which activations are kept for the backward pass, 6 MB of 20 filters
in float32; past it they are computed again, which costs no more than to fetch them from memory."""


def in_loops(
    x: Tensor, affine: Tensor, head: Tensor, keep: bool = True
) -> tuple[Tensor, Callable[[Tensor], tuple[Tensor, Tensor]]]:
    """Do what `golden_lib.nets.layers.layers` does, for float32 or float64 on a CPU."""
    R, F = affine.shape[:2]
    C, B = head.shape[1], x.shape[-1]
    forward, backward = _passes(C)
    keep = keep and R * B <= KEPT
    units = x.new_empty(R if keep else 0, F, WINDOW, WINDOW * B)
    head = head.unflatten(-1, (F, WINDOW, WINDOW))
    given = [t.detach().contiguous().numpy() for t in (x.flatten(2), affine, head, units)]
    scores = x.new_empty(R * PARTS, C, B)
    _deal(forward, R * PARTS, *given, scores.numpy())

    def pull(dz: Tensor) -> tuple[Tensor, Tensor]:
        daffine = x.new_empty(R * PARTS, *affine.shape[1:])
        dhead = x.new_empty(R, C, F, WINDOW, WINDOW)
        dz = dz.detach().contiguous().numpy()
        _deal(backward, R * PARTS, *given, dz, daffine.numpy(), dhead.numpy())
        return daffine.view(R, PARTS, F, -1).sum(1), dhead.flatten(2)

    return scores.view(R, PARTS, C, B).sum(1), pull


def row_products(x: Tensor) -> Tensor:
    """Multiply rows of pixels with those below, summed over a window's width and the images.

    Args:
        x: images ``(G, 28, 28, B)``, float32 or float64 on a CPU.

    Returns:
        ``(G, 28, 5, 5, 5)``: row r from pixel j with row r + d from pixel l; 0 below the last row.
    """
    out = x.new_zeros(len(x), SIDE, KERNEL, KERNEL, KERNEL)
    _deal(_row_products, len(x) * SIDE, x.detach().flatten(2).contiguous().numpy(), out.numpy())
    return out


def _deal(work: Callable, pieces: int, *arrays: np.ndarray) -> None:
    """Deal pieces 0, …, pieces − 1 out to the threads."""
    threads = min(for_loops(), pieces)
    ends = [pieces * t // threads for t in range(threads + 1)]
    mine, *others = pairwise(ends)
    others = [_pool(threads).submit(work, *hand, *arrays) for hand in others]
    work(*mine, *arrays)
    for other in others:
        other.result()


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads)


if hasattr(os, "register_at_fork"):  # a forked process has the pool, but none of its threads
    os.register_at_fork(after_in_child=_pool.cache_clear)


@cache
def _passes(classes: int) -> tuple[Callable, Callable]:
    """Compile the two passes for a number of classes: as a constant its loop is unrolled."""

    def forward(first, last, x, affine, head, units, scores):
        row = np.empty(WINDOW * scores.shape[2], x.dtype)
        for piece in range(first, last):
            r, begin = piece // PARTS, piece % PARTS * ROWS
            scores[piece] = 0
            for p in range(begin, begin + ROWS):
                for f in range(affine.shape[1]):
                    z = units[r, f, p] if len(units) > 0 else row
                    _units(x[r if len(x) > 1 else 0, p : p + KERNEL], affine[r, f], z)
                    for c in range(classes):
                        _score(head[r, c, f, p], z, scores[piece, c])

    def backward(first, last, x, affine, head, units, dz, daffine, dhead):
        B = dz.shape[2]
        row, d = np.empty(WINDOW * B, x.dtype), np.empty(WINDOW * B, x.dtype)
        for piece in range(first, last):
            r, begin = piece // PARTS, piece % PARTS * ROWS
            daffine[piece] = 0
            for p in range(begin, begin + ROWS):
                seen = x[r if len(x) > 1 else 0, p : p + KERNEL]
                for f in range(affine.shape[1]):
                    z = units[r, f, p] if len(units) > 0 else row
                    if len(units) == 0:
                        _units(seen, affine[r, f], z)
                    for c in range(classes):
                        _products(dz[r, c], z, dhead[r, c, f, p])
                    total = daffine[piece, f]
                    total[TAPS] += _slopes(z, head[r, :, f, p], dz[r], d, classes)
                    for i in range(KERNEL):
                        _correlate(d, seen[i], B, total[i * KERNEL :])

    return compiled(forward), compiled(backward)


@compiled
def _units(x, affine, out):
    """A row of windows of one filter, from the rows of pixels below it."""
    B, zero = len(out) // WINDOW, out.dtype.type(0)
    for k in range(len(out)):
        z = affine[TAPS]
        for i in range(KERNEL):
            for j in range(KERNEL):
                z += affine[i * KERNEL + j] * x[i, k + j * B]
        out[k] = z if not z <= zero else zero  # a NaN stays one


@compiled
def _score(head, z, scores):
    """Add a row's part of one class's scores."""
    B = len(scores)
    for q in range(0, WINDOW, 8):  # eight at a time: a score is read and written an eighth as often
        for b in range(B):
            s = scores[b]
            for i in range(8):
                s += head[q + i] * z[(q + i) * B + b]
            scores[b] = s


@compiled
def _products(dz, z, out):
    """By the head's weights of a row and one class; four at a time read dz a quarter as often."""
    B, zero = len(dz), dz.dtype.type(0)
    for q in range(0, WINDOW, 4):
        z0, z1, z2, z3 = z[q * B :], z[(q + 1) * B :], z[(q + 2) * B :], z[(q + 3) * B :]
        a0, a1, a2, a3 = zero, zero, zero, zero
        for b in range(B):
            d = dz[b]
            a0 += d * z0[b]
            a1 += d * z1[b]
            a2 += d * z2[b]
            a3 += d * z3[b]
        out[q], out[q + 1], out[q + 2], out[q + 3] = a0, a1, a2, a3


@njit(inline="always", **OPTIONS)  # into a loop where `classes` is a constant, and unrolled
def _slopes(z, head, dz, out, classes):
    """By a row's sums, from dz by the scores, 0 where the unit is; and their sum."""
    zero, B = z.dtype.type(0), dz.shape[1]
    total = zero
    for q in range(WINDOW):
        for b in range(B):
            d = zero
            for c in range(classes):
                d += head[c, q] * dz[c, b]
            d = zero if z[q * B + b] <= zero else d  # a NaN counts as above 0
            out[q * B + b] = d
            total += d
    return total


@compiled
def _correlate(d, x, B, total):
    """Add the products of d with a row of pixels, as it is and 1 to 4 pixels on."""
    # Slices, not x[k + B]: an index that might be negative keeps the loop from being vectorised.
    x1, x2, x3, x4 = x[B:], x[2 * B :], x[3 * B :], x[4 * B :]
    zero = d.dtype.type(0)
    a0, a1, a2, a3, a4 = zero, zero, zero, zero, zero
    for k in range(len(d)):
        a0 += d[k] * x[k]
        a1 += d[k] * x1[k]
        a2 += d[k] * x2[k]
        a3 += d[k] * x3[k]
        a4 += d[k] * x4[k]
    total[0] += a0
    total[1] += a1
    total[2] += a2
    total[3] += a3
    total[4] += a4


@compiled
def _row_products(first, last, x, out):
    B = x.shape[2] // SIDE
    for piece in range(first, last):
        g, r = piece // SIDE, piece % SIDE
        for j in range(KERNEL):
            for d in range(min(KERNEL, SIDE - r)):
                _correlate(x[g, r, j * B : (j + WINDOW) * B], x[g, r + d], B, out[g, r, j, d])
