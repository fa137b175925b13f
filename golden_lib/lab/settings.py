"""What can be set in a lab: names, ranges, defaults and menus, for Python and the page alike.

`SETTINGS` is the one home. The page gets it as JSON; Python refuses by it at the door, a link is
clamped to it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from math import isfinite
from numbers import Real
from typing import Any, Final, Self

from golden_lib.data import DATASETS
from golden_lib.data.draws import is_integer
from golden_lib.golden import ALPHA, ETA
from golden_lib.losses import LOSSES
from golden_lib.optim import RULES

_LOSS_LABELS = {
    "energy": "energy (G22)",
    "divergence": "divergence (D21)",
    "information": "information (G20)",
    "squared_information": "squared information",
    "cross_entropy": "cross-entropy",
    "sse": "squared error",
    "logistic_sse": "logistic units (DLR)",
}
_RULE_LABELS = {
    "delta": "delta rule",
    "nesterov": "Nesterov",
    "adam": "Adam, β₁ = α",
    "dlr": "DLR, outgoing",
    "dlr_incoming": "DLR, incoming",
}
_DATA_LABELS = {"digits": "rendered digits", "mnist": "MNIST", "rotated_mnist": "rotated MNIST"}
_NETWORK_LABELS = {"cnn": "CNN", "mlp": "MLP"}


def _menu(labels: Mapping[str, str], there: Mapping[str, Any]) -> dict[str, str]:
    """The labels of what there is; whatever has none is called by its name."""
    known = {name: label for name, label in labels.items() if name in there}
    return {**known, **{name: name for name in there if name not in known}}


SETTINGS: Final[dict[str, Any]] = {
    "version": 1,
    "fields": {
        "network": {"link": "network", "label": "Network", "choices": _NETWORK_LABELS},
        "loss": {"link": "loss", "label": "Loss", "choices": _menu(_LOSS_LABELS, LOSSES)},
        "rule": {"link": "rule", "label": "Update rule", "choices": _menu(_RULE_LABELS, RULES)},
        "data": {"link": "data", "label": "Data", "choices": _menu(_DATA_LABELS, DATASETS)},
        "hidden": {
            "link": "hidden",
            "label": "Hidden units",
            "range": [1, 300],
            "menu": [10, 30, 100, 150],
        },
        "batch_size": {
            "link": "batch",
            "label": "Batch size",
            "range": [1, 1000],
            "menu": [1, 10, 32, 128, 512],
        },
        "seed": {"link": "seed", "label": "Seed", "range": [0, 2**32 - 1]},
        "epochs": {"link": "epochs", "label": "Epochs", "range": [1, 100]},
        "eta": {"link": "eta", "label": "Learning rate η"},
        "alpha": {"link": "alpha", "label": "Momentum α"},
    },
    # What η and α mean depends on the rule, and with it their ranges and the values marked.
    "kinds": {
        "momentum": {
            "eta": {"range": [1e-4, 10], "log": True, "mark": ETA, "called": "golden"},
            "alpha": {"range": [0, 0.999], "log": False, "mark": ALPHA, "called": "golden"},
            "labels": {"eta": "Learning rate η", "alpha": "Momentum α"},
        },
        "dlr": {
            "eta": {"range": [1e-4, 10], "log": True, "mark": 0.35, "called": "the book’s"},
            "alpha": {"range": [0.01, 100], "log": True, "mark": 1.0, "called": "the paper’s"},
            "labels": {"eta": "Base rate η₀", "alpha": "Evenness α"},
        },
    },
    "rules": {name: "momentum" if rule.momentum else "dlr" for name, rule in RULES.items()},
    "defaults": {
        "cnn": {"loss": "energy", "rule": "delta", "batch_size": 128, "epochs": 5},
        "mlp": {"loss": "logistic_sse", "rule": "dlr", "batch_size": 1, "epochs": 2},
        "all": {"network": "cnn", "data": "digits", "hidden": 100, "seed": 0},
    },
    "limits": {"characters": 20_000, "moves": 1000, "steps": 10_000_000},
    # A plane has a range of η and one of α; the ranges end where the rule's networks break.
    "plane": {
        "cells": {"link": "cells", "label": "Cells a side", "range": [2, 16], "menu": [8, 12, 16]},
        "defaults": {
            "cnn": {"loss": "energy", "rule": "delta", "batch_size": 128, "epochs": 1},
            "mlp": {"loss": "logistic_sse", "rule": "delta", "batch_size": 32, "epochs": 3},
            "all": {"network": "mlp", "data": "digits", "hidden": 30, "seed": 0, "cells": 8},
        },
        "ranges": {
            "delta": {"eta": [0.005, 5], "alpha": [0, 0.98]},
            "nesterov": {"eta": [0.005, 5], "alpha": [0, 0.98]},
            "adam": {"eta": [1e-4, 0.1], "alpha": [0, 0.98]},
            "dlr": {"eta": [0.01, 10], "alpha": [0.01, 100]},
            "dlr_incoming": {"eta": [0.01, 10], "alpha": [0.01, 100]},
        },
        # Nearer than this, cells would differ by less than float32 tells apart in a few steps.
        "narrowest": {"ratio": 1.001, "width": 1e-4},
    },
}
"""Everything that can be set, as plain data."""

RESTARTING: Final = ("network", "loss", "rule", "data", "hidden", "batch_size", "seed")
"""Settings whose change begins another run; η, α and epochs act on the run as it goes."""

_RECORDS = 50  # of an epoch: a curve that moves, and little to send
_TESTED = 5  # records from test to test: testing 1,000 digits takes a few steps' time


def rhythm(steps_per_epoch: int) -> tuple[int, int]:
    """Steps from record to record, and from test to test."""
    every = max(1, steps_per_epoch // _RECORDS)
    return every, _TESTED * every


def kind_of(rule: str) -> str:
    """What α is under a rule: ``"momentum"``, or ``"dlr"`` for DLR's own."""
    return SETTINGS["rules"][rule]


def range_of(name: str, rule: str) -> tuple[float, float] | None:
    """Least and largest value of a number; None for a choice."""
    if name in ("eta", "alpha"):
        return tuple(SETTINGS["kinds"][kind_of(rule)][name]["range"])
    bounds = SETTINGS["fields"][name].get("range")
    return tuple(bounds) if bounds else None


def default_of(name: str, network: str = "cnn", rule: str = "delta") -> Any:
    """What a setting is where nobody says: for η and α the golden values, or DLR's."""
    if name in ("eta", "alpha"):
        return SETTINGS["kinds"][kind_of(rule)][name]["mark"]
    defaults = SETTINGS["defaults"]
    return defaults["all"][name] if name in defaults["all"] else defaults[network][name]


def check_setting(name: str, value: Any, rule: str = "delta") -> Any:
    """The value as plain Python, refused if it is none of the choices or out of range.

    Args:
        name: a field of `SETTINGS`.
        value: what was given.
        rule: the update rule, on which the ranges of η and α depend.

    Raises:
        ValueError: says what it must be, in one sentence.
    """
    field, bounds = SETTINGS["fields"][name], range_of(name, rule)
    if bounds is None:
        if value not in field["choices"]:
            raise ValueError(f"{name} must be one of {', '.join(field['choices'])}, got {value!r}")
        return str(value)
    least, most = bounds
    whole = name not in ("eta", "alpha")
    is_number = isinstance(value, Real) and not isinstance(value, bool) and isfinite(value)
    if not is_number or (whole and not is_integer(value)) or not least <= value <= most:
        number = "a whole number" if whole else "a number"
        under = "" if whole else f" under {rule}"
        raise ValueError(
            f"{name} must be {number} from {written(least)} to {written(most)}{under}, "
            f"got {value!r}"
        )
    return int(value) if whole else float(value)


@dataclass(frozen=True)
class Checked:
    """What all settings have in common; `of` fills in what is missing and checks the rest."""

    network: str
    loss: str
    rule: str
    data: str
    hidden: int
    batch_size: int
    seed: int
    epochs: int

    @classmethod
    def of(cls, **given: Any) -> Self:
        """Settings from those given; what is missing or None is the default that goes with them.

        Raises:
            ValueError: if a name is unknown or a value out of range.
        """
        names = [field.name for field in fields(cls)]
        for name in given:
            if name not in names:
                raise ValueError(f"a setting must be one of {', '.join(names)}, got {name!r}")
        made: dict[str, Any] = {}
        for name in names:
            value = given.get(name)
            value = cls._default(name, made) if value is None else value
            made[name] = cls._check(name, value, made)
        return cls(**made)

    @staticmethod
    def _default(name: str, made: Mapping[str, Any]) -> Any:
        """What a setting is where nobody says, after the settings before it."""
        raise NotImplementedError

    @staticmethod
    def _check(name: str, value: Any, made: Mapping[str, Any]) -> Any:
        """A setting's value, or a ValueError that says what it must be."""
        raise NotImplementedError

    def plain(self) -> dict[str, Any]:
        """As a plain dictionary, for messages and links."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True)
class Settings(Checked):
    """The settings of one run; `of` fills in and checks."""

    eta: float
    alpha: float

    @staticmethod
    def _default(name: str, made: Mapping[str, Any]) -> Any:
        return default_of(name, made.get("network", "cnn"), made.get("rule", "delta"))

    @staticmethod
    def _check(name: str, value: Any, made: Mapping[str, Any]) -> Any:
        return check_setting(name, value, made.get("rule", "delta"))

    def changed(self, **given: Any) -> "Settings":
        """These settings with some others; η and α follow where the rule gives α another meaning.

        Raises:
            ValueError: if a name is unknown or a value out of range.
        """
        kept = self.plain()
        rule = check_setting("rule", given.get("rule", self.rule))
        if kind_of(rule) != kind_of(self.rule):
            kept = {**kept, "eta": None, "alpha": None}
        return Settings.of(**{**kept, **given})

    def at(self, eta: float, alpha: float) -> "Settings":
        """The same with another η and α."""
        return replace(self, eta=eta, alpha=alpha)


def written(value: float) -> str:
    """A number as JavaScript writes it: the shortest digits that read back exactly."""
    digits = repr(float(value))
    if digits in ("inf", "-inf", "nan"):
        return {"inf": "Infinity", "-inf": "-Infinity", "nan": "NaN"}[digits]
    sign = "-" if digits.startswith("-") else ""
    mantissa, _, power = digits.lstrip("-").partition("e")
    before, _, after = mantissa.partition(".")
    exponent = int(power or 0) + len(before)
    figures = before + after
    exponent -= len(figures) - len(figures.lstrip("0"))
    figures = figures.strip("0")
    if not figures:
        return "0"
    n, k = exponent, len(figures)  # value = 0.figures · 10ⁿ, as in ECMA-262, Number::toString
    if k <= n <= 21:
        text = figures + "0" * (n - k)
    elif 0 < n <= 21:
        text = f"{figures[:n]}.{figures[n:]}"
    elif -6 < n <= 0:
        text = f"0.{'0' * -n}{figures}"
    else:
        rest = f".{figures[1:]}" if k > 1 else ""
        text = f"{figures[0]}{rest}e{'+' if n > 0 else '-'}{abs(n - 1)}"
    return sign + text
