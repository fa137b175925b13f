"""A link to a plane: ``kind=plane``, ranges as ``eta=lo:hi``, and ``cells``; else as `link` has it.

`static/plane_link.js` reads and writes the same strings; `tests/lab_planes.json` holds the two
together.
"""

from dataclasses import dataclass
from typing import Any

from golden_lib.lab.link import choice_in, id_in, number_in, pairs_of, quoted
from golden_lib.lab.plane_settings import PLANE, Plane, Range, check_width, default_of_plane
from golden_lib.lab.settings import SETTINGS, range_of, written

_KIND = "plane"


@dataclass(frozen=True)
class PlaneLink:
    """What a link to a plane says."""

    plane: Plane
    steps: int = 0
    """How far the sender had trained."""
    id: str = ""
    """Which lab of a page is meant; empty where the link does not say."""
    messages: tuple[str, ...] = ()
    """What was ignored or clamped, a sentence each."""


def read_plane(text: str) -> PlaneLink:
    """Read a link to a plane: the part from ``#`` on, or a whole address.

    What is missing takes its default. A value out of range is clamped and an unknown name ignored,
    each with a message.

    Raises:
        ValueError: if it is no link to a plane of this version, or a value is nonsense.
    """
    messages: list[str] = []
    given = pairs_of(text, ("kind", "cells", "steps", "id"), messages)
    if given.get("kind") != _KIND:
        found = quoted(given["kind"]) if "kind" in given else "none"
        raise ValueError(f"a link to a plane must say kind={_KIND}, got {found}")
    made: dict[str, Any] = {}
    for name, field in {**SETTINGS["fields"], "cells": PLANE["cells"]}.items():
        default = default_of_plane(name, made.get("network", ""), made.get("rule", ""))
        value = given.get(field["link"])
        if value is None:
            made[name] = default
        elif "choices" in field:
            made[name] = choice_in(name, value, field["choices"], default, messages)
        elif name in ("eta", "alpha"):
            made[name] = _range(name, value, made["rule"], messages)
        else:
            made[name] = number_in(name, value, field["range"], True, messages)
    most = SETTINGS["limits"]["steps"]
    steps = number_in("steps", given.get("steps", "0"), (0, most), True, messages)
    name = id_in(given, messages)
    return PlaneLink(Plane.of(**made), steps, name, tuple(messages))


def write_plane(plane: Plane, steps: int = 0, id: str = "") -> str:
    """Write a link, beginning with ``#``; `read_plane` gives the same numbers back, exactly."""
    pairs = [("lab", str(SETTINGS["version"])), ("kind", _KIND)]
    for name, field in SETTINGS["fields"].items():
        if name != "hidden" or plane.network == "mlp":
            pairs.append((field["link"], _text(getattr(plane, name))))
    pairs += [("cells", str(plane.cells)), ("steps", str(steps))]
    if id:
        pairs.append(("id", id))
    return "#" + "&".join(f"{name}={value}" for name, value in pairs)


def plane_code(plane: Plane, steps: int = 0) -> str:
    """Python that repeats a plane."""
    lines = ["from golden_lib.lab import PlaneLab", "", "lab = PlaneLab("]
    for name, value in plane.plain().items():
        if name != "hidden" or plane.network == "mlp":
            said = f'"{value}"' if isinstance(value, str) else _text(value)
            said = f"({said.replace(':', ', ')})" if isinstance(value, tuple) else said
            lines.append(f"    {name}={said},")
    lines += [")", f"lab.train(steps={steps} - lab.step)", 'lab.plane["test_accuracy"]', ""]
    return "\n".join(lines)


def _text(value: Any) -> str:
    if isinstance(value, tuple):
        return ":".join(written(v) for v in value)
    return value if isinstance(value, str) else written(value)


def _range(name: str, text: str, rule: str, messages: list[str]) -> Range:
    ends = text.split(":")
    if len(ends) != 2:
        raise ValueError(f"{name} must be low:high, got {quoted(text)}")
    bounds = range_of(name, rule)
    low, high = (number_in(name, end, bounds, False, messages) for end in ends)
    return check_width(name, (low, high), rule)
