"""Chapters run side by side, each with its share of the cores, and none may fail.

PyTorch takes all cores in every kernel; two kernels on two cores then get in each other's way, and
small training steps take many times as long.
"""

import os
from pathlib import Path

from jupyter_cache.cache.db import create_db
from myst_nb.sphinx_ import NbMetadataCollector
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError

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


def make_cache(app: Sphinx, env: BuildEnvironment, names: list[str]) -> None:
    """Make the cache's database now: the chapters, side by side, would race to make its tables."""
    folder = Path(app.config.nb_execution_cache_path)
    folder.mkdir(parents=True, exist_ok=True)
    create_db(folder).dispose()


def refuse_failures(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """End the build if a cell failed, after all chapters have run and their errors are shown.

    myst-nb's own `raise_on_error` ends it at the first, and in a parallel build the error is lost.

    Raises:
        ExtensionError: names the chapters.
    """
    runs = {name: NbMetadataCollector.get_exec_data(env, name) for name in sorted(env.found_docs)}
    failed = [name for name, run in runs.items() if run and not run["succeeded"]]
    if failed:
        raise ExtensionError(f"a cell fails in {', '.join(failed)}; the lines above say why")
    return []
