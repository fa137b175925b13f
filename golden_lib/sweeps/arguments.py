"""From plain settings to the arguments of `golden_lib.training.train`."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

import torch

from golden_lib.data import folds, load
from golden_lib.nets import Network, find_network


def train_arguments(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The keyword arguments that a block's settings stand for; reads the data where it must.

    Args:
        settings: of a `Block`.

    Raises:
        ValueError: if the data are too few for the fold or for the number asked for.
        OSError: if the data are not to be had.
    """
    given = dict(settings)
    seed, name = given.get("seed", 0), given.get("data", "digits")
    size, fold = given.pop("train_size", None), given.pop("fold", None)
    if "network" in given:
        given["network"] = plain_network(given["network"])
    if "dtype" in given:
        given["dtype"] = getattr(torch, given["dtype"])
    if size is None and fold is None:
        return given
    digits = load(name)
    if size is not None:
        if size > len(digits):
            raise ValueError(f"train_size must be <= the {len(digits)} of {name}, got {size}")
        digits = digits[:size]
    if fold is not None:
        given["test"] = folds(len(digits), fold[1], seed)[fold[0]][1]
    elif name == "mnist":
        digits = digits, load("mnist", train=False)
    return {**given, "data": digits}


def plain_network(network: str | Mapping[str, Any]) -> Network:
    """The network of that name, or of that name and size.

    Args:
        network: ``"cnn"``, or ``{"name": "mlp", "hidden": 30}``.

    Raises:
        ValueError: if there is no such network, or it has no such size.
    """
    if isinstance(network, str):
        return find_network(network)
    if not isinstance(network, Mapping) or not isinstance(network.get("name"), str):
        raise ValueError(f"network must be a name or have a name, got {network!r}")
    found = find_network(network["name"])
    sizes = {name: value for name, value in network.items() if name != "name"}
    known = [field.name for field in fields(found)] if is_dataclass(found) else []
    if not sizes.keys() <= set(known):
        unknown = ", ".join(sorted(sizes.keys() - set(known)))
        raise ValueError(f"{found.name}'s sizes must be among {', '.join(known)}, got {unknown}")
    return replace(found, **sizes) if sizes else found
