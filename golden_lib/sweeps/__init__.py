"""Sweeps: many blocks of replicas on any executor, kept in a folder, taken up where they stood.

    blocks = [
        Block(f"{loss}, fold {k}", {"loss": loss, "fold": [k, 10], "seeds": range(10)})
        for loss in ("sse", "energy") for k in range(10)
    ]
    for result in run(blocks, "results/table"):
        print(result.block.label, result.test_accuracy[-1].mean())

Read in this order: `block` (what is trained, and its key), `arguments` and `version` under it,
`result` and `store` (what is kept), `work` and `gpu` (what a worker does), `engines`, `sweep`.
"""

from golden_lib.sweeps.block import Block
from golden_lib.sweeps.result import Result
from golden_lib.sweeps.sweep import SweepError, run
from golden_lib.sweeps.version import code_version

__all__ = ["Block", "Result", "SweepError", "code_version", "run"]

code_version()  # taken now: what is edited later is not the code that runs
