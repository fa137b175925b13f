"""A link is a run: its settings, the moves of η and α, and how far it went, as one string.

`static/link.js` reads and writes the same strings; `tests/lab_links.json` holds the two together.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from golden_lib.lab.settings import SETTINGS, Settings, default_of, range_of, written

Move = tuple[int, float, float]
"""Step, η, α: from update ``step + 1`` on, the run has this η and this α."""

_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?", re.ASCII)
_ESCAPE = re.compile(r"%([0-7][0-9A-Fa-f])")
_ID = re.compile(r"[A-Za-z0-9_-]{1,40}", re.ASCII)
_SHOWN: Final = 40  # characters of a stranger's text that a message repeats


@dataclass(frozen=True)
class Link:
    """What a link says."""

    settings: Settings
    """η and α are those at step 0."""
    moves: tuple[Move, ...] = ()
    steps: int = 0
    """How far the sender had trained."""
    id: str = ""
    """Which lab of a page is meant; empty where the link does not say."""
    messages: tuple[str, ...] = ()
    """What was ignored or clamped, a sentence each."""


def read_link(text: str) -> Link:
    """Read a link: the part from ``#`` on, or a whole address.

    What is missing takes its default, the golden values for η and α. A value out of range is
    clamped and an unknown name ignored, each with a message.

    Raises:
        ValueError: if it is no link of this version, or a value is nonsense.
    """
    limits = SETTINGS["limits"]
    messages: list[str] = []
    given = pairs_of(text, ("kind", "steps", "moves", "id"), messages)
    if "kind" in given:
        kind = quoted(given["kind"])
        raise ValueError(f"a link to a run must say no kind, got {kind}: another lab reads it")
    made: dict[str, Any] = {}
    for name, field in SETTINGS["fields"].items():
        network, rule = made.get("network", "cnn"), made.get("rule", "delta")
        default = default_of(name, network, rule)
        value = given.get(field["link"])
        if value is None:
            made[name] = default
        elif "choices" in field:
            made[name] = choice_in(name, value, field["choices"], default, messages)
        else:
            whole = name not in ("eta", "alpha")
            made[name] = number_in(name, value, range_of(name, rule), whole, messages)
    steps = number_in("steps", given.get("steps", "0"), (0, limits["steps"]), True, messages)
    moves = _moves(given.get("moves", ""), made["rule"], messages)
    name = id_in(given, messages)
    return Link(Settings.of(**made), moves, steps, name, tuple(messages))


def write_link(settings: Settings, moves: Sequence[Move] = (), steps: int = 0, id: str = "") -> str:
    """Write a link, beginning with ``#``; `read_link` gives the same numbers back, exactly."""
    pairs = [("lab", str(SETTINGS["version"]))]
    for name, field in SETTINGS["fields"].items():
        value = getattr(settings, name)
        if name != "hidden" or settings.network == "mlp":
            pairs.append((field["link"], value if isinstance(value, str) else written(value)))
    pairs.append(("steps", str(steps)))
    if moves:
        each = (f"{step}:{written(eta)}:{written(alpha)}" for step, eta, alpha in moves)
        pairs.append(("moves", ",".join(each)))
    if id:
        pairs.append(("id", id))
    return "#" + "&".join(f"{name}={value}" for name, value in pairs)


def repeating_code(settings: Settings, moves: Sequence[Move] = (), steps: int = 0) -> str:
    """Python that repeats a run: the same numbers, move by move."""
    lines = ["from golden_lib.lab import TrainingLab", "", "lab = TrainingLab("]
    for name, value in settings.plain().items():
        if name != "hidden" or settings.network == "mlp":
            said = f'"{value}"' if isinstance(value, str) else written(value)
            lines.append(f"    {name}={said},")
    lines.append(")")
    if moves:
        lines.append("for step, eta, alpha in [")
        lines += [f"    ({s}, {written(eta)}, {written(alpha)})," for s, eta, alpha in moves]
        lines += [
            "]:",
            "    lab.train(steps=step - lab.step)",
            "    lab.eta, lab.alpha = eta, alpha",
        ]
    lines += [f"lab.train(steps={steps} - lab.step)", "lab.history", ""]
    return "\n".join(lines)


def pairs_of(text: str, others: Sequence[str], messages: list[str]) -> dict[str, str]:
    """The names and values of a link of this version; of two of a name, the first.

    Args:
        text: the link, from ``#`` on, or a whole address.
        others: names that are known beside the settings'.
        messages: takes a sentence for each pair that is ignored.

    Raises:
        ValueError: if the text is too long, or no link of this version.
    """
    most = SETTINGS["limits"]["characters"]
    if len(text) > most:
        raise ValueError(f"a link must have at most {most} characters, got {len(text)}")
    known = {field["link"] for field in SETTINGS["fields"].values()} | {"lab", *others}
    given: dict[str, str] = {}
    bare = text.strip().partition("#")[2] if "#" in text else text.strip()
    for part in filter(None, bare.split("&")):
        name, _, value = _unescaped(part).partition("=")
        if name not in known:
            messages.append(f"{quoted(name)} is no setting of the lab and is ignored")
        elif name in given:
            messages.append(f"{name} is given twice: the first counts")
        else:
            given[name] = value
    if given.get("lab") != str(SETTINGS["version"]):
        found = quoted(given["lab"]) if "lab" in given else "none"
        raise ValueError(f"a link must say lab={SETTINGS['version']}, got {found}")
    return given


def _unescaped(text: str) -> str:
    """The text with %3A and its like, which some programs make of a link, put back."""
    return _ESCAPE.sub(lambda match: chr(int(match[1], 16)), text)


def choice_in(name, value, choices, default, messages) -> str:
    """One of the choices: the default, with a message, where the text is none."""
    if value in choices:
        return value
    known = ", ".join(choices)
    messages.append(f"{name} must be one of {known}, got {quoted(value)}: {default} is taken")
    return default


def number_in(name: str, text: str, bounds, whole: bool, messages: list[str]) -> float:
    """The number in a text, clamped to its bounds; refused where it is none."""
    value = float(text) if _NUMBER.fullmatch(text) else float("nan")
    if value - value != 0:  # nan, inf
        raise ValueError(f"{name} must be a number, got {quoted(text)}")
    if whole and value != int(value):
        raise ValueError(f"{name} must be a whole number, got {quoted(text)}")
    least, most = bounds
    kept = min(max(value, least), most)
    if kept != value:
        messages.append(
            f"{name} must be from {written(least)} to {written(most)}, "
            f"got {written(value)}: {written(kept)} is taken"
        )
    return int(kept) if whole else float(kept) + 0.0  # not −0


def id_in(given: dict[str, str], messages: list[str]) -> str:
    """Which lab of a page is meant; empty where the link does not say, or says no name."""
    name = given.get("id", "")
    if name and not _ID.fullmatch(name):
        messages.append(f"id must be letters and digits, got {quoted(name)}: it is ignored")
        name = ""
    return name


def _moves(text: str, rule: str, messages: list[str]) -> tuple[Move, ...]:
    parts, most = text.split(",") if text else [], SETTINGS["limits"]["moves"]
    if len(parts) > most:
        raise ValueError(f"moves must be at most {most}, got {len(parts)}")
    moves: list[Move] = []
    for part in parts:
        numbers = part.split(":")
        if len(numbers) != 3:
            raise ValueError(f"a move must be step:eta:alpha, got {quoted(part)}")
        step = number_in(
            "a move's step", numbers[0], (0, SETTINGS["limits"]["steps"]), True, messages
        )
        if moves and step <= moves[-1][0]:
            raise ValueError(f"the steps of moves must ascend, got {step} after {moves[-1][0]}")
        eta = number_in("a move's eta", numbers[1], range_of("eta", rule), False, messages)
        alpha = number_in("a move's alpha", numbers[2], range_of("alpha", rule), False, messages)
        moves.append((step, eta, alpha))
    return tuple(moves)


def quoted(text: str) -> str:
    """A stranger's text in a message: short, in quotes."""
    return f'"{text[:_SHOWN]}{"…" if len(text) > _SHOWN else ""}"'
