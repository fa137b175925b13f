"""The trainer's door: from names and numbers to a run."""

from collections.abc import Sequence

import torch
from torch import Tensor

from golden_lib.data.draws import check_count
from golden_lib.golden import ALPHA, ETA
from golden_lib.nets import Network, find_network
from golden_lib.optim import Rule, find_rule
from golden_lib.training.engines import engine_for
from golden_lib.training.feed import Data, Feed, Order, divide
from golden_lib.training.run import Run
from golden_lib.training.step import Loss, start


def train(
    network: str | Network = "cnn",
    loss: str | Loss = "energy",
    rule: str | Rule = "delta",
    data: Data = "digits",
    *,
    eta: float | Sequence[float] | Tensor = ETA,
    alpha: float | Sequence[float] | Tensor = ALPHA,
    seeds: Sequence[int] | None = None,
    replicas: int = 1,
    epochs: int = 30,
    batch_size: int = 128,
    test: int | Tensor | None = None,
    order: Order = "shared",
    seed: int = 0,
    every: int | None = None,
    test_every: int | None = None,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "auto",
    engine: str = "auto",
    progress: bool | None = None,
) -> Run:
    """Train R networks at once; nothing is computed before the run is iterated.

    ``for record in train(...)`` yields a `Record` per epoch, or every `every` steps; between two of
    them, ``run.eta = ...`` and ``run.alpha = ...`` act on the next step. Ctrl-C ends the loop with
    whole steps kept, in ``run.state`` and ``run.history``: all but what the engine had in hand.

    Args:
        network: a name in `NETWORKS`, or a network such as ``Mlp(hidden=30)``.
        loss: a name in `LOSSES`, or a function of logits and target.
        rule: a name in `RULES`, or a rule.
        data: a name in `DATASETS`, `Digits`, or a pair of them to train and to test on.
        eta: η > 0, a number or ``(R,)``.
        alpha: α, a number or ``(R,)``: in [0, 1), or > 0 for DLR.
        seeds: R seeds of the initial weights; ``range(replicas)`` if None.
        replicas: R, where no seeds are given.
        epochs: how many, at least 0.
        batch_size: B; an epoch's last images, fewer than B, are left out of it.
        test: how many digits to hold out, or which: ``(M,)``, or ``(R, M)``, a fold of each one's
            own; 0 for none. None is a tenth, or MNIST's own test set.
        order: batches ``"shared"`` by all replicas, or each its ``"own"``, shuffled by its seed.
        seed: of the shared order and of the digits held out.
        every: steps from record to record; an epoch if None.
        test_every: steps between test accuracies, a multiple of `every`; as `every` if None.
        dtype: of the computation.
        device: ``"auto"`` is CUDA where there is one, else the CPU.
        engine: who makes the steps, a name in `ENGINES`; ``"auto"`` is the fastest that can.
        progress: a progress bar; None shows it on terminals alone.

    Returns:
        A `Run` before its first step.

    Raises:
        ValueError: if a name is unknown, or a value is out of range or of the wrong shape.
    """
    network, rule = find_network(network), find_rule(rule)
    seeds = tuple(range(check_count("replicas", replicas)) if seeds is None else seeds)
    check_count("epochs", epochs, least=0)
    check_count("seed", seed, least=0)
    if order not in ("shared", "own"):
        raise ValueError(f"order must be shared or own, got {order!r}")
    device = _device(device)
    state = start(network, rule, seeds, dtype, device)
    division = divide(data, test, seed, len(seeds)).to(device)
    feed = Feed(
        division.train,
        division.train_index,
        batch_size,
        seeds if order == "own" else (seed,),
        dtype,
    )
    maker = engine_for(engine, network, loss, rule, feed, len(seeds))
    every = feed.steps if every is None else check_count("every", every)
    test_every = every if test_every is None else check_count("test_every", test_every)
    if test_every % every:
        raise ValueError(f"test_every must be a multiple of every = {every}, got {test_every}")
    return Run(
        network,
        rule,
        maker,
        state,
        feed,
        division,
        hyper=(eta, alpha),
        steps=epochs * feed.steps,
        every=(every, test_every),
        progress=progress,
    )


def _device(device: torch.device | str) -> torch.device:
    """Settle on a device, refusing a GPU where there is none."""
    there = torch.cuda.is_available()
    if device == "auto":
        return torch.device("cuda" if there else "cpu")
    device = torch.device(device)
    if device.type == "cuda" and not there:
        raise ValueError(f"device must be cpu or auto where there is no CUDA GPU, got {device}")
    return device
