"""From measured rounds to numbers and tables."""

from collections.abc import Callable, Sequence
from statistics import median
from typing import Any

from .sides import LABELS, OURS, SEQUENTIAL

Row = dict[str, Any]


def summarise(row: Row) -> Row:
    """Add to each side of a worker's answer what its rounds say; the row itself, filled in.

    - ``updates_per_second``: weight updates, summed over networks; ``samples_per_second``: B times
      that. Each is ``{"median", "least", "greatest"}`` over rounds.
    - ``ratio``: how many times the library's rate is a side's, taken round by round.
    """
    ours = _seconds_an_update(row, OURS)
    for name, side in row["sides"].items():
        theirs = _seconds_an_update(row, name)
        side["updates_per_second"] = _spread([1 / s for s in theirs])
        side["samples_per_second"] = _spread([row["batch"] / s for s in theirs])
        side["ratio"] = _spread([b / a for a, b in zip(ours, theirs, strict=True)])
    return row


def markdown(rows: Sequence[Row]) -> str:
    """The tables: ratios first, then each side's rate, first call and memory."""
    sides = [name for name in LABELS if any(name in row["sides"] for row in rows)]
    rivals = [name for name in sides if name != OURS]
    parts = []
    for threads in sorted({row["threads"] for row in rows}):
        here = [row for row in rows if row["threads"] == threads]
        weighed = [row for row in here if "memory" in row["sides"][OURS]]
        count = f"{threads} thread" + "s" * (threads > 1)
        rounds = {len(row["sides"][OURS]["seconds"]) for row in here}
        parts += [
            f"How many times faster golden_lib trains, {count} each: median of "
            f"{' to '.join(map(str, sorted(rounds)))} rounds (least–greatest)",
            _grid(here, rivals, lambda side: _range(side["ratio"])),
            f"Weight updates a second, summed over networks, {count} each",
            _grid(here, sides, lambda side: _range(side["updates_per_second"])),
            f"Seconds of the first run, with what it compiles, {count} each",
            _grid(here, sides, lambda side: _number(side["first_call"])),
        ]
        if weighed:
            parts += [
                f"Peak memory in GB, {count} each",
                _grid(weighed, sides, lambda side: _gigabytes(side.get("memory"))),
            ]
    parts += _notes(rows)
    return "\n\n".join(parts)


def _notes(rows: Sequence[Row]) -> list[str]:
    """What a reader of the tables must know."""
    present = {name for row in rows for name in row["sides"]}
    notes = []
    if absent := [LABELS[name] for name in LABELS if name not in present]:
        notes.append(f"Not installed, and so without a column: {', '.join(absent)}.")
    turns = {
        f"{side['networks']} of {row['networks']}"
        for row in rows
        for name, side in row["sides"].items()
        if name in SEQUENTIAL and side["networks"] < row["networks"]
    }
    if turns:
        notes.append(
            "The loops train one network after the other; where there are many, a few were timed "
            f"({', '.join(sorted(turns))}) and the others taken to cost as much each."
        )
    if not all(row["pinned"] for row in rows):
        notes.append("This system cannot hold a process to its cores: threads were only asked for.")
    return notes


def _grid(rows: Sequence[Row], names: Sequence[str], cell: Callable[[dict], str]) -> str:
    """A Markdown table of workloads by sides."""
    lines = [["training", *(LABELS[name] for name in names)], ["---", *["---:"] * len(names)]]
    for row in rows:
        sides = row["sides"]
        cells = [cell(sides[name]) if name in sides else "–" for name in names]
        lines.append([row["title"], *cells])
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def _seconds_an_update(row: Row, name: str) -> list[float]:
    side = row["sides"][name]
    return [s / (side["networks"] * row["steps"]) for s in side["seconds"]]


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {"median": median(values), "least": min(values), "greatest": max(values)}


def _range(spread: dict[str, float]) -> str:
    low, middle, high = (_number(spread[k]) for k in ("least", "median", "greatest"))
    return f"{middle} ({low}–{high})"


def _number(value: float) -> str:
    """Three digits, in thousands where they are many."""
    return f"{float(f'{value:.3g}'):,.0f}" if value >= 100 else f"{value:.3g}"


def _gigabytes(memory: dict[str, int | None] | None) -> str:
    return "–" if not memory or memory["peak"] is None else f"{memory['peak'] / 1e9:.2f}"
