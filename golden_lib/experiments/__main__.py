"""The command line: ``python -m golden_lib.experiments --help``."""

import argparse
import multiprocessing
import signal
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import nullcontext
from dataclasses import fields
from pathlib import Path
from textwrap import fill

from golden_lib import results
from golden_lib.experiments.experiment import Experiment
from golden_lib.experiments.running import EXPERIMENTS, run
from golden_lib.sweeps import SweepError

_ABOUT = """\
Run one of the papers' experiments and keep what it measured.

It trains block after block into OUT/EXPERIMENT.blocks/; the same command goes on where it was
interrupted, also with other --workers. At the end it writes OUT/EXPERIMENT.json, which the book's
chapters read, and prints a table. EXPERIMENT --help has its options, what the paper printed, and
how long it takes; --quick rehearses any of them in well under a minute."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    parser = _parser()
    chosen = vars(parser.parse_args(arguments))
    name, workers = chosen.pop("experiment"), chosen.pop("workers")
    out = chosen.pop("out")
    if workers < 1:
        parser.error(f"--workers must be >= 1, got {workers}")
    pool = _pool(workers) if workers > 1 else nullcontext()
    command = ["python -m golden_lib.experiments", *arguments]
    try:
        with pool as executor:
            rows = _run_or_stop(name, out=out, executor=executor, command=command, **chosen)
    except ValueError as error:
        parser.error(str(error))
    except (SweepError, OSError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"interrupted; the same command goes on from {out / name}.blocks", file=sys.stderr)
        return 130
    print(results.rows_table(rows))
    print(out / f"{name}.json")
    return 0


def _pool(workers: int) -> ProcessPoolExecutor:
    """Processes that leave Ctrl-C, which a terminal sends to them too, to this one."""
    spawn = multiprocessing.get_context("spawn")
    deaf = {"initializer": signal.signal, "initargs": (signal.SIGINT, signal.SIG_IGN)}
    return ProcessPoolExecutor(workers, mp_context=spawn, **deaf)


def _run_or_stop(name: str, **options) -> list[results.Row]:
    """Run an experiment; on Ctrl-C end the workers at once, and not when their blocks are done."""
    try:
        return run(name, **options)
    except KeyboardInterrupt:
        for worker in multiprocessing.active_children():
            worker.terminate()
        raise


def _parser() -> argparse.ArgumentParser:
    names = "\n".join(f"  {name:14} {kind.QUESTION}" for name, kind in EXPERIMENTS.items())
    parser = argparse.ArgumentParser(
        prog="python -m golden_lib.experiments",
        description=_ABOUT,
        epilog=f"experiments:\n{names}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    # metavar: the names stand below with their questions, and the usage line stays one line.
    chosen = parser.add_subparsers(dest="experiment", metavar="EXPERIMENT", required=True)
    for name, kind in EXPERIMENTS.items():
        _add(chosen, name, kind)
    return parser


def _add(chosen, name: str, kind: type[Experiment]) -> None:
    told = (kind.QUESTION, f"The paper: {kind.PAPER}.", f"Time: {kind.COST}.")
    about = "\n\n".join(fill(each, 96) for each in told)
    parser = chosen.add_parser(
        name, description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    own = parser.add_argument_group("options of this experiment")
    for each in fields(kind):
        many = isinstance(each.default, tuple)
        kind_of_one = type(each.default[0] if many else each.default)
        shown = " ".join(map(str, each.default)) if many else each.default
        own.add_argument(
            f"--{each.name.replace('_', '-')}",
            type=kind_of_one,
            nargs="+" if many else None,
            choices=each.metadata["choices"] or None,
            default=argparse.SUPPRESS,
            metavar={int: "N", float: "X"}.get(kind_of_one),
            help=f"{each.metadata['meaning']} (default {shown})",
        )
    parser.add_argument("--quick", action="store_true", help="rehearse it, in under a minute")
    processes = "train in N processes, one thread each (default 1: in this one)"
    parser.add_argument("--workers", type=int, default=1, metavar="N", help=processes)
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda (default auto)")
    parser.add_argument("--out", type=Path, default=Path("results"), help="folder (results)")


if __name__ == "__main__":
    sys.exit(main())
