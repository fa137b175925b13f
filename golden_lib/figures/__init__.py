"""Arrays in, a `plotly.graph_objects.Figure` out: every figure of the book, free of torch.

`look` owns colours, axes, sliders and menus; `curves` draws functions of one variable; `planes`
draws functions of two; `grids` draws what a grid of settings gave; `scenes` draws what only one
chapter needs; `runs` draws what training leaves behind.
"""

from golden_lib.figures.curves import chosen_curves, read_off, sliding_curves
from golden_lib.figures.grids import compared_ranges, curves_over, ranges_over, setting_plane
from golden_lib.figures.planes import sliding_plane, surfaces
from golden_lib.figures.runs import (
    learning_curves,
    sliding_histogram,
    sliding_images,
    sliding_verdicts,
)
from golden_lib.figures.scenes import cobweb, four_corners, rubin_vase, unit_circle

__all__ = [
    "chosen_curves",
    "cobweb",
    "compared_ranges",
    "curves_over",
    "four_corners",
    "learning_curves",
    "ranges_over",
    "read_off",
    "rubin_vase",
    "setting_plane",
    "sliding_curves",
    "sliding_histogram",
    "sliding_images",
    "sliding_plane",
    "sliding_verdicts",
    "surfaces",
    "unit_circle",
]
