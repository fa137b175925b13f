"""The papers' tables and figures by name: what is trained, and what is told of it.

    python -m golden_lib.experiments table_1 --folds 10 --runs 1 --workers 2 --out results

trains block after block into ``results/table_1.blocks/``, where an interrupted run goes on, and
then writes ``results/table_1.json``: every run's accuracies, and rows with mean, spread and n,
beside the command, seeds, device and versions that made them. `golden_lib.results` reads it.

From a program, and on other machines::

    from dask.distributed import Client
    from golden_lib import experiments

    with Client("tcp://scheduler:8786") as client:
        rows = experiments.run("table_1", executor=client.get_executor(), folds=10, runs=10)

An experiment is a frozen dataclass: its fields are its options, `blocks` says what is trained and
`rows` what came out. Read in this order: `options`, `experiment` (what they have in common),
`tables`, `plane`, `dlr` and `averaged` (its figures 1, 2 and 3), `race`, `running`.
"""

from golden_lib.experiments.experiment import Experiment, Report
from golden_lib.experiments.running import EXPERIMENTS, find_experiment, run

__all__ = ["EXPERIMENTS", "Experiment", "Report", "find_experiment", "run"]
