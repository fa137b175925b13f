"""How loops are compiled for a CPU: in one way, by Numba, and kept on the disk."""

from collections.abc import Callable

from numba import njit

# Sums may be reordered and fused, and a division by 0 is an infinity, not an exception, so that
# loops become vector instructions; NaN and infinity keep their meaning, as a divergence must show.
OPTIONS = {
    "nogil": True,
    "error_model": "numpy",
    "fastmath": {"contract", "reassoc", "nsz", "arcp"},
}


def compiled(function: Callable) -> Callable:
    """Compile a function when it is first called, without Python's lock.

    The machine code is kept beside the source, or in the user's cache folder, and made again when
    the file that holds the function changes.
    """
    try:
        return njit(cache=True, **OPTIONS)(function)
    except RuntimeError:  # no such folder: a read-only machine
        return njit(**OPTIONS)(function)
