"""A sweep: blocks in, results out as they come."""

import concurrent.futures
from collections.abc import Iterable, Iterator
from inspect import signature
from pathlib import Path

import torch
from tqdm import tqdm  # not tqdm.auto: it warns in a notebook that has no ipywidgets

from golden_lib.sweeps.block import Block
from golden_lib.sweeps.engines import Here, There
from golden_lib.sweeps.gpu import check_device
from golden_lib.sweeps.result import Result, unpack
from golden_lib.sweeps.store import Store
from golden_lib.training import train

LOCAL = concurrent.futures.ThreadPoolExecutor, concurrent.futures.ProcessPoolExecutor
"""Executors whose workers see the GPUs that this process sees."""


class SweepError(RuntimeError):
    """Some blocks failed; the others are in the store, and a new sweep takes up these alone.

    Attributes:
        failures: the failed blocks with their errors; the first error is also the cause.
    """

    failures: tuple[tuple[Block, BaseException], ...] = ()


def run(
    blocks: Iterable[Block],
    store: str | Path,
    executor: concurrent.futures.Executor | None = None,
    *,
    device: torch.device | str = "auto",
    progress: bool | None = None,
) -> Iterator[Result]:
    """Train every block that the store does not hold, and yield all results as they come.

    A result is in the store before it is yielded. So a sweep may be killed at any moment and
    started again with the same blocks, on another engine too, and trains nothing twice that was
    done; and two at once on one store do no harm, though each trains what it did not find.

    ``run(blocks, store)`` trains block after block in this process. An executor's workers train
    them with one thread each, and need `golden_lib` as it is here:

    - processes of this machine, in a program of its own, below ``if __name__ == "__main__"``::

          spawn = multiprocessing.get_context("spawn")
          with ProcessPoolExecutor(mp_context=spawn) as pool:
              results = list(run(blocks, "results/plane", pool))

    - many machines: ``dask.distributed.Client(address).get_executor()``; the store's folder need
      be seen by this process alone;
    - MPI: ``mpi4py.futures.MPIPoolExecutor()``, under ``mpiexec -n 9 python -m mpi4py.futures …``;
    - threads of this process: ``ThreadPoolExecutor(2)``, on a CPU alone, as a CUDA graph that one
      thread captures fails when another one allocates.

    On GPUs one block at a time trains on each, whoever asks: a worker takes a free one of those it
    sees, and waits if there is none.

    Leaving the loop, by Ctrl-C or by the iterator's ``close()``, takes back what has not begun;
    what has begun on an executor ends in the store (Dask takes it back as well).

    Args:
        blocks: at least one; blocks with the same key are trained once.
        store: folder of the results, made where there is none.
        executor: any `concurrent.futures.Executor`; None trains in this process.
        device: ``"auto"`` is CUDA where the worker has one, else the CPU.
        progress: a bar with the time left; None shows it on terminals alone.

    Yields:
        A `Result` for each block: those in the store first, the others as they are done.

    Raises:
        ValueError: before anything is trained, if there is no block, `store` is a file, `executor`
            is none or takes no work, or a GPU is asked for where none is. Of the workers of
            another machine each finds out itself.
        SweepError: at the end, if blocks failed, with all of them and their errors.
        OSError: if the store cannot be read or written; what it holds stays good.
    """
    groups = _grouped(blocks)
    if executor is not None and not isinstance(executor, concurrent.futures.Executor):
        hint = ": take its get_executor()" if hasattr(executor, "get_executor") else ""
        raise ValueError(
            f"executor must be a concurrent.futures.Executor or None, got {executor!r}{hint}"
        )
    device = (
        check_device(device) if executor is None or isinstance(executor, LOCAL) else str(device)
    )
    stream = _stream(groups, Store(store), executor, device, progress)
    next(stream)  # up to where all that is known to be missing is submitted
    return stream


def _grouped(blocks: Iterable[Block]) -> dict[str, list[Block]]:
    """The blocks by key."""
    blocks = [blocks] if isinstance(blocks, Block) else list(blocks)
    if not blocks:
        raise ValueError("blocks must hold at least one block, got none")
    groups: dict[str, list[Block]] = {}
    for block in blocks:
        if not isinstance(block, Block):
            raise ValueError(f"blocks must be of type Block, got {block!r}")
        groups.setdefault(block.key, []).append(block)
    return groups


def _stream(groups, store: Store, executor, device: str, progress: bool | None):
    """Yield None once, with all work submitted, and then the results."""
    engine = Here(store, device) if executor is None else There(store, device, executor)
    there = [key for key in groups if key in store]
    pending = [key for key in groups if key not in there]
    failures: list[tuple[Block, BaseException]] = []
    bar = tqdm(
        total=sum(_weight(groups[key][0]) for key in pending),
        unit="digit",
        unit_scale=True,
        disable=None if progress is None else not progress,
    )
    try:
        for key in pending:
            engine.submit(key, groups[key][0])
        yield None
        for key in there:
            result = store.read(groups[key][0], key)
            if result is None:
                pending.append(key)
                bar.total += _weight(groups[key][0])
                engine.submit(key, groups[key][0])
            else:
                yield from map(result.of, groups[key])
        left = set(pending)
        while left:
            bar.set_description(_count(groups, left))
            outcome = engine.take()
            left.remove(outcome.key)
            blocks = groups[outcome.key]
            if outcome.lost is not None:
                raise outcome.lost
            error = outcome.error
            if error is None:
                try:
                    result = unpack(outcome.content, blocks[0], outcome.key, stored=False)
                except ValueError as wrong:
                    error = wrong
            bar.update(_weight(blocks[0]))
            if error is None:
                yield from map(result.of, blocks)
            else:
                failures += [(block, error) for block in blocks]
        bar.set_description(_count(groups, left))
    finally:
        engine.cancel()
        bar.close()
    if failures:
        raise _sweep_error(failures, sum(map(len, groups.values()))) from failures[0][1]


def _sweep_error(failures, total: int) -> SweepError:
    lines = [f"{block.label}: {type(error).__name__}: {error}" for block, error in failures]
    many = f"{len(lines)} of {total} blocks failed; the others are in the store"
    error = SweepError("\n  ".join([many, *lines]))
    error.failures = tuple(failures)
    return error


def _count(groups: dict, left: set) -> str:
    return f"{len(groups) - len(left)} of {len(groups)} blocks"


def _weight(block: Block) -> int:
    """Digits that the block's networks will see, all together, for the time left."""
    settings = block.settings
    epochs = settings.get("epochs", signature(train).parameters["epochs"].default)
    size = 60_000 if settings.get("data") == "mnist" else 10_000
    return epochs * settings.get("train_size", size) * len(block.seeds)
