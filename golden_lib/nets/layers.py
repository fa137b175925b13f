"""The CNN's layers after its batch statistics, forward and backward: in operators, or in loops."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor

from golden_lib.nets.network import are_numbers
from golden_lib.nets.patches import TAPS, WINDOW, columns

Pair = tuple[Tensor, Tensor]

# On a CPU the activations are worked through in blocks that stay in the cache and that the C
# library's allocator gives out again: whole, at R = 16, half of a step went into fresh pages. All
# counts are of images times replicas; constants, so that a result does not depend on the machine.
SHARED = 512
"""Worked through together where all replicas see the same images: 4 replicas at B = 128."""
OWN = 128
"""Worked through together where each replica sees its own."""
BLOCK = 768
"""Times rows of windows in a block: 1.5 MB of activations of 20 filters in float32."""
KEPT = 2048
"""Up to here the activations are kept for the backward pass, 94 MB; past it, computed again."""


def layers(
    x: Tensor, affine: Tensor, head: Tensor, keep: bool = True
) -> tuple[Tensor, Callable[[Tensor], Pair]]:
    r"""Filter, shift, rectify and score: :math:`z = H \max(0, A [P; 1])`, P the patches.

    Tensors with numbers in them, on a CPU, in float32 or float64, go through compiled loops; all
    others through tensor operators, which autograd, tracers, transforms and a GPU understand.

    Args:
        x: images ``(G, 28, 28, B)``, G = 1 if all replicas see them, else G = R.
        affine: A, the filters and behind each its shift, ``(R, F, 26)``.
        head: H, ``(R, C, 576 F)``.
        keep: whether there will be a backward pass to keep activations for.

    Returns:
        Scores z, ``(R, C, B)``, and the function from the gradient by z to those by A and H.
    """
    if are_numbers(x, affine, head):
        from golden_lib.nets.loops import in_loops  # here, as Numba takes a second to import

        return in_loops(x, affine, head, keep)
    return in_operators(x, affine, head, keep)


def in_operators(
    x: Tensor, affine: Tensor, head: Tensor, keep: bool = True
) -> tuple[Tensor, Callable[[Tensor], Pair]]:
    """Do what `layers` does, in tensor operators."""
    replicas, batch = len(affine), x.shape[-1]
    own, on_cpu = len(x) > 1, x.device.type == "cpu"
    few = max(1, (OWN if own else SHARED) // batch) if on_cpu else replicas
    keep = keep and (not on_cpu or replicas * batch <= KEPT)
    shared = None if own else columns(x)
    parts = []
    for first in range(0, replicas, few):
        some = slice(first, first + few)
        parts.append(_layers_of_few(x[some], shared, affine[some], head[some], keep))
    if len(parts) == 1:
        return parts[0]
    scores, pulls = zip(*parts, strict=True)

    def pull(dz: Tensor) -> Pair:
        pairs = [pull(d) for pull, d in zip(pulls, dz.split(few), strict=True)]
        daffine, dhead = zip(*pairs, strict=True)
        return torch.cat(daffine), torch.cat(dhead)

    return torch.cat(scores), pull


def _layers_of_few(x: Tensor, shared: Tensor | None, affine: Tensor, head: Tensor, keep: bool):
    """`layers` of replicas that are worked through together."""

    def blocks() -> Iterator[tuple[Tensor, Tensor, Tensor]]:
        return _blocks(columns(x) if shared is None else shared, affine, head)

    kept = list(blocks()) if keep else None
    scores = 0
    for _, weights, units in kept or blocks():
        scores = scores + torch.bmm(weights, units)

    def pull(dz: Tensor) -> Pair:
        daffine, dhead = 0, []
        for patches, weights, units in kept or blocks():
            dunits = torch.bmm(weights.mT, dz)
            dsums = torch.ops.aten.threshold_backward(dunits, units, 0)
            dsums = dsums.view(len(patches), -1, patches.shape[-1])
            daffine = daffine + torch.bmm(patches, dsums.mT)
            dhead.append(torch.bmm(dz, units.mT).unflatten(-1, (affine.shape[1], -1)))
        return daffine.mT.reshape(affine.shape), torch.cat(dhead, -1).view_as(head)

    return scores, pull


def _blocks(
    patches: Tensor, affine: Tensor, head: Tensor
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Cut the layers by rows of windows: their patches, the head's weights on them, the units."""
    replicas, filters, _ = affine.shape
    batch = patches.shape[-1] // WINDOW
    rows = WINDOW
    if patches.device.type == "cpu":
        rows = next((n for n in (6, 4, 3, 2) if n * replicas * batch <= BLOCK), 1)
    # One wide product over the filters of all replicas where they share the patches.
    affine = affine.view(len(patches), -1, TAPS + 1)
    head = head.unflatten(-1, (filters, WINDOW, WINDOW))
    for top in range(0, WINDOW, rows):
        some = patches[:, :, top : top + rows].flatten(2)
        units = torch.bmm(affine, some).relu_().view(replicas, -1, batch)
        yield some, head[..., top : top + rows, :].flatten(2), units
