"""An experiment's options: dataclass fields that know their range, and say what they are for."""

from collections.abc import Iterable, Sequence
from dataclasses import Field, field
from math import isfinite
from typing import Any

from golden_lib.data.draws import is_integer


def option(
    default: Any,
    meaning: str,
    *,
    least: float | None = None,
    above: float | None = None,
    most: float | None = None,
    below: float | None = None,
    choices: Iterable[str] = (),
) -> Any:
    """A field of an experiment; its type is its default's: a text, a number, or a tuple of them.

    Args:
        default: its value where none is given.
        meaning: what it is, in the words of the command line's help.
        least: it must be >= this.
        above: it must be > this.
        most: it must be <= this.
        below: it must be < this.
        choices: the texts it may be.
    """
    limits = {">=": least, ">": above, "<=": most, "<": below}
    limits = {sign: limit for sign, limit in limits.items() if limit is not None}
    known = {"meaning": meaning, "limits": limits, "choices": tuple(choices)}
    return field(default=default, metadata=known)


def checked(given: Field, value: Any) -> Any:
    """The value of an option as its experiment keeps it.

    Args:
        given: the option.
        value: a number, a text, or a sequence where the option is a tuple.

    Raises:
        ValueError: naming the option, if the value has another type or is out of range.
    """
    if not isinstance(given.default, tuple):
        return _one(given, type(given.default), value)
    if isinstance(value, str) or not isinstance(value, Sequence | range) or not len(value):
        raise ValueError(f"{given.name} must be at least one number, got {value!r}")
    return tuple(_one(given, type(given.default[0]), item) for item in value)


def _one(given: Field, kind: type, value: Any) -> Any:
    choices, limits = given.metadata["choices"], given.metadata["limits"]
    if kind is str:
        if value not in choices:
            raise ValueError(f"{given.name} must be one of {', '.join(choices)}, got {value!r}")
        return value
    number = isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
    if not (is_integer(value) if kind is int else number):
        what = "a whole number" if kind is int else "a finite number"
        raise ValueError(f"{given.name} must be {what}, got {value!r}")
    for sign, limit in limits.items():
        if not _HOLDS[sign](value, limit):
            raise ValueError(f"{given.name} must be {sign} {limit:g}, got {value}")
    return kind(value)


_HOLDS = {
    ">=": lambda x, limit: x >= limit,
    ">": lambda x, limit: x > limit,
    "<=": lambda x, limit: x <= limit,
    "<": lambda x, limit: x < limit,
}
