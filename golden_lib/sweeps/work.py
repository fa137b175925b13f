"""What a worker does, in whatever process or machine: train one block and hand back its file."""

import multiprocessing
import os
import platform
from functools import cache
from importlib.metadata import version
from multiprocessing.connection import wait
from threading import Thread
from typing import Any

import torch

from golden_lib.sweeps.arguments import train_arguments
from golden_lib.sweeps.gpu import claimed
from golden_lib.sweeps.result import pack
from golden_lib.sweeps.version import code_version
from golden_lib.training import train


def compute(
    key: str, settings: dict[str, Any], code: str, device: str, threads: int | None
) -> bytes:
    """Train a block.

    The file comes back as bytes and is written by the process that asked for it, for three reasons:
    a worker on another machine need not see the store's folder; there is one place where a disk can
    be full; and a fresh result is read by the very code that reads a stored one. What a killed
    parent loses is then a block a worker at most, that which was in training.

    Args:
        key: of the block, as the process that asked made it.
        settings: of the block.
        code: that process's code version.
        device: ``"auto"``, ``"cpu"``, ``"cuda"``, ``"cuda:1"``: what is there is found out here.
        threads: of torch in this thread from now on; None leaves them as they are.

    Returns:
        The bytes of the block's file.

    Raises:
        RuntimeError: if the library here is another than that of the process that asked.
        ValueError: as `golden_lib.training.train`.
        KeyboardInterrupt: if Ctrl-C came while it trained; half a run is no result.
    """
    _end_with_parent()
    if code_version() != code:
        raise RuntimeError(
            f"the worker's golden_lib must be that of the sweep (code {code}), got "
            f"{code_version()} on {platform.node()}"
        )
    if threads is not None and torch.get_num_threads() != threads:
        torch.set_num_threads(threads)
    with claimed(device) as device:
        return pack(key, settings, *_trained(settings, device), _provenance(device))


def _trained(settings: dict[str, Any], device: str) -> tuple[dict[str, Any], float]:
    """Arrays and seconds of a run; on returning, its memory on the device is free."""
    run = train(**train_arguments(settings), device=device, progress=False).finish()
    if run.interrupted:
        raise KeyboardInterrupt
    history, seeds = run.history, settings.get("seeds", [0])
    columns = ("step", "epoch", "loss", "train_accuracy", "test_accuracy")
    arrays = {name: getattr(history, name) for name in columns}
    arrays |= {"eta": run.eta, "alpha": run.alpha, "seeds": seeds, "diverged": run.diverged}
    return arrays, float(history.seconds[-1]) if len(history.seconds) else 0.0


def _provenance(device: str) -> dict[str, Any]:
    on_gpu = torch.device(device).type == "cuda"
    name = torch.cuda.get_device_name(device) if on_gpu else device
    if name == "cpu":
        name = f"{platform.machine()}, {os.cpu_count()} CPU cores"
    return {
        "device": name,
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "versions": {name: version(name) for name in ("torch", "numpy", "matplotlib", "pillow")},
    }


@cache
def _end_with_parent() -> None:
    """Let this process end when the one that started it is killed.

    The workers of a `ProcessPoolExecutor` hold both ends of the queue that they wait at: after a
    SIGKILL of their parent they would wait for ever, each with its memory (Python 3.11).
    """
    parent = multiprocessing.parent_process()
    if parent is not None:

        def watch():
            wait([parent.sentinel])
            os._exit(1)

        Thread(target=watch, daemon=True, name="end with parent").start()
