"""What training costs by several ways of writing it: measured rounds in a file, as tables.

``python -m tests.benchmarks --out FILE`` writes such a file; its ``--help`` says what it holds.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

Row = dict[str, Any]
"""One workload at one number of threads, as in the file."""

OURS: Final = "golden_lib"
LABELS: Final = {
    OURS: "golden_lib",
    "loop": "nn.Module, DataLoader, torch.optim",
    "loop_in_memory": "the same loop, data in memory, fused",
    "torch_func": "torch.func ensemble",
    "jax": "JAX, jitted and vmapped",
}
"""What each side of a file is, for a table's reader."""
SEQUENTIAL: Final = ("loop", "loop_in_memory")
"""Those who train one network after the other."""


@dataclass(frozen=True)
class Timings:
    """A file of timings.

    Attributes:
        rows: one for each workload and number of threads, in the file's order.
        provenance: command, processor, device, python and versions.
    """

    rows: tuple[Row, ...]
    provenance: dict[str, Any]

    @property
    def source(self) -> str:
        """Command, machine and versions in a sentence."""
        made = self.provenance
        versions = ", ".join(f"{k} {v}" for k, v in made["versions"].items() if v)
        machine = f"{made['processor']}, {made['device']}"
        return f"{made['command']} ({machine}; Python {made['python']}, {versions})"

    @property
    def threads(self) -> list[int]:
        """The numbers of threads that were measured, in order."""
        return sorted({row["threads"] for row in self.rows})

    @property
    def sides(self) -> list[str]:
        """Who was measured, the library first."""
        return [name for name in LABELS if any(name in row["sides"] for row in self.rows)]

    def at(self, threads: int) -> dict[str, Row]:
        """The rows at one number of threads, by workload.

        Raises:
            ValueError: if there are none.
        """
        found = {row["workload"]: row for row in self.rows if row["threads"] == threads}
        if not found:
            known = ", ".join(map(str, self.threads))
            raise ValueError(f"threads must be one of {known}, got {threads!r}")
        return found


def read(path: str | Path) -> Timings:
    """Read a file of timings.

    Raises:
        ValueError: if the file is none, or holds no row.
    """
    try:
        kept = json.loads(Path(path).read_text(encoding="utf-8"))
        timings = Timings(tuple(kept["workloads"]), kept["provenance"])
        markdown(timings.rows)
        if timings.source and timings.rows:
            return timings
        raise KeyError("workloads")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"path must be a file of timings, got {path} ({error!r})") from None


def table(rows: Sequence[Row], what: str) -> str:
    """One quantity as a Markdown table of workloads by sides.

    Args:
        rows: of `Timings`.
        what: ``"ratio"`` (how many times faster the library is) and ``"updates_per_second"``
            (summed over networks): median over rounds, with least and greatest; ``"first_call"``:
            seconds, with what is compiled; ``"memory"``: peak in GB, of those rows that have it.

    Raises:
        ValueError: if `what` is none of these.
    """
    cells: dict[str, Callable[[dict], str]] = {
        "ratio": lambda side: _range(side["ratio"]),
        "updates_per_second": lambda side: _range(side["updates_per_second"]),
        "first_call": lambda side: _number(side["first_call"]),
        "memory": lambda side: _gigabytes(side.get("memory")),
    }
    if what not in cells:
        raise ValueError(f"what must be one of {', '.join(cells)}, got {what!r}")
    if what == "memory":
        rows = _weighed(rows)
    names = [name for name in LABELS if any(name in row["sides"] for row in rows)]
    if what == "ratio":
        names.remove(OURS)
    lines = [["training", *(LABELS[name] for name in names)], ["---", *["---:"] * len(names)]]
    for row in rows:
        sides = row["sides"]
        lines.append([row["title"], *(cells[what](sides[n]) if n in sides else "–" for n in names)])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def markdown(rows: Sequence[Row]) -> str:
    """All tables with their headings: ratios first, then rates, first calls and memory."""
    parts = []
    for threads in sorted({row["threads"] for row in rows}):
        here = [row for row in rows if row["threads"] == threads]
        count = f"{threads} thread" + "s" * (threads > 1)
        parts += [
            f"How many times faster golden_lib trains, {count} each: median of {rounds(here)} "
            "rounds (least–greatest)",
            table(here, "ratio"),
            f"Weight updates a second, summed over networks, {count} each",
            table(here, "updates_per_second"),
            f"Seconds of the first run, with what it compiles, {count} each",
            table(here, "first_call"),
        ]
        if _weighed(here):
            parts += [f"Peak memory in GB, {count} each", table(here, "memory")]
    return "\n\n".join([*parts, *notes(rows)])


def rounds(rows: Sequence[Row]) -> str:
    """How many rounds stand behind a median: a number, or from the least to the greatest."""
    counts = sorted({len(row["sides"][OURS]["seconds"]) for row in rows})
    return " to ".join(map(str, dict.fromkeys((counts[0], counts[-1]))))


def notes(rows: Sequence[Row]) -> list[str]:
    """What a reader of the tables must know, a sentence or two each."""
    present = {name for row in rows for name in row["sides"]}
    found = []
    if absent := [LABELS[name] for name in LABELS if name not in present]:
        found.append(f"Not installed, and so without a column: {', '.join(absent)}.")
    turns = {
        f"{side['networks']} of {row['networks']}"
        for row in rows
        for name, side in row["sides"].items()
        if name in SEQUENTIAL and side["networks"] < row["networks"]
    }
    if turns:
        found.append(
            "The loops train one network after the other; where there are many, a few were timed "
            f"({', '.join(sorted(turns))}) and the others taken to cost as much each."
        )
    if not all(row["pinned"] for row in rows):
        found.append("This system cannot hold a process to its cores: threads were only asked for.")
    return found


def _weighed(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if "memory" in row["sides"][OURS]]


def _range(spread: dict[str, float]) -> str:
    low, middle, high = (_number(spread[k]) for k in ("least", "median", "greatest"))
    return f"{middle} ({low}–{high})"


def _number(value: float) -> str:
    """Three digits, in thousands where they are many."""
    return f"{float(f'{value:.3g}'):,.0f}" if value >= 100 else f"{value:.3g}"


def _gigabytes(memory: dict[str, int | None] | None) -> str:
    return "–" if not memory or memory["peak"] is None else f"{memory['peak'] / 1e9:.2f}"
