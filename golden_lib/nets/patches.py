"""The 5×5 patches of images: as a matrix, and their moments without it.

Images stand here as ``(G, 28, 28, B)``, the batch last: G = 1 where all replicas see the same ones,
G = R where each sees its own.
"""

import torch
from torch import Tensor
from torch.nn.functional import pad

from golden_lib.nets.network import SIDE, are_numbers

KERNEL = 5
"""Pixels along a patch's side."""
WINDOW = SIDE - KERNEL + 1
"""Patches along an image's side."""
TAPS = KERNEL**2
"""Pixels of a patch."""
TOGETHER = 4
"""Groups whose moments are taken together: more would take fresh memory at every step."""


class Patches:
    """What the first layer needs to know of a batch of images.

    Args:
        x: images ``(G, B, 28, 28)``.

    Attributes:
        pixels: the images less their mean grey, the batch last.
        level: that mean, ``(G,)``.
        count: N, patches a group.
        mean: of the patches of `pixels`, ``(G, 25)``.
        covariance: of the patches, ``(G, 25, 25)``.
    """

    def __init__(self, x: Tensor):
        self.level = x.mean((1, 2, 3))
        self.pixels = batch_last(x) - self.level[:, None, None, None]
        self.count = x.shape[1] * WINDOW**2
        few = [moments(pixels) for pixels in self.pixels.split(TOGETHER)]
        self.mean, self.covariance = (
            few[0] if len(few) == 1 else map(torch.cat, zip(*few, strict=True))
        )


def batch_last(x: Tensor) -> Tensor:
    """Images ``(G, B, 28, 28)`` as ``(G, 28, 28, B)``."""
    return x.movedim(1, -1).contiguous()


def columns(x: Tensor) -> Tensor:
    """Build the patches as columns, with a row of ones below that carries a layer's shift.

    Adding the shift after the product instead is a pass over all activations: a quarter of a
    training step at R = 4.

    Args:
        x: images ``(G, 28, 28, B)``.

    Returns:
        ``(G, 26, 24, 24·B)``: a row per pixel of a patch, the rows of the images' windows apart.
    """
    ends = [(i, i + WINDOW) for i in range(KERNEL)]
    rows = [x[:, top:bottom, left:right] for top, bottom in ends for left, right in ends]
    rows.append(x.new_ones(()).expand_as(rows[0]))
    return torch.stack(rows, 1).flatten(-2)


def moments(x: Tensor) -> tuple[Tensor, Tensor]:
    r"""Mean and covariance of the N = 576 B patches, exactly, from products of the images' rows.

    The 325 sums of :math:`x_{p+i,q+j} x_{p+k,q+l}` over windows (p, q) and images are made of the
    products of row r with rows r, …, r + 4, summed over the images: a third of the arithmetic of
    the patches' own products, and without the patches.

    Args:
        x: images ``(G, 28, 28, B)`` with mean about 0: the square of the patches' mean is taken
            from their second moment, and must not be the larger part of it.

    Returns:
        Mean ``(G, 25)`` and covariance ``(G, 25, 25)``, divided by N.
    """
    G, B = len(x), x.shape[-1]
    # Row i sums over the windows' rows, i, …, i + 23.
    windows = x.new_ones(KERNEL, SIDE).triu().tril(SIDE - KERNEL)
    mean = (windows @ x.sum(-1) @ windows.mT).view(G, TAPS) / (B * WINDOW**2)
    # By row i and pixel j of a patch, rows down k − i, and pixel l of that row.
    if are_numbers(x):
        from golden_lib.nets.loops import row_products  # here, as Numba takes a second to import

        sums = (windows @ row_products(x).flatten(2)).view(G, *(KERNEL,) * 4)
    else:
        below = torch.cat([x, x.new_zeros(G, KERNEL - 1, SIDE, B)], 1)
        below = below.unfold(1, KERNEL, 1).movedim(-1, 2).reshape(G * SIDE, KERNEL * SIDE, B)
        products = torch.bmm(x.view(G * SIDE, SIDE, B), below.mT)
        sums = (windows @ products.view(G, SIDE, -1)).view(G, KERNEL, SIDE, KERNEL, SIDE)
        # Along the windows: both pixels move on together.
        sums = sums.unfold(2, WINDOW, 1).unfold(4, WINDOW, 1).diagonal(0, -2, -1).sum(-1)
    # From k − i to k: a cell more in each row of five moves the next row on by one. What falls out
    # at the right comes in below the diagonal, where triu drops it.
    sums = pad(sums.transpose(2, 3).flatten(-2), (0, 0, 0, 1)).flatten(1, 2)[:, :TAPS]
    upper = sums.view(G, *(KERNEL,) * 4).transpose(2, 3).reshape(G, TAPS, TAPS)
    second = (upper.triu() + upper.triu(1).mT) / (B * WINDOW**2)
    return mean, second - mean[:, :, None] * mean[:, None]
