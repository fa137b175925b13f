"""The command: measure, print the tables, keep the numbers; see ``--help``."""

import argparse
import json
import platform
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from time import perf_counter
from typing import Any

from golden_lib.results import provenance
from golden_lib.timings import markdown

from .sides import OURS, SIDES
from .table import summarise
from .worker import ask, cores
from .workloads import QUICK, WORKLOADS

FILE = """
the file that --out writes:
  provenance   command, device, processor, python, versions
  workloads    a list, one entry for each workload and number of threads:
    workload, title, threads, networks, batch, steps
    pinned     whether the process was held to as many cores as threads
    sides      golden_lib, loop, loop_in_memory, torch_func, jax (where it is installed), each with
      networks             how many of the networks it trained; the loops train a few in turn
      first_call           seconds of the first run, with making the networks and compiling
      seconds              of a run of its networks, round by round
      updates_per_second   summed over networks: median, least, greatest
      samples_per_second   the same times the batch size
      ratio                how many times faster golden_lib is: median, least, greatest of rounds
      difference           from golden_lib's weights after ten float32 steps on equal batches
      memory               before and peak, bytes held by a process of its own, where measured
"""


def measured(name: str, threads: int, quick: bool, rounds: int) -> dict[str, Any]:
    """One workload's entry, rounds and, where it asks for it, memory (if quick, ours alone)."""
    row = summarise(ask(threads, workload=name, quick=quick, rounds=rounds))
    if WORKLOADS[name].memory:
        for side in (OURS,) if quick else SIDES:
            row["sides"][side]["memory"] = ask(threads, workload=name, quick=quick, side=side)
    return row


def source(command: Sequence[str]) -> dict[str, Any]:
    """Where the numbers came from."""
    made = provenance(command)
    made.pop("threads", None)  # of this process, which trains nothing
    for name in ("jax", "numba"):
        try:
            made["versions"][name] = version(name)
        except PackageNotFoundError:
            made["versions"][name] = None
    return made | {"processor": _processor()}


def write(path: Path, kept: dict[str, Any]) -> None:
    """Write the file, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.draft")
    draft.write_text(json.dumps(kept, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    draft.replace(path)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; its exit status."""
    listed = "\n".join(f"  {name:20} {work.title}" for name, work in WORKLOADS.items())
    parser = argparse.ArgumentParser(
        prog="python -m tests.benchmarks",
        description="Train the same networks with golden_lib and with its rivals, in turns.",
        epilog=f"workloads:\n{listed}\n{FILE}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--quick", action="store_true", help="one of each kind, small, two rounds")
    parser.add_argument("--rounds", type=int, help="rounds (default 7; 2 if --quick)")
    parser.add_argument("--threads", type=int, nargs="+", default=[1], help="for every side alike")
    parser.add_argument("--only", nargs="+", metavar="WORKLOAD", help="some of those below")
    parser.add_argument("--out", type=Path, metavar="FILE", help="also write the numbers as JSON")
    parser.add_argument("--show", type=Path, metavar="FILE", help="print such a file's tables")
    chosen = parser.parse_args(arguments)
    if chosen.show:
        try:
            print(markdown(json.loads(chosen.show.read_text(encoding="utf-8"))["workloads"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            parser.error(f"--show must be a file that --out wrote, got {chosen.show} ({error!r})")
        return 0
    rounds = (2 if chosen.quick else 7) if chosen.rounds is None else chosen.rounds
    if rounds < 1:
        parser.error(f"rounds must be >= 1, got {rounds}")
    if not all(1 <= threads <= cores() for threads in chosen.threads):
        parser.error(f"threads must be from 1 to the {cores()} cores here, got {chosen.threads}")
    names = chosen.only or (QUICK if chosen.quick else WORKLOADS)
    if unknown := [name for name in names if name not in WORKLOADS]:
        parser.error(f"workload must be one of {', '.join(WORKLOADS)}, got {unknown[0]!r}")
    given = sys.argv[1:] if arguments is None else arguments
    made = source(["python -m tests.benchmarks", *given])
    rows, failed = [], False
    for threads in chosen.threads:
        for name in names:
            began = perf_counter()
            try:
                rows.append(measured(name, threads, chosen.quick, rounds))
            except RuntimeError as error:
                failed = True
                print(f"failed: {error}", file=sys.stderr)
                continue
            spent = perf_counter() - began
            print(f"{name}, threads {threads}: {spent:.0f} s", file=sys.stderr)
            if chosen.out:  # after each, as hours of them may be cut short
                write(chosen.out, {"provenance": made, "workloads": rows})
    if rows:
        print(markdown(rows))
        versions = ", ".join(f"{k} {v}" for k, v in made["versions"].items() if v)
        print(f"\n{made['processor']}, {made['device']}; Python {made['python']}, {versions}.")
    return int(failed)


def _processor() -> str:
    """The processor's name, as Linux tells it; what Python knows elsewhere."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.machine()


if __name__ == "__main__":
    sys.exit(main())
