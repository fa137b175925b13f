"""Losses, learning rate and momentum from the golden ratio, and the dynamic learning rate.

Read in this order: `golden` (the numbers), `equations` (every equation of the four papers with its
verdict), `losses`, `optim`, `nets`, `data`, `training`, `sweeps` (many trainings, on any number of
machines); then what the book stands on: `experiments`, `results`, `timings`, `surfaces`, `figures`;
and `lab` (networks that train live, in a notebook or in a page alone).
"""

from golden_lib.golden import ALPHA, ETA

__all__ = ["ALPHA", "ETA", "__version__"]
__version__ = "0.1.0"
