"""Who makes the steps: tensor operators, a CUDA graph of them, or loops compiled for a CPU."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from typing import Protocol

import torch
from torch import Tensor

from golden_lib.losses import LOSSES
from golden_lib.nets import Cnn, Mlp, Network, Params
from golden_lib.optim import RULES, Rule
from golden_lib.threads import for_loops, loops_alone
from golden_lib.training.feed import Feed
from golden_lib.training.graphs import Graph
from golden_lib.training.step import Hyper, Loss, Metrics, State, Step, make_step


class Engine(Protocol):
    """Makes steps that are those of `make_step`, to rounding; none changes what it is given."""

    longest: int
    """Steps that it should be asked for at once: between them the trainer can be interrupted."""

    def advance(self, state: State, picks: Tensor, hyper: Hyper) -> tuple[State, Metrics]:
        """Make T steps.

        Args:
            state: before them.
            picks: images of each step, ``(T, B)`` for all replicas or ``(R, T, B)``.
            hyper: η and α, the same for all steps.

        Returns:
            The state after them, and the metrics of `make_step`, each ``(T, R)``.
        """


class Eager:
    """The step as it is written, operator by operator; on any device.

    Args:
        step: it.
        feed: what it is fed.
        looped: whether most of it is loops, which share the cores out themselves.
    """

    longest = 16

    def __init__(self, step: Step, feed: Feed, looped: bool = False):
        self._step, self._feed = step, feed
        self._threads = loops_alone if looped else nullcontext

    def advance(self, state: State, picks: Tensor, hyper: Hyper) -> tuple[State, Metrics]:
        """Make T steps; see `Engine`."""
        seen = []
        with self._threads():
            for at in picks.unbind(-2):
                state, metrics = self._step(state, self._feed.batch(at), hyper)
                seen.append(metrics)
        return state, {k: torch.stack([metrics[k] for metrics in seen]) for k in seen[0]}


class Loops:
    """The DLR paper's network with its loss, compiled: see `golden_lib.training.loops`.

    Replicas are dealt out to as many threads as `for_loops` says; a replica's numbers
    do not depend on how many.
    """

    def __init__(self, rule: Rule, feed: Feed, replicas: int):
        from golden_lib.training import lit, loops  # here, as Numba takes a second to import

        self._rule = next(name for name, known in RULES.items() if known is rule)
        self._train, self._lanes = loops.trainer(loops.RULES.index(self._rule)), loops.LANES
        self._group, self._lit = lit.group, lit.lit_pixels(feed.digits.images.flatten(1))
        self._labels = feed.digits.labels.numpy()
        self._threads = min(for_loops(), replicas)
        self._pool = ThreadPoolExecutor(self._threads) if self._threads > 1 else None
        self.longest = max(1, min(lit.SPAN, 2**18 // replicas) // feed.batch_size)  # about a second

    @staticmethod
    def can(network: Network, loss: str | Loss, rule: Rule, feed: Feed) -> bool:
        """Whether these are what the loops were written for."""
        return (
            type(network) is Mlp
            and loss in ("logistic_sse", LOSSES["logistic_sse"])
            and any(rule is known for known in RULES.values())
            and feed.digits.images.device.type == "cpu"
            and feed.dtype in (torch.float32, torch.float64)
        )

    def advance(self, state: State, picks: Tensor, hyper: Hyper) -> tuple[State, Metrics]:
        """Make T steps; see `Engine`."""
        R, H, _ = state.params["hidden.weight"].shape
        padded = -(-H // self._lanes) * self._lanes
        weights = _in_rows(state.params, padded)
        kept = [part for part in state.memory if part != "weight"]
        averages = [_in_rows(state.memory[part], padded) for part in kept]
        # Two for each layer, whatever the rule: those that it does not use may be anything.
        first, second = [*averages, weights, weights][:2]
        counts = weights[0].new_zeros(R, 2)
        if "weight" in state.memory:
            counts = torch.stack(list(state.memory["weight"].values()), -1)
        seen = torch.empty(R, 3, picks.shape[-2], dtype=torch.double)
        hyper = torch.stack([hyper["eta"], hyper["alpha"]], -1)
        every = (*weights, first[0], second[0], first[1], second[1], counts, hyper, seen)
        if picks.dim() == 3:
            hands = [([t[r : r + 1] for t in every], picks[r], H) for r in range(R)]
        else:
            dealt = zip(*(t.tensor_split(self._threads) for t in every), strict=True)
            hands = [(hand, picks, H) for hand in dealt]
        # list: an error in a thread is raised here.
        list((self._pool.map if self._pool else map)(self._play, *zip(*hands, strict=True)))
        memory = {part: _by_name(a, H) for part, a in zip(kept, averages, strict=True)}
        if "weight" in state.memory:
            memory["weight"] = dict(zip(state.memory["weight"], counts.unbind(-1), strict=True))
        loss, accuracy, finite = seen.permute(1, 2, 0).to(weights[0].dtype)
        metrics = {"loss": loss, "accuracy": accuracy, "finite": finite > 0}
        return State(_by_name(weights, H), state.buffers, memory), metrics

    def _play(self, tensors: Sequence[Tensor], picks: Tensor, H: int) -> None:
        """Make the steps of some replicas that see the same batches, in place."""
        hidden, output, a, b, c, d, *rest = (tensor.numpy() for tensor in tensors)
        picks = picks.contiguous().numpy()
        data = self._lit, self._group(self._lit, picks, hidden.shape[1]), self._labels, picks
        counts, hyper, seen = rest
        self._train((hidden, output), (a, b, c, d), counts, *data, hyper, H, seen)


def _in_rows(layers: Params, padded: int) -> list[Tensor]:
    """The weights of each pixel and of each class as rows over the hidden units, padded by 0."""
    hidden, output = layers.values()
    rows = []
    for weights in (hidden.mT, output):
        row = weights.new_zeros(*weights.shape[:2], padded)
        row[..., : weights.shape[2]] = weights
        rows.append(row)
    return rows


def _by_name(rows: list[Tensor], H: int) -> Params:
    """What `_in_rows` took apart, without a copy."""
    hidden, output = rows
    return {"hidden.weight": hidden[..., :H].mT, "output.weight": output[..., :H]}


ENGINES = ("auto", "eager", "graph", "loops")
"""Who can make the steps, by name; ``"auto"`` takes the fastest that can."""


def engine_for(
    name: str, network: Network, loss: str | Loss, rule: Rule, feed: Feed, replicas: int
) -> Engine:
    """Choose an engine.

    Args:
        name: one of `ENGINES`.
        network: the network.
        loss: a name, or a function.
        rule: the update rule.
        feed: the digits on their device, and the batches.
        replicas: R.

    Raises:
        ValueError: if the name is unknown, or this engine cannot make these steps.
    """
    if name not in ENGINES:
        raise ValueError(f"engine must be one of {', '.join(ENGINES)}, got {name!r}")
    step = make_step(network, loss, rule)
    on_gpu, looping = feed.digits.images.is_cuda, Loops.can(network, loss, rule, feed)
    if name == "graph" and not on_gpu:
        raise ValueError(
            "engine must be auto, eager or loops where the device is no CUDA GPU, got graph"
        )
    if name == "loops" and not looping:
        raise ValueError(
            "engine must be auto, eager or graph for all but an Mlp with logistic_sse "
            "and a named rule on a CPU, got loops"
        )
    if name == "graph" or (name == "auto" and on_gpu):
        return Graph(step, feed)
    if name == "loops" or (name == "auto" and looping):
        return Loops(rule, feed, replicas)
    on_cpu = feed.digits.images.device.type == "cpu"
    return Eager(step, feed, looped=isinstance(network, Cnn) and on_cpu)
