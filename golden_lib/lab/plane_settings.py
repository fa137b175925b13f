"""What a plane is: settings, a range of η and one of α, and the cells between; and zooming in."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isfinite
from numbers import Real
from typing import Any, Final

import numpy as np

from golden_lib.data.draws import is_integer
from golden_lib.lab.settings import (
    SETTINGS,
    Checked,
    Settings,
    check_setting,
    kind_of,
    range_of,
    written,
)

PLANE: Final[dict[str, Any]] = SETTINGS["plane"]
"""Ranges and defaults of planes, as the page has them."""

FIGURES: Final = 6
"""Digits of a cell's η and α: what a cell says of itself is what it trains with."""

Range = tuple[float, float]
"""Least and largest value, both of them trained with."""


def is_log(name: str, rule: str) -> bool:
    """Whether an axis is logarithmic: η always, α under DLR."""
    return SETTINGS["kinds"][kind_of(rule)][name]["log"]


def check_cells(cells: Any) -> int:
    """Cells a side.

    Raises:
        ValueError: if it is no whole number in range.
    """
    least, most = PLANE["cells"]["range"]
    if isinstance(cells, bool) or not is_integer(cells) or not least <= cells <= most:
        raise ValueError(f"cells must be a whole number from {least} to {most}, got {cells!r}")
    return int(cells)


def check_range(name: str, given: Any, rule: str) -> Range:
    """A range of η or α under a rule.

    Raises:
        ValueError: if it is no pair of numbers, out of the rule's range, or too narrow.
    """
    least, most = range_of(name, rule)
    try:
        low, high = given
    except (TypeError, ValueError):
        low = high = None
    numbers = all(isinstance(v, Real) and not isinstance(v, bool) for v in (low, high))
    if not numbers or not (isfinite(low) and isfinite(high) and least <= low and high <= most):
        raise ValueError(
            f"{name} must be two numbers from {written(least)} to {written(most)} under {rule}, "
            f"got {given!r}"
        )
    return check_width(name, (float(low), float(high)), rule)


def check_width(name: str, given: Range, rule: str) -> Range:
    """A range, refused where it is empty or so narrow that its cells would be one.

    Raises:
        ValueError: as said.
    """
    low, high = given
    narrowest = PLANE["narrowest"]
    log = is_log(name, rule)
    if not (high >= low * narrowest["ratio"] if log else high - low >= narrowest["width"]):
        apart = f"a factor of {narrowest['ratio']}" if log else written(narrowest["width"])
        raise ValueError(
            f"{name} must go from a number to one at least {apart} above, "
            f"got {written(low)}:{written(high)}"
        )
    return given


def values_between(given: Range, cells: int, log: bool) -> np.ndarray:
    """The values of a plane's cells along one axis, ascending, both ends of the range included."""
    low, high = given
    share = np.arange(cells) / (cells - 1)
    inner = low * (high / low) ** share if log else low + (high - low) * share
    return np.array([low, *(float(f"{v:.{FIGURES}g}") for v in inner[1:-1]), high])


@dataclass(frozen=True)
class Plane(Checked):
    """The settings of one plane; `of` fills in and checks."""

    eta: Range
    alpha: Range
    cells: int

    @staticmethod
    def _default(name: str, made: Mapping[str, Any]) -> Any:
        return default_of_plane(name, made.get("network", ""), made.get("rule", ""))

    @staticmethod
    def _check(name: str, value: Any, made: Mapping[str, Any]) -> Any:
        if name == "cells":
            return check_cells(value)
        if name in ("eta", "alpha"):
            return check_range(name, value, made["rule"])
        return check_setting(name, value)

    def changed(self, **given: Any) -> "Plane":
        """This plane with some other settings.

        Ranges that were the old rule's own, or mean something else under the new, become its own.

        Raises:
            ValueError: if a name is unknown or a value out of range.
        """
        kept = self.plain()
        rule = check_setting("rule", given.get("rule", self.rule))
        for name in ("eta", "alpha"):
            own = list(kept[name]) == PLANE["ranges"][self.rule][name]
            if own or kind_of(rule) != kind_of(self.rule):
                kept[name] = None
        return Plane.of(**{**kept, **given})

    @property
    def settings(self) -> Settings:
        """What all cells share; η and α are the marked values, and in no cell's way."""
        shared = self.plain()
        del shared["eta"], shared["alpha"], shared["cells"]
        return Settings.of(**shared)

    @property
    def etas(self) -> np.ndarray:
        """η of each row, ascending, ``(cells,)``."""
        return values_between(self.eta, self.cells, is_log("eta", self.rule))

    @property
    def alphas(self) -> np.ndarray:
        """α of each column, ascending, ``(cells,)``."""
        return values_between(self.alpha, self.cells, is_log("alpha", self.rule))

    @property
    def pairs(self) -> tuple[list[float], list[float]]:
        """η and α of each cell, row after row: the replicas, ``(R,)`` each."""
        etas, alphas = np.meshgrid(self.etas, self.alphas, indexing="ij")
        return etas.ravel().tolist(), alphas.ravel().tolist()

    @property
    def golden(self) -> tuple[float, float]:
        """η and α that are marked: the golden pair, or what the book uses under DLR."""
        kind = SETTINGS["kinds"][kind_of(self.rule)]
        return kind["eta"]["mark"], kind["alpha"]["mark"]

    @property
    def nearest(self) -> tuple[int, int] | None:
        """Row and column of the cell nearest to the marked pair; None where it lies outside."""
        found = []
        for name, values, mark in zip(
            ("eta", "alpha"), (self.etas, self.alphas), self.golden, strict=True
        ):
            low, high = getattr(self, name)
            if not low <= mark <= high:
                return None
            scaled, at = (
                (np.log(values), np.log(mark)) if is_log(name, self.rule) else (values, mark)
            )
            found.append(int(np.argmin(np.abs(scaled - at))))
        return found[0], found[1]

    def zoomed(self, eta: Range | None = None, alpha: Range | None = None) -> "Plane":
        """The same with other ranges.

        Raises:
            ValueError: if one is out of the rule's range, or too narrow.
        """
        ranges = {
            name: check_range(name, value, self.rule)
            for name, value in (("eta", eta), ("alpha", alpha))
            if value is not None
        }
        return replace(self, **ranges)


def default_of_plane(name: str, network: str, rule: str) -> Any:
    """What a setting of a plane is where nobody says."""
    if name in ("eta", "alpha"):
        return tuple(PLANE["ranges"][rule][name])
    defaults = PLANE["defaults"]
    return defaults["all"][name] if name in defaults["all"] else defaults[network][name]
