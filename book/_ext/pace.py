"""Chapters run side by side, each with its share of the cores.

PyTorch takes all cores in every kernel; two kernels on two cores then get in each other's way, and
small training steps take many times as long.
"""

import os

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

WORKERS = min(4, os.cpu_count() or 1)  # a kernel with PyTorch holds almost a gigabyte
FEWEST = 6  # documents from which on Sphinx reads in parallel

# Extensions that do not say so: one numbers sections after all chapters have been read, the other
# has nothing to do for HTML.
SAFE = ("sphinx_multitoc_numbering", "sphinx_jupyterbook_latex")


def read_in_parallel(app: Sphinx) -> None:
    """Let Sphinx read as many chapters at a time as there are workers."""
    app.parallel = WORKERS
    for name in SAFE:
        if extension := app.extensions.get(name):
            extension.parallel_read_safe = True


def share_cores(app: Sphinx, env: BuildEnvironment, names: list[str]) -> None:
    """Tell the kernels of this build how many threads each may use."""
    workers = min(WORKERS, len(names)) if len(names) >= FEWEST else 1
    os.environ["OMP_NUM_THREADS"] = str(max(1, (os.cpu_count() or 1) // workers))
