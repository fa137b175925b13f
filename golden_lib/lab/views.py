"""What the panels of a lab show of one network: filters, mistakes, the rates of its synapses."""

from collections.abc import Iterable
from typing import Final

import numpy as np
import torch

from golden_lib.lab.course import Course
from golden_lib.lab.wire import Arrays, Message
from golden_lib.optim import dlr_rate
from golden_lib.training.step import EVALUATED

PANELS: Final = ("filters", "mistakes", "rates")
SHOWN: Final = 24
"""Mistakes that are shown, of all that there are."""
BINS: Final = 40
"""Bars of a layer's histogram."""
NOTHING: Final = 255
"""Class that a network whose numbers are not finite gives to a digit."""


def view(course: Course, panels: Iterable[str], replica: int = 0) -> tuple[Message, Arrays]:
    """The message that shows some panels, and its arrays.

    Args:
        course: the run.
        panels: of `PANELS`; rates are there under DLR alone.
        replica: which network.
    """
    panels = [name for name in PANELS if name in panels]
    if course.settings.rule not in ("dlr", "dlr_incoming"):
        panels = [name for name in panels if name != "rates"]
    message: Message = {"type": "view", "step": course.step, "panels": panels}
    arrays: Arrays = {}
    makers = {"filters": _filters, "mistakes": _mistakes, "rates": _rates}
    for name in panels:
        more, found = makers[name](course, replica)
        message |= more
        arrays |= found
    return message, arrays


def prediction(course: Course, image: np.ndarray, replica: int = 0) -> np.ndarray:
    """Probabilities ``(10,)`` that a network gives to an image ``(784,)`` of values in [0, 1].

    Raises:
        ValueError: if the image is another.
    """
    image = np.asarray(image, dtype=np.float32)
    if image.shape != (784,) or not ((image >= 0) & (image <= 1)).all():
        raise ValueError(f"image must hold 784 values in [0, 1], got shape {image.shape}")
    x = torch.from_numpy(image.copy()).view(1, 28, 28)
    return _probabilities(course, x)[replica, 0].numpy(force=True)


def _filters(course: Course, replica: int) -> tuple[dict, Arrays]:
    weights = course.network.first_layer(course.run.state.params)[replica]
    return {}, {"filters": weights.to(torch.float32).numpy(force=True)}


def _mistakes(course: Course, replica: int) -> tuple[dict, Arrays]:
    division = course.run.digits
    index = division.test_index
    tested = division.test[index[replica] if index.dim() == 2 else index]
    given = torch.cat([_probabilities(course, x)[replica] for x in tested.images.split(EVALUATED)])
    said = torch.where(given.isfinite().all(-1), given.argmax(-1), NOTHING)
    wrong = (said != tested.labels).nonzero()[:, 0]
    shown = wrong[:SHOWN]
    images = (tested.images[shown] * 255).round().to(torch.uint8)
    arrays = {
        "images": images.numpy(force=True),
        "said": said[shown].to(torch.uint8).numpy(force=True),
        "labels": tested.labels[shown].to(torch.uint8).numpy(force=True),
        "probabilities": given[shown].to(torch.float32).numpy(force=True),
    }
    return {"wrong": len(wrong), "tested": len(tested)}, arrays


def _rates(course: Course, replica: int) -> tuple[dict, Arrays]:
    norm = "outgoing" if course.settings.rule == "dlr" else "incoming"
    eta, alpha = float(course.eta[replica]), float(course.alpha[replica])
    counts, edges, layers = [], [], []
    for name, weight in course.run.state.params.items():
        if weight.dim() < 3:  # a bias has one rate, η₀
            continue
        rates = dlr_rate(weight[replica : replica + 1], eta, alpha, norm).numpy(force=True)
        rates = rates[np.isfinite(rates)]
        low, high = (rates.min(), rates.max()) if len(rates) else (0.0, eta)
        if not high > low:
            low, high = low - 0.005 * eta, high + 0.005 * eta
        count, edge = np.histogram(rates, BINS, (low, high))
        layers.append(name.partition(".")[0])
        counts.append(count)
        edges.append(edge)
    arrays = {
        "rate_counts": np.array(counts, dtype=np.float32),
        "rate_edges": np.array(edges, dtype=np.float32),
    }
    return {"layers": layers}, arrays


@torch.no_grad()
def _probabilities(course: Course, x: torch.Tensor) -> torch.Tensor:
    """Probabilities ``(R, B, 10)``, each unit's own where they are logistic."""
    state = course.run.state
    some = next(iter(state.params.values()))
    x = x.to(some.device, some.dtype)
    logits, _ = course.network.forward(state.params, state.buffers, x, train=False)
    return logits.sigmoid() if course.settings.loss == "logistic_sse" else logits.softmax(-1)
