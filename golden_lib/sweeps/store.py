"""Results in a folder: one file a block, whole or not there."""

import os
import re
import warnings
from contextlib import suppress
from pathlib import Path
from secrets import token_hex
from time import time
from typing import Final

from golden_lib.sweeps.block import Block
from golden_lib.sweeps.result import Result, unpack

FORGOTTEN: Final = 3600.0
"""Seconds after which a draft has no writer any more: a file is written in far less than one."""

_DRAFT: Final = re.compile(r"\.[0-9a-f]{32}\.[0-9a-f]{16}\.draft")


class Store:
    """A folder with a file ``<key>.npz`` for each block that is done.

    A file is written as a draft beside it, brought to the disk, and renamed: it is whole at any
    moment, whoever is killed, and two processes that write the same block write it twice, one
    after the other. Drafts of killed processes are never read, and removed when they are an hour
    old. Results of other code lie under other keys, untouched.

    Args:
        folder: made where there is none.

    Raises:
        ValueError: if it is a file.
        OSError: if it cannot be made.
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise ValueError(f"store must be a folder, got {folder} ({error.strerror})") from None
        except OSError as error:
            raise OSError(
                error.errno,
                f"store must be a folder that can be made, got {error.strerror!r}",
                str(folder),
            ) from error
        for path in self.folder.iterdir():
            if _DRAFT.fullmatch(path.name):
                with suppress(OSError):  # gone by now, or of someone else
                    if time() - path.stat().st_mtime > FORGOTTEN:
                        path.unlink()

    def __contains__(self, key: str) -> bool:
        return os.path.lexists(self._path(key))

    def read(self, block: Block, key: str) -> Result | None:
        """The block's result, or None where there is none.

        What is there under the block's name and is not its result, because it was cut short,
        damaged, or put there by someone else, is not deleted: it is renamed to end in
        ``.rejected``, and a warning names it and says what is wrong.

        Raises:
            OSError: if the file is there and cannot be read.
        """
        path = self._path(key)
        try:
            return unpack(path.read_bytes(), block, key, stored=True)
        except FileNotFoundError:
            return None
        except (ValueError, IsADirectoryError) as error:
            wrong = "it is a folder" if isinstance(error, OSError) else error
        aside = path.with_name(f"{key}.{token_hex(4)}.rejected")
        with suppress(FileNotFoundError):  # another process was quicker
            path.rename(aside)
        warnings.warn(
            f"{path} must be the result of block {block.label!r}, but {wrong}; it is now "
            f"{aside.name}, and the block is trained again",
            stacklevel=2,
        )
        return None

    def write(self, key: str, content: bytes) -> None:
        """Write a block's file.

        Raises:
            OSError: naming the store, if the disk is full or the folder cannot be written; no draft
                is left, and every other file is as it was.
        """
        draft = self.folder / f".{key}.{token_hex(8)}.draft"
        try:
            with draft.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self._path(key))
        except OSError as error:
            raise OSError(
                error.errno,
                f"store must have room and be writable, got {error.strerror!r}",
                str(self.folder),
            ) from error
        finally:
            with suppress(OSError):
                draft.unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}.npz"
