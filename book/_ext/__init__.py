"""The book's Sphinx extension: local assets, Plotly figures, labs, a cache that knows the library.

Installed as `golden_book`. Read in this order: `assets` (what the pages load), `figures` (how a
Plotly figure becomes part of a page), `labs` (how a lab does), `freshness` (when a chapter runs
again), `execution` (how many run at once, and that none fails), `notebooks` (the `.ipynb` beside
each chapter; it runs without Sphinx).
"""

import os
from typing import Any

from sphinx.application import Sphinx

from golden_book import assets, execution, figures, freshness, labs

# What the kernels of a build inherit: figures as plain data, no progress bars on a page.
KERNEL_ENVIRONMENT = {"PLOTLY_RENDERER": "plotly_mimetype", "TQDM_DISABLE": "1"}


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect the parts; Sphinx calls it once a build."""
    os.environ.update(KERNEL_ENVIRONMENT)
    app.connect("builder-inited", execution.read_in_parallel)
    app.connect("env-before-read-docs", execution.share_cores)
    app.connect("env-before-read-docs", execution.make_cache)
    app.connect("env-updated", execution.refuse_failures)
    app.connect("config-inited", freshness.name_cache)
    app.connect("config-inited", assets.provide)
    app.connect("html-page-context", figures.add_script)
    app.connect("html-page-context", labs.add_script)
    app.connect("build-finished", labs.provide)
    # After sphinx-thebe has put its own script on the page.
    app.connect("html-page-context", assets.remove_thebe, priority=900)
    app.add_css_file("golden/book.css")
    return {
        "version": "1",
        "env_version": freshness.own_version(),
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }
