"""A widget with an engine behind it: what the engine says becomes traits, and reaches the page.

The engine speaks in its own thread. Where a notebook's event loop runs, what it says is dealt with
there, so observers run where all other code of the notebook does; a program without a loop hears
it in the engine's thread.
"""

import asyncio
import contextlib
import threading
from collections import deque
from collections.abc import Iterator
from typing import Any, Self

import anywidget
import traitlets

from golden_lib.lab.kernel import Kernel
from golden_lib.lab.modules import joined, style
from golden_lib.lab.settings import SETTINGS, Checked
from golden_lib.lab.wire import Arrays, Message, as_buffers, from_buffers, sentence_of

MIME = "application/vnd.golden.lab+json"
"""What the book makes a page of; other programs do not know it and pass it by."""

_POLL = 0.02  # s between two looks at what a training that is waited for has said


class LiveWidget(anywidget.AnyWidget):
    """The page of a lab, and the way between it, the traits and the engine."""

    _esm = joined("lab")
    _css = style()
    _settings = traitlets.Dict(SETTINGS).tag(sync=True)
    _kind = traitlets.Unicode("training").tag(sync=True)
    _link = traitlets.Unicode("").tag(sync=True)
    title = traitlets.Unicode("").tag(sync=True)
    running = traitlets.Bool(False).tag(sync=True)
    step = traitlets.Int(0).tag(sync=True)
    message = traitlets.Unicode("").tag(sync=True)
    network = traitlets.Unicode().tag(sync=True)
    loss = traitlets.Unicode().tag(sync=True)
    rule = traitlets.Unicode().tag(sync=True)
    data = traitlets.Unicode().tag(sync=True)
    hidden = traitlets.Int().tag(sync=True)
    batch_size = traitlets.Int().tag(sync=True)
    seed = traitlets.Int().tag(sync=True)
    epochs = traitlets.Int().tag(sync=True)

    def __init__(self, **traits: object):
        self._begun = False
        self._goal: int | None = None  # how far a link's sender had trained
        self._told_by = 0  # thread that sets traits to what has happened already
        self._events: deque[tuple[Message, Arrays]] = deque()
        self._delivering = threading.RLock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._failed = ""
        self._kernel = Kernel(self._from_engine)
        with self._telling():
            super().__init__(**traits)
        self._note_loop()
        self.on_msg(self._from_page)

    def train(self, steps: int | None = None, epochs: float | None = None) -> Self:
        """Train and return when done; Ctrl-C ends it with whole steps.

        Args:
            steps: how many; without it and `epochs`, to the end, or as far as a link says.
            epochs: how many.

        Returns:
            This lab.

        Raises:
            ValueError: if both are given, or one is below 0.
            RuntimeError: if the engine could not train, as where MNIST is not to be had.
        """
        if steps is not None and epochs is not None:
            raise ValueError(f"steps or epochs must be None, got {steps} and {epochs}")
        count = steps if epochs is None else epochs
        if count is not None and not count >= 0:
            raise ValueError(f"steps must be >= 0, got {count}")
        self._begin()
        self._wait()
        if epochs is not None:
            count = round(epochs * self._kernel.course.steps_per_epoch)
        until, self._goal = self._goal if count is None else self.step + count, None
        self._kernel.post({"type": "run", "until": until})
        self._wait()
        return self

    def play(self) -> None:
        """Train in the background, to the end of the epochs or to `pause`."""
        self._note_loop()
        self._begin()
        self._kernel.post({"type": "run", "until": self._goal})
        self._goal = None

    def pause(self) -> None:
        """Stop after the step under way; `play` and `train` go on from there."""
        if self._begun:
            self._kernel.post({"type": "pause"})

    def close(self) -> None:
        """End the training and its thread, and take the widget off the page."""
        if hasattr(self, "_kernel"):  # also called for a lab whose settings were refused
            self._kernel.close()
        super().close()

    def _repr_mimebundle_(self, **options: Any) -> tuple[dict, dict] | None:
        found = super()._repr_mimebundle_(**options)
        if found is None or not len(self.history.step):
            return found
        data, metadata = found
        return {**data, MIME: self.shown()}, metadata

    def shown(self) -> dict[str, Any]:
        """The run so far as plain data: what a page shows where nothing trains."""
        raise NotImplementedError

    def _begin(self) -> None:
        """Start the run, if it has not been."""
        raise NotImplementedError

    @traitlets.observe("running")
    def _running_changed(self, change: dict[str, Any]) -> None:
        if not self._is_told:
            self.play() if change["new"] else self.pause()

    def _assign(self, settings: Checked) -> None:
        """Set all traits of the settings at once, which is no command."""
        with self._telling(), self.hold_trait_notifications():
            for name, value in settings.plain().items():
                setattr(self, name, value)

    def _command(self, command: Message, arrays: Arrays) -> None:
        """Do what the page asks for; a lab has more."""
        if command["type"] == "run":
            self._begin()
            self._goal = None
        self._kernel.post(command, arrays)

    def _take(self, event: Message) -> None:
        """Set the traits to what the engine says has happened."""
        kind = event["type"]
        if kind == "ready":
            self.step, self.message = 0, ""
        elif kind == "records":
            self.step = event["columns"]["step"][-1]
        elif kind == "running":
            self.running, self.step = event["running"], event["step"]
        elif kind == "rewound":
            self.step, self.message = event["step"], ""
        elif kind == "diverged":
            step = event["step"]
            self.message = f"diverged at step {step}: the loss is no longer finite; lower η or α"
        elif kind == "error":
            self.message = self._failed = event["message"]

    def _from_page(self, _: object, command: Message, buffers: list) -> None:
        self._note_loop()
        try:
            self._command(command, from_buffers(command, buffers))
        except (ValueError, TypeError, KeyError, traitlets.TraitError) as error:
            self._tell_page({"type": "error", "message": sentence_of(error)}, {})

    def _from_engine(self, event: Message, arrays: Arrays) -> None:
        """Take an event in the engine's thread."""
        self._events.append((event, arrays))
        loop = self._loop
        if loop is not None and loop.is_running():
            loop.call_soon_threadsafe(self._deliver)
        else:
            self._deliver()

    def _deliver(self) -> None:
        """Let traits and page know what the engine has said so far, in its order."""
        with self._delivering:
            while self._events:
                event, arrays = self._events.popleft()
                with self._telling():
                    self._take(event)
                self._tell_page(event, arrays)

    def _tell_page(self, event: Message, arrays: Arrays) -> None:
        self.send(*as_buffers(event, arrays))

    def _wait(self) -> None:
        """Wait for the engine, and deliver what it says meanwhile: the loop stands still.

        Raises:
            RuntimeError: says what the engine could not do.
        """
        self._deliver()
        self._failed = ""
        try:
            while not self._kernel.wait(_POLL):
                self._deliver()
        except KeyboardInterrupt:
            self._kernel.post({"type": "pause"})
            self._kernel.wait()
        self._deliver()
        if self._failed:
            raise RuntimeError(self._failed)

    def _note_loop(self) -> None:
        with contextlib.suppress(RuntimeError):
            self._loop = asyncio.get_running_loop()

    @contextlib.contextmanager
    def _telling(self) -> Iterator[None]:
        """While traits are set to what has happened, this thread's changes are no commands."""
        before, self._told_by = self._told_by, threading.get_ident()
        try:
            yield
        finally:
            self._told_by = before

    @property
    def _is_told(self) -> bool:
        return self._told_by == threading.get_ident()
