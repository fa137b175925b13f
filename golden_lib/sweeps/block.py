"""A block of a sweep: replicas that train at once, as a plain configuration with a key."""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any, Final

from golden_lib.data import DATASETS
from golden_lib.data.draws import check_count, is_integer
from golden_lib.losses import find_loss
from golden_lib.optim import find_rule
from golden_lib.sweeps.arguments import plain_network
from golden_lib.sweeps.version import code_version


@dataclass(frozen=True)
class Block:
    """Replicas that train at once: one task of a sweep, and one file of its store.

    Two blocks with the same settings are the same work, whatever they are called, and their
    numbers hold as long as the code behind them does: `key` is made of these two.

    Args:
        label: what messages and tables call it.
        settings: arguments of `golden_lib.training.train`, each None or left out for its default,
            as plain values; tuples, ranges and arrays become lists. They are

            - ``"network"``: a name, or ``{"name": "mlp", "hidden": 30}``;
            - ``"loss"``, ``"rule"``, ``"data"``: names; ``"dtype"``: ``"float32"``, ``"float64"``;
            - ``"seeds"``: R integers; ``"eta"``, ``"alpha"``: a number, or R of them;
            - ``"epochs"``, ``"batch_size"``, ``"order"``, ``"seed"``, ``"every"``,
              ``"test_every"``: as there. Replicas share their batches unless the order is
              ``"own"``, and that is the fast way;
            - ``"fold"``: ``[k, count]`` tests on fold k = 0 … count − 1 of `golden_lib.data.folds`
              by ``"seed"``, and trains on the others;
            - ``"train_size"``: take the first so many digits of the data alone, for a quick run.

    Raises:
        ValueError: naming the block, if a setting is unknown, not plain, out of range or of the
            wrong shape. What only the data can tell, training tells.
    """

    label: str
    settings: dict[str, Any]

    def __post_init__(self):
        if not isinstance(self.label, str) or not self.label:
            raise ValueError(f"label must be a text that says something, got {self.label!r}")
        try:
            object.__setattr__(self, "settings", _checked(self.settings))
        except ValueError as error:
            raise ValueError(f"{error} (block {self.label!r})") from None

    def __hash__(self) -> int:
        return hash((self.label, self._text))

    @property
    def key(self) -> str:
        """32 hexadecimal digits that stand for the settings and the code, not for the label."""
        return hashlib.sha256(f"{code_version()} {self._text}".encode()).hexdigest()[:32]

    @property
    def seeds(self) -> list[int]:
        """Seeds of the initial weights, R of them."""
        return self.settings.get("seeds", [0])

    @property
    def _text(self) -> str:
        return json.dumps(self.settings, sort_keys=True, allow_nan=False)


def _checked(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings as plain values, each one looked at."""
    if not isinstance(settings, Mapping):
        raise ValueError(f"settings must be a mapping, got {settings!r}")
    if not settings.keys() <= _CHECKS.keys():
        unknown = ", ".join(sorted(map(str, settings.keys() - _CHECKS.keys())))
        raise ValueError(f"settings must be among {', '.join(_CHECKS)}, got {unknown}")
    given = {k: _plain(k, v) for k, v in settings.items() if v is not None}
    return {
        name: check(name, given[name], given) for name, check in _CHECKS.items() if name in given
    }


def _plain(name: str, value: Any) -> Any:
    """The value as JSON has it, refused if it has none."""
    if isinstance(value, bool | str) or (isinstance(value, float) and isfinite(value)):
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, Mapping):
        return {key: _plain(name, item) for key, item in value.items()}
    if isinstance(value, list | tuple | range):
        return [_plain(name, item) for item in value]
    if hasattr(value, "tolist"):  # NumPy's arrays and numbers, and tensors
        return _plain(name, value.tolist())
    raise ValueError(f"{name} must be plain: texts, finite numbers, lists of them; got {value!r}")


def _network(name: str, value: Any, given: Mapping[str, Any]) -> Any:
    plain_network(value)
    return value


def _among(*names: str) -> Callable:
    def check(name: str, value: Any, given: Mapping[str, Any]) -> str:
        if not isinstance(value, str) or value not in names:
            raise ValueError(f"{name} must be one of {', '.join(names)}, got {value!r}")
        return value

    return check


def _found(find: Callable[[str], Any]) -> Callable:
    def check(name: str, value: Any, given: Mapping[str, Any]) -> str:
        if not isinstance(value, str):
            raise ValueError(f"{name} must be a name, got {value!r}")
        find(value)
        return value

    return check


def _count(least: int) -> Callable:
    def check(name: str, value: Any, given: Mapping[str, Any]) -> int:
        return check_count(name, value, least)

    return check


def _rate(name: str, value: Any, given: Mapping[str, Any]) -> float | list[float]:
    """η or α: a number, or one for each seed, in the range that the rule takes."""
    R = len(given.get("seeds", [0]))
    numbers = value if isinstance(value, list) else [value]
    if isinstance(value, list) and len(value) != R:
        raise ValueError(f"{name} must be a number or {R}, one for each seed, got {len(value)}")
    if not all(isinstance(x, int | float) and not isinstance(x, bool) for x in numbers):
        raise ValueError(f"{name} must be a number or a list of them, got {value!r}")
    momentum = name == "alpha" and find_rule(given.get("rule", "delta")).momentum
    if momentum and not all(0 <= x < 1 for x in numbers):
        raise ValueError(f"alpha must be in [0, 1), got {value}")
    if not momentum and not all(x > 0 for x in numbers):
        raise ValueError(f"{name} must be > 0, got {value}")
    return [float(x) for x in value] if isinstance(value, list) else float(value)


def _seeds(name: str, value: Any, given: Mapping[str, Any]) -> list[int]:
    if not isinstance(value, list) or not value:
        raise ValueError(f"seeds must be a list of at least one seed, got {value!r}")
    if not all(is_integer(seed) and 0 <= seed < 2**32 for seed in value):
        raise ValueError(f"seeds must be integers in [0, 2**32), got {value}")
    return value


def _fold(name: str, value: Any, given: Mapping[str, Any]) -> list[int]:
    most = given.get("train_size")
    pair = value if isinstance(value, list) and len(value) == 2 else [None, None]
    if not all(map(is_integer, pair)) or not 0 <= pair[0] < pair[1] or pair[1] < 2:
        raise ValueError(f"fold must be [k, count] with 0 <= k < count >= 2, got {value!r}")
    if is_integer(most) and pair[1] > most:
        raise ValueError(f"fold must be one of at most {most}, the train_size, got {value}")
    return value


def _test_every(name: str, value: Any, given: Mapping[str, Any]) -> int:
    every = given.get("every", 1)
    if check_count(name, value) % every:
        raise ValueError(f"test_every must be a multiple of every = {every}, got {value}")
    return value


_CHECKS: Final[dict[str, Callable]] = {
    "network": _network,
    "loss": _found(find_loss),
    "rule": _found(find_rule),
    "data": _among(*DATASETS),
    "seeds": _seeds,
    "eta": _rate,
    "alpha": _rate,
    "epochs": _count(0),
    "batch_size": _count(1),
    "order": _among("shared", "own"),
    "seed": _count(0),
    "every": _count(1),
    "test_every": _test_every,
    "dtype": _among("float32", "float64"),
    "fold": _fold,
    "train_size": _count(1),
}
"""Every setting, and what looks at it; an earlier one may be relied on by a later one."""
