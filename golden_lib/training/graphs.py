"""Training steps recorded once as a CUDA graph, and replayed."""

from collections.abc import Callable
from typing import Any
from warnings import warn

import torch
from torch import Tensor
from torch.utils import _pytree as pytree

from golden_lib.training.feed import Feed
from golden_lib.training.step import Hyper, Metrics, State, Step

WARM_UP = 3
"""Times that the steps run before they are recorded, so that libraries have set themselves up."""


class Graph:
    """Makes `together` steps at each launch: Python and the launches cost what one step cost.

    A graph reads and writes the same memory at every replay. Hence the copies: the indices of the
    batches go in, and the metrics out, before and after each replay; the state and η and α at both
    ends of `advance`. All of it stays on the device, and nothing waits for it.

    Args:
        step: the step to record.
        feed: the digits on their device.
        together: steps in one graph; what is left over is replayed one by one.
    """

    longest = 1024

    def __init__(self, step: Step, feed: Feed, together: int = 32):
        self._step, self._feed, self._together = step, feed, together
        self._recorded: dict[Any, Recorded] = {}

    def advance(self, state: State, picks: Tensor, hyper: Hyper) -> tuple[State, Metrics]:
        """Make T steps; see `golden_lib.training.engines.Engine`."""
        seen, done, T = [], 0, picks.shape[-2]
        while done < T:
            count = self._together if T - done >= self._together else 1
            part = picks[..., done : done + count, :]
            recorded = self._recorded_for(state, part, hyper)
            recorded.load(state, hyper)
            while T - done >= count:
                seen.append(recorded.replay(picks[..., done : done + count, :]))
                done += count
            state = recorded.state()
        return state, {k: torch.cat([metrics[k] for metrics in seen]) for k in seen[0]}

    def _recorded_for(self, state: State, picks: Tensor, hyper: Hyper) -> "Recorded":
        """Record the steps for tensors of this kind, unless they have been."""
        tensors, structure = pytree.tree_flatten((state, picks, hyper))
        kind = (str(structure), *((t.shape, t.dtype, t.device) for t in tensors))
        if kind not in self._recorded:
            self._recorded[kind] = Recorded(self._several, state, picks, hyper)
        return self._recorded[kind]

    def _several(self, state: State, picks: Tensor, hyper: Hyper) -> tuple[State, Metrics]:
        seen = []
        for at in picks.unbind(-2):
            state, metrics = self._step(state, self._feed.batch(at), hyper)
            seen.append(metrics)
        return state, {k: torch.stack([metrics[k] for metrics in seen]) for k in seen[0]}


class Recorded:
    """Some steps with the memory that they work on."""

    def __init__(self, steps: Callable, state: State, picks: Tensor, hyper: Hyper):
        self._state, self._hyper = _copy(state), _copy(hyper)
        self._picks = picks.clone()
        self._seen: Metrics = {}
        self._replay = record(lambda: self._run(steps), picks.device)

    def load(self, state: State, hyper: Hyper) -> None:
        """Take the state and the settings to start from."""
        for mine, given in zip(
            *map(pytree.tree_leaves, ((self._state, self._hyper), (state, hyper))), strict=True
        ):
            mine.copy_(given)

    def replay(self, picks: Tensor) -> Metrics:
        """Make the steps on these images."""
        self._picks.copy_(picks)
        self._replay()
        return _copy(self._seen)

    def state(self) -> State:
        """The state after the steps so far."""
        return _copy(self._state)

    def _run(self, steps: Callable) -> None:
        state, seen = steps(self._state, self._picks, self._hyper)
        if not self._seen:
            self._seen = _copy(seen)
        for mine, new in zip(
            *map(pytree.tree_leaves, ((self._state, self._seen), (state, seen))), strict=True
        ):
            mine.copy_(new)


def record(function: Callable[[], None], device: torch.device) -> Callable[[], None]:
    """Record what a function does to fixed memory.

    Returns:
        The replay; on a CPU, which records nothing, or where recording fails, the function itself.
    """
    if device.type != "cuda":
        return function
    with torch.cuda.device(device):
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(WARM_UP):
                function()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph):
                function()
        except RuntimeError as error:
            warn(f"the steps could not be recorded and run one by one: {error}", stacklevel=2)
            return function
    return graph.replay


def _copy(tree: Any) -> Any:
    return pytree.tree_map(torch.clone, tree)
