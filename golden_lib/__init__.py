"""Losses, learning rate and momentum from the golden ratio, and the dynamic learning rate.

Read in this order: `golden` (the numbers), `equations` (every equation of the four papers with its
verdict), `losses`, `optim`, `nets`, `data`, `training`, `surfaces`, `figures`.
"""

__version__ = "0.1.0"
