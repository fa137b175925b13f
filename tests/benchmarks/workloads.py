"""What is trained: the same digits, batches, losses and rules for every side."""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from golden_lib.data import CLASSES, rendered_digits
from golden_lib.golden import ALPHA, ETA
from golden_lib.nets import Cnn, Mlp
from golden_lib.training import Feed


@dataclass(frozen=True)
class Workload:
    """R networks trained for some epochs; batches are shared by all, or each network's own.

    Attributes:
        name: its key in files and on the command line.
        network: `Cnn` or `Mlp`.
        loss: ``"cross_entropy"``, ``"energy"`` or ``"logistic_sse"``.
        rule: ``"delta"`` (with every α = 0 it is plain SGD) or ``"dlr"``.
        etas: η of each network, R of them.
        alphas: α of each network.
        batch: B.
        images: digits in the training set; the last ones of an epoch, fewer than B, are left out.
        epochs: times that they are seen.
        own: whether each network has batches of its own.
        alone: how many of the R are trained by those who train one network after the other; their
            time is that of R by proportion.
        memory: whether peak memory is measured as well.
        dtype: of the computation.
    """

    name: str
    network: Cnn | Mlp
    loss: str
    rule: str
    etas: tuple[float, ...]
    alphas: tuple[float, ...]
    batch: int
    images: int
    epochs: int = 1
    own: bool = False
    alone: int = 1
    memory: bool = False
    dtype: torch.dtype = torch.float32

    @property
    def replicas(self) -> int:
        """R."""
        return len(self.etas)

    @property
    def steps(self) -> int:
        """Updates of each network in a run."""
        return self.epochs * (self.images // self.batch)

    @property
    def momentum(self) -> bool:
        """Whether the rule has to remember a step."""
        return self.rule == "delta" and any(self.alphas)

    @property
    def title(self) -> str:
        """What it is, for a table's reader."""
        net = self.network
        kind = "CNN" if isinstance(net, Cnn) else f"MLP 784–{net.hidden}–{net.classes}"
        rule = "DLR" if self.rule == "dlr" else "momentum" if self.momentum else "SGD"
        many = "1 network" if self.replicas == 1 else f"{self.replicas} networks"
        grid = ", own η and α" if len(set(zip(self.etas, self.alphas, strict=True))) > 1 else ""
        own = ", own batches" if self.own else ""
        loss = {"cross_entropy": "cross-entropy", "logistic_sse": "SSE"}.get(self.loss, self.loss)
        return f"{kind}, batch {self.batch}, {loss}, {rule}, {many}{grid}{own}"

    @cached_property
    def data(self) -> Tensor:
        """Images ``(n, 28, 28)``."""
        return rendered_digits(self.images).images.to(self.dtype)

    @cached_property
    def targets(self) -> Tensor:
        """Classes ``(n,)`` for cross-entropy; for the other losses one-hot rows, made only once."""
        labels = rendered_digits(self.images).labels
        if self.loss == "cross_entropy":
            return labels
        return functional.one_hot(labels, CLASSES).to(self.dtype)

    def weights(self) -> dict[str, Tensor]:
        """Weights and running statistics to start from: those of the seeds 0 … R − 1, fresh."""
        params, buffers = self.network.init(range(self.replicas), self.dtype)
        return params | buffers

    def orders(self) -> Tensor:
        """The library's own orders, ``(R, epochs, n)``, for checks on equal batches."""
        seeds = tuple(range(self.replicas)) if self.own else (0,)
        index = torch.arange(self.images)
        feed = Feed(rendered_digits(self.images), index, self.batch, seeds)
        orders = torch.stack([feed.order(epoch) for epoch in range(self.epochs)], -2)
        return orders.expand(self.replicas, self.epochs, self.images)

    def first(self, networks: int) -> "Workload":
        """The same with the first few networks alone."""
        return replace(self, etas=self.etas[:networks], alphas=self.alphas[:networks])

    def quick(self) -> "Workload":
        """The same for seconds: a tenth of the steps, two at least, and 4 networks at most."""
        images = max(2 * self.batch, self.images // 10)
        return replace(self.first(4), images=images, epochs=1, alone=min(self.alone, 2))

    def small(self, dtype: torch.dtype) -> "Workload":
        """The same for checks of equality: three networks, two epochs of five small batches."""
        batch = min(self.batch, 16)
        return replace(self.first(3), batch=batch, images=5 * batch + 1, epochs=2, dtype=dtype)


def _grid(etas, alphas) -> dict[str, tuple[float, ...]]:
    """Every pair of η and α, one network each."""
    pairs = [(float(eta), float(alpha)) for eta in etas for alpha in alphas]
    return dict(zip(("etas", "alphas"), zip(*pairs, strict=True), strict=True))


def _same(eta: float, alpha: float, replicas: int = 1) -> dict[str, tuple[float, ...]]:
    return {"etas": (eta,) * replicas, "alphas": (alpha,) * replicas}


_CNN = {"network": Cnn(), "loss": "cross_entropy", "rule": "delta", "batch": 128}
_ONLINE = {"network": Mlp(hidden=100), "loss": "logistic_sse", "batch": 1}
_ALONE = {"images": 3000}
_MANY = {"images": 300, "alone": 4}
_PLANE = {"loss": "logistic_sse", "rule": "delta", "batch": 32, "images": 3000, "alone": 8}
_MLP_PLANE = _grid(np.geomspace(0.002, 0.25, 8), np.linspace(0, 0.95, 8))
_RULES = {
    "sgd": {"rule": "delta", "eta": 0.1, "alpha": 0.0},
    "momentum": {"rule": "delta", "eta": ETA, "alpha": ALPHA},
    "dlr": {"rule": "dlr", "eta": 0.35, "alpha": 1.0},
}


def _online(name: str, replicas: int, size: dict) -> Workload:
    rule, eta, alpha = _RULES[name].values()
    key = f"online_{name}" if replicas == 1 else f"online_{name}_{replicas}"
    return Workload(key, **_ONLINE, rule=rule, **_same(eta, alpha, replicas), **size)


WORKLOADS: Final[dict[str, Workload]] = {
    work.name: work
    for work in (
        Workload("cnn_cross_entropy", **_CNN, **_same(ETA, ALPHA), images=9000),
        Workload("cnn_energy", **{**_CNN, "loss": "energy"}, **_same(ETA, ALPHA), images=9000),
        *(_online(name, 1, _ALONE) for name in _RULES),
        *(_online(name, 64, _MANY) for name in _RULES),
        Workload("plane_mlp_30", Mlp(hidden=30), **_PLANE, **_MLP_PLANE),
        Workload("plane_mlp_100", Mlp(hidden=100), **_PLANE, **_MLP_PLANE),
        Workload(
            "plane_cnn_16",
            **_CNN,
            **_grid(np.geomspace(ETA / 4, 8 * ETA, 4), np.linspace(0, 0.9, 4)),
            images=1024,
            alone=2,
            memory=True,
        ),
        Workload(
            "plane_cnn_64",
            **_CNN,
            **_grid(np.geomspace(ETA / 4, 8 * ETA, 8), np.linspace(0, 0.9, 8)),
            images=512,
            alone=4,
            memory=True,
        ),
        Workload("own_cnn_10", **_CNN, **_same(ETA, ALPHA, 10), images=1024, own=True, alone=2),
    )
}
"""All of them by name."""

QUICK: Final = (
    "cnn_cross_entropy",
    "online_dlr",
    "online_sgd_64",
    "plane_mlp_30",
    "plane_cnn_16",
    "own_cnn_10",
)
"""One of each kind."""
