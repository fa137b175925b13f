"""What the losses take, and in which form they take it further."""

from typing import Literal

import torch
from torch import Tensor

Reduction = Literal["mean", "sum", "none"]


def admit(logits: Tensor, target: Tensor, reduction: str) -> tuple[Tensor, Tensor]:
    """Check at the door.

    Args:
        logits: floating point, ``(..., B, C)``.
        target: class indices ``(..., B)`` or probabilities ``(..., B, C)``; leading axes may lack.
        reduction: ``"mean"``, ``"sum"`` or ``"none"``.

    Returns:
        The logits in float32 or float64, and the target as probabilities in the same dtype.

    Raises:
        ValueError: if one of them is none of that.
    """
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f'reduction must be "mean", "sum" or "none", got {reduction!r}')
    if not logits.is_floating_point():
        raise ValueError(f"logits must be floating point, got {logits.dtype}")
    if logits.ndim < 2 or logits.shape[-1] < 2:
        raise ValueError(f"logits must be (..., B, C) with C ≥ 2, got {tuple(logits.shape)}")
    if target.dtype == torch.bool or target.is_complex():
        raise ValueError(f"target must be class indices or probabilities, got {target.dtype}")
    indices = not target.is_floating_point()
    kind = "indices" if indices else "probabilities"
    full = logits.shape[:-1] if indices else logits.shape
    if target.ndim < 2 - indices or target.shape != full[len(full) - target.ndim :]:
        raise ValueError(
            f"target must be {kind} of shape {tuple(full)} or without its leading axes, "
            f"got {tuple(target.shape)}"
        )
    C = logits.shape[-1]
    known_inside = _refuse_outside(target, C - 1 if indices else 1, kind)
    z = logits if logits.dtype == torch.float64 else logits.float()
    if not indices:
        return z, target.detach().to(z.dtype)
    one_hot = (target.unsqueeze(-1) == torch.arange(C, device=target.device)).to(z.dtype)
    if known_inside:
        return z, one_hot
    return z, one_hot.masked_fill(((target < 0) | (target >= C)).unsqueeze(-1), torch.nan)


def reduce(per_sample: Tensor, reduction: Reduction) -> Tensor:
    """Take the mean or the sum over B, the last axis, or nothing."""
    if reduction == "none":
        return per_sample
    return per_sample.mean(-1) if reduction == "mean" else per_sample.sum(-1)


def known(condition: Tensor) -> bool | None:
    """Return a condition's truth, or None where reading it would stall or cannot be done.

    An accelerator would have to be waited for; tracers and transforms have no values to show.
    """
    if torch.compiler.is_compiling() or condition.device.type != "cpu":
        return None
    try:
        return bool(condition)
    except RuntimeError:  # each tracer says so in its own way
        return None


def _refuse_outside(target: Tensor, largest: int, kind: str) -> bool:
    """Return whether the values are known to be in [0, largest]."""
    outside = ~((target >= 0) & (target <= largest))  # nan is outside
    some = known(outside.any())
    if some:
        worst = target[outside][0].item()
        raise ValueError(f"target must be {kind} in [0, {largest}], got {worst}")
    return some is False
