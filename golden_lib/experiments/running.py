"""Experiments found by name, run into their folder of blocks, and written down."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from golden_lib import results, sweeps
from golden_lib.experiments.averaged import Figure3
from golden_lib.experiments.dlr import Figure1, Figure2
from golden_lib.experiments.experiment import Experiment
from golden_lib.experiments.plane import Plane
from golden_lib.experiments.race import Race30, Race100
from golden_lib.experiments.tables import CnnTuned, Table1
from golden_lib.results import Row

EXPERIMENTS: Final[Mapping[str, type[Experiment]]] = MappingProxyType(
    {
        "table_1": Table1,
        "cnn_tuned": CnnTuned,
        "plane": Plane,
        "figure_1": Figure1,
        "figure_2": Figure2,
        "figure_3": Figure3,
        "dlr_mnist_30": Race30,
        "dlr_mnist_100": Race100,
    }
)
"""Every experiment by its name."""


def find_experiment(name: str, quick: bool = False, **options: Any) -> Experiment:
    """The experiment of that name, with these options.

    Args:
        name: one of `EXPERIMENTS`.
        quick: as a rehearsal: small, but for the options given.
        options: fields of the experiment.

    Raises:
        ValueError: if there is none of this name, it has no such option, or one is out of range.
    """
    if name not in EXPERIMENTS:
        raise ValueError(f"experiment must be one of {', '.join(EXPERIMENTS)}, got {name!r}")
    kind = EXPERIMENTS[name]
    known = [field.name for field in fields(kind)]
    if not options.keys() <= set(known):
        unknown = ", ".join(sorted(options.keys() - set(known)))
        raise ValueError(f"options of {name} must be among {', '.join(known)}, got {unknown}")
    return kind(**{**(kind.QUICK if quick else {}), **options})


def run(
    name: str,
    *,
    out: str | Path = "results",
    executor: Executor | None = None,
    device: str = "auto",
    progress: bool | None = None,
    quick: bool = False,
    command: Sequence[str] = (),
    **options: Any,
) -> list[Row]:
    """Run an experiment to its end, or from where it was interrupted.

    Its blocks are kept in ``OUT/NAME.blocks/``, each as soon as it is done; at the end
    ``OUT/NAME.json`` is written, whole or not at all. For the results as they come, run the blocks
    yourself: ``sweeps.run(find_experiment(name).blocks(), store, executor)``.

    Args:
        name: one of `EXPERIMENTS`.
        out: folder of the results, made where there is none.
        executor: any `concurrent.futures.Executor`, such as ``Client(address).get_executor()`` of
            Dask; see `golden_lib.sweeps.run`. None trains in this process.
        device: as for `golden_lib.sweeps.run`.
        progress: a bar with the time left; None shows it on terminals alone.
        quick: as a rehearsal in well under a minute, but for the options given.
        command: that is noted in the file; this call if there is none.
        options: of the experiment: its fields.

    Returns:
        The rows of its table.

    Raises:
        ValueError: if the experiment or an option is unknown or out of range, or as
            `golden_lib.sweeps.run`.
        SweepError: at the end, if blocks failed, naming them; the others are kept.
        OSError: if the folder cannot be written.
    """
    experiment = find_experiment(name, quick, **options)
    given = {**({"quick": True} if quick else {}), **options}
    told = ", ".join([repr(name), *(f"{key}={value!r}" for key, value in given.items())])
    folder = Path(out)
    found = list(
        sweeps.run(
            experiment.blocks(),
            folder / f"{name}.blocks",
            executor,
            device=device,
            progress=progress,
        )
    )
    report = experiment.report(found, device, progress)
    made = dict(found[0].provenance)
    made["device"] = "; ".join(sorted({result.provenance["device"] for result in found}))
    results.write(
        folder / f"{name}.json",
        report.measurements,
        command or [f"experiments.run({told})"],
        rows=report.rows,
        made=made,
        **report.extra,
    )
    return report.rows
