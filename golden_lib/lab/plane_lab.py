"""The widget of a plane: a network for each pair of η and α, all in training at once."""

from typing import Any

import numpy as np
import traitlets

from golden_lib.lab.live import LiveWidget
from golden_lib.lab.modules import joined
from golden_lib.lab.plane_link import plane_code, read_plane, write_plane
from golden_lib.lab.plane_settings import Plane, Range, check_cells, check_range
from golden_lib.lab.plane_still import latest, plane_sentence, plane_still, thinned
from golden_lib.lab.settings import check_setting
from golden_lib.lab.wire import Arrays, Message, as_json
from golden_lib.training import History

_NAMES = tuple(Plane.__dataclass_fields__)
_SHARED = tuple(name for name in _NAMES if name not in ("eta", "alpha", "cells"))


class PlaneLab(LiveWidget):
    """Trains a plane of η and α live: networks that differ in these two alone, one in each cell.

    All cells start from the same weights and see the same batches; each makes the steps that
    `golden_lib.training.train` makes with its pair. η is logarithmic over the rows, α linear over
    the columns, logarithmic under DLR; both ends of a range are trained with.

    The settings are traits, to be assigned, linked and observed. A change is another plane: it acts
    when training begins again, at once where the plane is in training. A value out of range is
    refused, and the setting stays as it was.

    Args:
        network: ``"mlp"`` or ``"cnn"``; CNNs are slow, as there are ``cells``² of them.
        loss: a name in `LOSSES`; the network's own in its paper if None.
        rule: a name in `RULES`.
        data: a name in `DATASETS`.
        hidden: H, for the MLP.
        eta: least and largest η; the rule's own range if None.
        alpha: least and largest α.
        cells: rows, and columns, of the plane.
        batch_size: B.
        seed: of the initial weights, the digits held out and the order of the batches.
        epochs: where the run ends.

    Attributes:
        running: whether it trains; may be set, which is `play` and `pause`.
        step: updates made by each network; read only.
        message: the last thing there was to say, such as an error; empty if there was none.

    Raises:
        ValueError: if a value is out of range.
    """

    _esm = joined("plane")
    _kind = traitlets.Unicode("plane").tag(sync=True)
    eta = traitlets.Any().tag(sync=True)
    alpha = traitlets.Any().tag(sync=True)
    cells = traitlets.Int().tag(sync=True)

    def __init__(
        self,
        network: str = "mlp",
        hidden: int | None = None,
        loss: str | None = None,
        rule: str | None = None,
        data: str = "digits",
        *,
        eta: Range | None = None,
        alpha: Range | None = None,
        cells: int = 8,
        batch_size: int | None = None,
        seed: int = 0,
        epochs: int | None = None,
        title: str = "",
    ):
        given = Plane.of(
            network=network, hidden=hidden, loss=loss, rule=rule, data=data, eta=eta, alpha=alpha,
            cells=cells, batch_size=batch_size, seed=seed, epochs=epochs,
        )  # fmt: skip
        self._trained: Plane | None = None
        self._outer: list[tuple[Range, Range]] = []
        super().__init__(**given.plain(), title=title)

    @classmethod
    def from_link(cls, link: str) -> "PlaneLab":
        """A lab that repeats the plane of a link: `train` goes as far as its sender had trained.

        What the link had of impossible values is in `message`.

        Raises:
            ValueError: if it is no link to a plane.
        """
        read = read_plane(link)
        lab = cls(**read.plane.plain())
        lab._goal = read.steps or None
        with lab._telling():
            lab._link, lab.message = lab.link, "; ".join(read.messages)
        return lab

    @property
    def settings(self) -> Plane:
        """As they are now."""
        return Plane(**{name: getattr(self, name) for name in _NAMES})

    @property
    def history(self) -> History:
        """The records so far as arrays ``(T, R)``, the R cells row after row, η ascending."""
        course = self._kernel.course
        return History.stack([], self.cells**2) if course is None else course.history

    @property
    def plane(self) -> dict[str, np.ndarray]:
        """What each cell came to: arrays ``(cells, cells)``, η ascending over rows, α over columns.

        ``"test_accuracy"``, ``"train_accuracy"`` and ``"loss"`` as last measured, NaN where a cell
        has diverged; ``"diverged"``, the step at which it did, −1 for never; ``"eta"`` and
        ``"alpha"`` of each cell.
        """
        plane, course = self._told, self._kernel.course
        shape = plane.cells, plane.cells
        diverged = np.full(plane.cells**2, -1) if course is None else course.diverged
        found = latest(plane, course.records if course else [], diverged)
        eta, alpha = (np.reshape(values, shape) for values in plane.pairs)
        return {**found, "diverged": diverged.reshape(shape), "eta": eta, "alpha": alpha}

    @property
    def link(self) -> str:
        """The plane up to now as a string that `from_link`, and the page, repeat it from."""
        return write_plane(self._told, self._steps)

    @property
    def code(self) -> str:
        """Python that repeats the plane up to now."""
        return plane_code(self._told, self._steps)

    def change(self, **settings: Any) -> None:
        """Change several settings at once.

        Ranges that were the old rule's own, or mean something else under the new, become its own.

        Raises:
            ValueError: if a value is out of range; nothing is changed then.
        """
        self._assign(self.settings.changed(**settings))
        self._renew()

    def zoom(self, eta: Range | None = None, alpha: Range | None = None) -> "PlaneLab":
        """Go into a part of the plane, to be trained as a plane of its own; see `zoom_out`.

        Args:
            eta: least and largest η; as now if None.
            alpha: least and largest α; as now if None.

        Returns:
            This lab.

        Raises:
            ValueError: if a range is out of the rule's, or too narrow.
        """
        inner = self.settings.zoomed(eta, alpha)
        self._outer.append((self.eta, self.alpha))
        self.change(eta=inner.eta, alpha=inner.alpha)
        return self

    def zoom_out(self) -> "PlaneLab":
        """Go back to the ranges before the last `zoom`.

        Raises:
            ValueError: if there was none.
        """
        if not self._outer:
            raise ValueError("zoom_out must come after a zoom, got none")
        eta, alpha = self._outer.pop()
        self.change(eta=eta, alpha=alpha)
        return self

    def reset(self) -> None:
        """Go back to step 0, with the settings as they are now."""
        self._goal, self._begun = None, False
        self._begin()

    def shown(self) -> dict[str, Any]:
        """The plane so far as plain data: what a page shows where nothing trains."""
        state, arrays = self._kernel.state(())
        plane, course, now = self._told, self._kernel.course, self.plane
        tested = state["ready"]["test_images"]
        said = plane_sentence(plane, course.records, course.diverged, tested)
        state["records"] = thinned(state["records"])
        return {
            "kind": "plane",
            "title": self.title,
            "settings": plane.plain(),
            "link": self.link,
            "state": as_json({**state, "moves": [], "moments": []}, arrays),
            "still": plane_still(plane, now["test_accuracy"], said),
            "sentence": said,
        }

    @traitlets.validate(*_NAMES)
    def _admit(self, proposal: dict[str, Any]) -> Any:
        name, value = proposal["trait"].name, proposal["value"]
        rule = self.rule or "delta"
        try:
            if name == "cells":
                return check_cells(value)
            return (check_setting if name in _SHARED else check_range)(name, value, rule)
        except ValueError as error:
            raise traitlets.TraitError(str(error)) from None

    @traitlets.observe(*_NAMES)
    def _setting_changed(self, change: dict[str, Any]) -> None:
        if self._is_told:
            return
        if change["name"] == "rule":
            before = Plane(**{**self.settings.plain(), "rule": change["old"]})
            self._assign(before.changed(rule=self.rule))
        self._renew()

    def _renew(self) -> None:
        """The settings have changed: another plane begins when it is trained, or now."""
        self._goal, self._begun = None, False
        if self._kernel.running:
            self.play()

    def _begin(self) -> None:
        """Start the plane, if it has not been."""
        if not self._begun:
            self._begun, self._trained = True, self.settings
            eta, alpha = self._trained.pairs
            settings = self._trained.settings.plain()
            self._kernel.post({"type": "start", "settings": settings, "eta": eta, "alpha": alpha})

    @property
    def _told(self) -> Plane:
        """The plane that the engine holds; before there is one, that of the settings."""
        return self.settings if self._trained is None else self._trained

    @property
    def _steps(self) -> int:
        course = self._kernel.course
        return course.step if course else self._goal or 0

    def _command(self, command: Message, arrays: Arrays) -> None:
        """What the page asks for the settings goes through the traits."""
        kind = command.get("type")
        if kind in ("start", "choose"):
            self._assign(Plane.of(**{**command["settings"], **command["plane"]}))
            self._goal, self._begun = None, False
            if kind == "start":
                self._begin()
            else:
                self._tell_page({"type": "chosen"}, {})
        elif kind in ("run", "pause", "sync", "asset", "watch"):
            super()._command(command, arrays)

    def _take(self, event: Message) -> None:
        super()._take(event)
        if event["type"] == "diverged" and self._kernel.course is not None:
            diverged = self._kernel.course.diverged
            self.message = f"{(diverged >= 0).sum()} of {diverged.size} cells diverged"
