"""From measured rounds to numbers; `golden_lib.timings` makes the tables of them."""

from collections.abc import Sequence
from statistics import median

from golden_lib.timings import OURS, Row


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


def _seconds_an_update(row: Row, name: str) -> list[float]:
    side = row["sides"][name]
    return [s / (side["networks"] * row["steps"]) for s in side["seconds"]]


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {"median": median(values), "least": min(values), "greatest": max(values)}
