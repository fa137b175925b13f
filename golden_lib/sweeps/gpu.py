"""One block on a GPU at a time."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import sleep
from typing import Final

import torch

PAUSE: Final = 0.1
"""Seconds from one look for a free GPU to the next."""


def check_device(device: torch.device | str) -> str:
    """The device as a text, refused if it is none or a GPU that is not here.

    Raises:
        ValueError: saying what is here.
    """
    text = str(device)
    if text == "auto":
        return text
    try:
        kind, index = torch.device(text).type, torch.device(text).index or 0
    except RuntimeError:
        raise ValueError(f"device must be auto, cpu, cuda or cuda:N, got {device!r}") from None
    if kind == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"device must be cpu or auto where there is no CUDA GPU, got {text}")
    if kind == "cuda" and index >= torch.cuda.device_count():
        most = torch.cuda.device_count() - 1
        raise ValueError(f"device must be at most cuda:{most}, the last GPU here, got {text}")
    return text


@contextmanager
def claimed(device: str) -> Iterator[str]:
    """The device to train on; a GPU is this thread's alone meanwhile, among all of a user's sweeps.

    Without an index any free one of the visible GPUs is taken, and waited for if none is. The claim
    is a lock on a file named after the GPU itself, in the machine's folder for temporary files, and
    ends with the process that holds it.

    Args:
        device: as for `compute`.

    Yields:
        ``"cpu"``, ``"cuda:1"``, or what was given.

    Raises:
        ValueError: if it is a GPU that is not here.
    """
    device = check_device(device)
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if torch.device(device).type != "cuda":
        yield device
        return
    from filelock import FileLock, Timeout  # torch's own dependency, needed on GPUs alone

    wanted = torch.device(device).index
    indices = range(torch.cuda.device_count()) if wanted is None else [wanted]
    locks = {index: FileLock(_lock_file(index)) for index in indices}
    while True:
        for index, lock in locks.items():
            try:
                lock.acquire(timeout=0)
            except Timeout:
                continue
            try:
                with torch.cuda.device(index):
                    yield f"cuda:{index}"
            finally:
                # What this process keeps for later, the next one to claim the GPU cannot have.
                torch.cuda.empty_cache()
                lock.release()
            return
        sleep(PAUSE)


def _lock_file(index: int) -> Path:
    """A user's own, as another user's file cannot be opened to lock it."""
    gpu = torch.cuda.get_device_properties(index).uuid
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "")
    return Path(tempfile.gettempdir()) / f"golden_lib-{user}-{gpu}.lock"
