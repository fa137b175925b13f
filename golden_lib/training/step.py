"""One training step of R networks as a pure function, and their evaluation."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from golden_lib.data import Digits
from golden_lib.losses import find_loss
from golden_lib.nets import Network, Params, find_network, vjp_of
from golden_lib.optim import Memory, Rule, find_rule

Loss = Callable[[Tensor, Tensor], Tensor]
Hyper = dict[str, Tensor]
Metrics = dict[str, Tensor]

EVALUATED = 2048
"""Images times replicas in one piece of an evaluation: 94 MB of activations of the CNN."""


class State(NamedTuple):
    """All that a step changes; every tensor has a leading R."""

    params: Params
    buffers: Params
    memory: Memory


Step = Callable[[State, tuple[Tensor, Tensor], Hyper], tuple[State, Metrics]]


def start(
    network: str | Network,
    rule: str | Rule,
    seeds: Sequence[int] = (0,),
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
) -> State:
    """Draw the state before the first step; replica r depends on ``seeds[r]`` alone.

    Raises:
        ValueError: if a name is unknown, or there is no seed.
    """
    params, buffers = find_network(network).init(seeds, dtype, device)
    return State(params, buffers, find_rule(rule).init(params))


def make_step(network: str | Network, loss: str | Loss, rule: str | Rule) -> Step:
    """Put a network, a loss and an update rule together into one pure training step.

    The step is ``step(state, batch, hyper) -> (state, metrics)``. It changes nothing that it is
    given, reads no value back from the device, and replicas do not touch each other: the gradient
    is that of the sum of their losses, and a replica whose numbers are no longer finite leaves the
    others as they are.

    - ``batch`` is ``(x, target)``: images ``(B, 28, 28)`` with classes ``(B,)`` for all, or
      ``(R, B, 28, 28)`` with ``(R, B)``, own to each; a target may also be probabilities.
    - ``hyper`` is ``{"eta": (R,), "alpha": (R,)}``.
    - ``metrics`` holds, each ``(R,)``, ``"loss"`` and ``"accuracy"`` of this batch before the
      update, and ``"finite"``: whether loss and logits still are; where not, the accuracy is 0.

    Args:
        network: a name in `NETWORKS`, or a network.
        loss: a name in `LOSSES`, or a function ``(logits, target)`` to the mean over B, ``(R,)``.
        rule: a name in `RULES`, or a rule.

    Raises:
        ValueError: if a name is unknown; the known ones are listed.
    """
    vjp, rule = vjp_of(find_network(network)), find_rule(rule)
    loss = find_loss(loss) if isinstance(loss, str) else loss

    def step(state: State, batch: tuple[Tensor, Tensor], hyper: Hyper) -> tuple[State, Metrics]:
        x, target = batch
        with torch.no_grad():
            logits, buffers, pull = vjp(state.params, state.buffers, x)
        # Autograd for the loss alone: the networks' backward passes are written out.
        with torch.enable_grad():
            logits = logits.requires_grad_()
            losses = loss(logits, target)
            (slope,) = torch.autograd.grad(losses, logits, torch.ones_like(losses))
        with torch.no_grad():
            logits, losses = logits.detach(), losses.detach()
            params, memory = rule.update(
                state.params, pull(slope), state.memory, hyper["eta"], hyper["alpha"]
            )
            # One sum carries every NaN and infinity; 0 times it is 0 only if it is finite.
            finite = (logits.sum((-2, -1)) + losses) * 0 == 0
            right = _share_right(logits.argmax(-1), target, logits.dtype)
            metrics = {"loss": losses, "accuracy": right * finite, "finite": finite}
        return State(params, buffers, memory), metrics

    return step


@torch.no_grad()
def predict(
    network: str | Network, state: State, digits: Digits, index: Tensor | None = None
) -> Tensor:
    """Classes that each replica gives to the digits, by its running statistics.

    Args:
        network: the network that `state` belongs to.
        state: as a step returns it.
        digits: N digits, on the state's device.
        index: which of them, ``(M,)`` for all replicas or ``(R, M)``; all if None.

    Returns:
        Classes ``(R, M)``; −1 where a logit is not finite.
    """
    network = find_network(network)
    some = next(iter(state.params.values()))
    if index is None:
        index = torch.arange(len(digits), device=some.device)
    classes = [index.new_empty(len(some), 0)]
    for part in index.split(max(16, EVALUATED // len(some)), -1):
        if part.shape[-1] == 0:
            break
        x = digits.images[part].to(some.dtype)
        logits, _ = network.forward(state.params, state.buffers, x, train=False)
        classes.append(_classes(logits))
    return torch.cat(classes, -1)


def evaluate(
    network: str | Network, state: State, digits: Digits, index: Tensor | None = None
) -> Tensor:
    """Share of the digits that each replica gets right, ``(R,)``; arguments as for `predict`."""
    classes = predict(network, state, digits, index)
    labels = digits.labels if index is None else digits.labels[index]
    return _share_right(classes, labels, next(iter(state.params.values())).dtype)


def _classes(logits: Tensor) -> Tensor:
    """The likeliest class, or −1 where a logit is not finite: a broken network says nothing."""
    best = logits.max(-1)
    return torch.where(best.values.isfinite(), best.indices, -1)


def _share_right(classes: Tensor, target: Tensor, dtype: torch.dtype) -> Tensor:
    if target.is_floating_point():
        target = target.argmax(-1)
    return (classes == target).to(dtype).mean(-1)
