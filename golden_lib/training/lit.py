"""The lit pixels of images, by image and by pixel: what the compiled loops of an Mlp run over."""

import numpy as np
import torch
from torch import Tensor

from golden_lib.compiled import compiled

SPAN = 2048
"""Images whose pixels are grouped at once: the lists stay in the cache."""

Lit = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Where each image's pixels begin, ``(N + 1,)``; the lit pixels of all images; their grey."""

Columns = tuple[np.ndarray, ...]
"""For T steps: where each one's entries begin, ``(T + 1,)``; how many pixels it has lit, ``(T,)``;
those pixels; where the entries of each begin; the image in B of each entry, and its grey."""


def lit_pixels(images: Tensor) -> Lit:
    """List the lit pixels of images ``(N, D)``, image by image."""
    # Indices without a sign: the loops need not ask whether one counts from the end.
    lit = images != 0
    begin = torch.cat([torch.zeros(1, dtype=torch.long), lit.sum(1).cumsum(0)])
    return begin.numpy(), lit.nonzero()[:, 1].to(torch.uint32).numpy(), images[lit].float().numpy()


def group(lit: Lit, picks: np.ndarray, pixels: int) -> Columns:
    """Group the lit pixels of each step's images ``(T, B)`` by pixel, of `pixels` in all."""
    T = len(picks)
    entries = int((lit[0][picks + 1] - lit[0][picks]).sum())
    columns = (
        np.zeros(T + 1, np.int64),
        np.empty(T, np.int64),
        np.empty(entries, np.uint32),
        np.empty(entries + T, np.uint32),
        np.empty(entries, np.uint32),
        np.empty(entries, np.float32),
    )
    _group(lit, picks, np.zeros(pixels, np.int64), columns)
    return columns


@compiled
def _group(lit, picks, at, columns):
    """Fill the columns; `at` is room for a number a pixel, all 0."""
    begin, pixel, grey = lit
    start, counts, column, first, member, value = columns
    T, B = picks.shape
    for t in range(T):
        base, active, entry = start[t], 0, 0
        for b in range(B):
            for e in range(begin[picks[t, b]], begin[picks[t, b] + 1]):
                if at[pixel[e]] == 0:
                    column[base + active] = pixel[e]
                    active += 1
                at[pixel[e]] += 1
        for a in range(active):
            j = column[base + a]
            first[base + t + a] = entry
            at[j], entry = entry, entry + at[j]
        first[base + t + active] = entry
        for b in range(B):
            for e in range(begin[picks[t, b]], begin[picks[t, b] + 1]):
                place = base + at[pixel[e]]
                member[place], value[place] = b, grey[e]
                at[pixel[e]] += 1
        for a in range(active):
            at[column[base + a]] = 0
        counts[t], start[t + 1] = active, base + entry
