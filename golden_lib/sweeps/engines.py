"""Where blocks are computed: here, one after the other, or on an executor's workers."""

from collections import deque
from concurrent.futures import CancelledError, Executor, Future
from dataclasses import dataclass
from queue import SimpleQueue

import torch

from golden_lib.sweeps.block import Block
from golden_lib.sweeps.store import Store
from golden_lib.sweeps.version import code_version
from golden_lib.sweeps.work import compute


@dataclass(frozen=True)
class Outcome:
    """What became of a block: the bytes of its file, by then in the store, or an error.

    Attributes:
        key: of the block.
        content: of its file; None after an error.
        error: of the block.
        lost: the store's error, after which no other block can be kept either.
    """

    key: str
    content: bytes | None = None
    error: BaseException | None = None
    lost: OSError | None = None


class Here:
    """Blocks computed in this process, each when its outcome is asked for."""

    def __init__(self, store: Store, device: str):
        self._store, self._device = store, device
        self._waiting: deque[tuple[str, Block]] = deque()

    def submit(self, key: str, block: Block) -> None:
        """Note a block down."""
        self._waiting.append((key, block))

    def take(self) -> Outcome:
        """Compute the next block."""
        key, block = self._waiting.popleft()
        try:
            content = compute(key, block.settings, code_version(), self._device, None)
        except Exception as error:
            return Outcome(key, error=error)
        return _kept(self._store, key, content)

    def cancel(self) -> None:
        """Forget the blocks that were not asked for."""
        self._waiting.clear()


class There:
    """Blocks computed on an executor's workers, all submitted at once.

    Nothing is asked of the executor but `submit`, with plain arguments by position, and of its
    futures but callbacks, results and cancelling: `concurrent.futures.wait` would reach into them.
    A result is written to the store in the callback, in the executor's own thread, as soon as it
    is there and however long the reader of the results takes: also after he has gone.
    """

    def __init__(self, store: Store, device: str, executor: Executor):
        self._store, self._device, self._executor = store, device, executor
        torch.get_num_threads()  # fixes this thread's number, should a worker be a thread beside it
        self._arrived: SimpleQueue[Outcome] = SimpleQueue()
        self._futures: dict[str, Future] = {}
        self._works = False

    def submit(self, key: str, block: Block) -> None:
        """Hand a block to the executor.

        Raises:
            ValueError: if the executor takes no work, as it was shut down or is broken.
        """
        try:
            # One thread a worker: there are as many workers as cores, and with the same number of
            # threads everywhere a block's bits do not depend on who computed it.
            future = self._executor.submit(
                compute, key, block.settings, code_version(), self._device, 1
            )
        except Exception as error:  # RuntimeError, BrokenProcessPool, Dask's ClosedClientError, …
            if not self._works:
                told = f"{type(error).__name__}: {error}"
                raise ValueError(f"executor must take work, got {told}") from error
            self._arrived.put(Outcome(key, error=error))
            return
        self._works = True
        self._futures[key] = future
        future.add_done_callback(lambda future: self._arrived.put(self._outcome(key, future)))

    def take(self) -> Outcome:
        """Wait for the next outcome."""
        return self._arrived.get()

    def cancel(self) -> None:
        """Take back the blocks that have not begun; those that have will still be written."""
        for future in list(self._futures.values()):
            future.cancel()
        # A worker that is a thread of this process has set the number that new threads start with.
        torch.set_num_threads(torch.get_num_threads())

    def _outcome(self, key: str, future: Future) -> Outcome:
        self._futures.pop(key, None)  # with it Dask's workers can forget the result, too
        if future.cancelled():
            return Outcome(key, error=CancelledError("it was cancelled"))
        if error := future.exception():
            return Outcome(key, error=error)
        return _kept(self._store, key, future.result())


def _kept(store: Store, key: str, content: bytes) -> Outcome:
    try:
        store.write(key, content)
    except OSError as error:
        return Outcome(key, lost=error)
    except Exception as error:  # content that is no bytes: an executor of another mind
        return Outcome(key, error=error)
    return Outcome(key, content)
