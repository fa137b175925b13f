"""Training R networks at once: the pure step, and the run that yields metrics from it.

Read in this order: `step` (one training step as a pure function, and evaluation), `feed` (which
images each replica sees, and when), `engines` (who makes the steps: operators one by one, `graphs`
of them on a GPU, or compiled `loops` on a CPU), `records`, `run` (the loop with η and α in reach),
`entry` (the door, `train`).
"""

from golden_lib.training.entry import train
from golden_lib.training.feed import Feed
from golden_lib.training.records import History, Record
from golden_lib.training.run import Run
from golden_lib.training.step import State, evaluate, make_step, predict, start

__all__ = [
    "Feed",
    "History",
    "Record",
    "Run",
    "State",
    "evaluate",
    "make_step",
    "predict",
    "start",
    "train",
]
