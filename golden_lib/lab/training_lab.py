"""The widget: one network in training, under sliders for η and α, and its Python side."""

from typing import Any

import traitlets

from golden_lib.lab.link import Move, read_link, repeating_code, write_link
from golden_lib.lab.live import LiveWidget
from golden_lib.lab.settings import RESTARTING, SETTINGS, Settings, check_setting
from golden_lib.lab.still import sentence, still
from golden_lib.lab.wire import Arrays, Message, as_json
from golden_lib.training import History

_NAMES = tuple(SETTINGS["fields"])


class TrainingLab(LiveWidget):
    """Trains one of the papers' networks live, with η and α in reach at every step.

    In a notebook it is a panel; `play` and `pause` are its buttons. In a program, `train` trains
    and returns. Every step is that of `golden_lib.training.train` with the same settings.

    The settings are traits: ``lab.eta = 0.1`` and ``lab.alpha = 0.9`` act on the next step, also
    while it trains, and a change of `network`, `loss`, `rule`, `data`, `hidden`, `batch_size` or
    `seed` goes back to step 0. Link them to any widget, as in
    ``ipywidgets.link((slider, "value"), (lab, "eta"))``, and watch them with `observe`. A value out
    of range is refused, and the setting stays as it was.

    Args:
        network: ``"cnn"`` or ``"mlp"``.
        loss: a name in `LOSSES`; the network's own in its paper if None, as the next two.
        rule: a name in `RULES`.
        batch_size: B.
        data: a name in `DATASETS`.
        hidden: H, for the MLP.
        seed: of the initial weights, the digits held out and the order of the batches.
        epochs: where the run ends.
        eta: η; the golden value if None, or what the book uses under DLR.
        alpha: α; the golden value if None, or the paper's 1 under DLR.

    Attributes:
        running: whether it trains; may be set, which is `play` and `pause`.
        step: updates made; read only.
        message: the last thing there was to say, such as an error; empty if there was none.

    Raises:
        ValueError: if a value is out of range.
    """

    eta = traitlets.Float().tag(sync=True)
    alpha = traitlets.Float().tag(sync=True)

    def __init__(
        self,
        network: str = "cnn",
        loss: str | None = None,
        rule: str | None = None,
        data: str = "digits",
        *,
        hidden: int | None = None,
        batch_size: int | None = None,
        seed: int = 0,
        epochs: int | None = None,
        eta: float | None = None,
        alpha: float | None = None,
        title: str = "",
    ):
        given = Settings.of(
            network=network, loss=loss, rule=rule, data=data, hidden=hidden, batch_size=batch_size,
            seed=seed, epochs=epochs, eta=eta, alpha=alpha,
        )  # fmt: skip
        self._planned: tuple[Move, ...] = ()
        super().__init__(**given.plain(), title=title)

    @classmethod
    def from_link(cls, link: str) -> "TrainingLab":
        """A lab that repeats the run of a link: `train` goes as far as its sender had trained.

        What the link had of impossible values is in `message`.

        Raises:
            ValueError: if it is no link of a lab.
        """
        read = read_link(link)
        lab = cls(**read.settings.plain())
        lab._planned, lab._goal = read.moves, read.steps or None
        with lab._telling():
            lab._link, lab.message = lab.link, "; ".join(read.messages)
        return lab

    @property
    def settings(self) -> Settings:
        """As they are now."""
        return Settings(**{name: getattr(self, name) for name in _NAMES})

    @property
    def history(self) -> History:
        """The records so far as arrays: loss, accuracies, η and α over the steps, ``(T, 1)``."""
        course = self._kernel.course
        return History.stack([], 1) if course is None else course.history

    @property
    def moves(self) -> list[Move]:
        """Moves of η and α so far as ``(step, eta, alpha)``; before a link's run, those to come."""
        course = self._kernel.course
        return list(self._planned if course is None else course.moves)

    @property
    def link(self) -> str:
        """The run up to now as a string that `from_link`, and the page, repeat it from."""
        return write_link(*self._story())

    @property
    def code(self) -> str:
        """Python that repeats the run up to now."""
        return repeating_code(*self._story())

    def change(self, **settings: Any) -> None:
        """Change several settings at once; those of `RESTARTING` go back to step 0.

        Where the new rule gives α another meaning, η and α that are not named take its defaults.

        Raises:
            ValueError: if a value is out of range; nothing is changed then.
        """
        before, after = self.settings, self.settings.changed(**settings)
        self._assign(after)
        self._tell_engine(before, after)

    def reset(self) -> None:
        """Go back to step 0, with the settings as they are now."""
        self._planned, self._goal, self._begun = (), None, False
        self._begin()

    def rewind(self, step: int) -> None:
        """Go back to the kept moment nearest to a step, with the η and α that it had."""
        self._kernel.post({"type": "rewind", "step": step})
        self._wait()

    def shown(self) -> dict[str, Any]:
        """The run so far as plain data: what a page shows where nothing trains."""
        state, arrays = self._kernel.state(("filters", "mistakes", "rates"))
        settings, moves, _ = self._story()
        said = sentence(settings, self.history, moves, state)
        return {
            "kind": "training",
            "title": self.title,
            "settings": settings.plain(),
            "link": self.link,
            "state": as_json(state, arrays),
            "still": still(self.history, moves, arrays.get("filters"), said),
            "sentence": said,
        }

    @traitlets.validate(*_NAMES)
    def _admit(self, proposal: dict[str, Any]) -> Any:
        try:
            return check_setting(proposal["trait"].name, proposal["value"], self.rule or "delta")
        except ValueError as error:
            raise traitlets.TraitError(str(error)) from None

    @traitlets.observe(*_NAMES)
    def _setting_changed(self, change: dict[str, Any]) -> None:
        if self._is_told:
            return
        after = self.settings
        before = Settings(**{**after.plain(), change["name"]: change["old"]})
        if change["name"] == "rule":
            after = before.changed(rule=after.rule)
            with self._telling():
                self.eta, self.alpha = after.eta, after.alpha
        self._tell_engine(before, after)

    def _tell_engine(self, before: Settings, after: Settings) -> None:
        """Begin another run, or let the one under way go on with other settings."""
        if not self._begun:
            self._planned, self._goal = (), None
            return
        if any(getattr(before, name) != getattr(after, name) for name in RESTARTING):
            was = self._kernel.running
            self.reset()
            if was:
                self._kernel.post({"type": "run", "until": None})
            return
        given = {"epochs": after.epochs} if before.epochs != after.epochs else {}
        for name in ("eta", "alpha"):
            if getattr(before, name) != getattr(after, name):
                given[name] = getattr(after, name)
        if given:
            self._kernel.post({"type": "set", **given})

    def _begin(self) -> None:
        """Start the run, if it has not been."""
        if not self._begun:
            self._begun = True
            moves = [list(move) for move in self._planned]
            self._kernel.post({"type": "start", "settings": self.settings.plain(), "moves": moves})

    def _story(self) -> tuple[Settings, list[Move], int]:
        """What a link tells: settings at step 0, moves and steps."""
        course = self._kernel.course
        if course is None:
            return self.settings, list(self._planned), self._goal or 0
        return course.settings, list(course.moves), course.step

    def _command(self, command: Message, arrays: Arrays) -> None:
        """What the page asks for the settings goes through the traits."""
        kind = command.get("type")
        if kind == "start":
            self._assign(Settings.of(**command["settings"]))
            self._planned = tuple(tuple(move) for move in command.get("moves", ()))
            self._goal, self._begun = None, False
            self._begin()
        elif kind == "set":
            names = ("eta", "alpha", "epochs")
            self.change(**{name: command[name] for name in names if name in command})
        elif kind != "close":  # a page that goes leaves the run to Python
            super()._command(command, arrays)

    def _take(self, event: Message) -> None:
        if event["type"] == "rewound" or (event["type"] == "moved" and event["planned"]):
            self.eta, self.alpha = event["eta"], event["alpha"]
        super()._take(event)
