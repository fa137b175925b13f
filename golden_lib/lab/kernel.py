"""The engine on PyTorch: commands in, events out, and training in a thread of its own.

Nothing is trained where a command arrives: the handler puts it in a queue, and the thread takes it
up between two slices of training, so that a move of η acts while the run goes on. The thread lives
while there is something to do, and all that it works on is its own.

Commands and events are those of the page's own engine: the front end talks to both alike.
"""

import math
from collections import deque
from collections.abc import Callable, Sequence
from threading import Condition, Thread, current_thread
from time import monotonic
from typing import Final

import numpy as np

from golden_lib.lab.course import Course, columns
from golden_lib.lab.settings import Settings, check_setting
from golden_lib.lab.views import PANELS, prediction, view
from golden_lib.lab.wire import Arrays, Message, plotly, sentence_of
from golden_lib.training import Record

Emit = Callable[[Message, Arrays], None]

RECORDS_PAUSE: Final = 0.1
"""Seconds at least between two messages with records."""
VIEWS_PAUSE: Final = 0.3
"""Seconds at least between two messages with pictures."""
VIEWS_SHARE: Final = 4
"""A view that took t seconds to make is followed by at least this many t of training."""


class Kernel:
    """Runs a `Course` by commands; see `post`.

    Args:
        emit: takes each event and its arrays, in order, one at a time, in the engine's thread.
    """

    def __init__(self, emit: Emit):
        self.course: Course | None = None
        self.running = False
        self._emit = emit
        self._until: int | None = None
        self._panels: list[str] = []
        self._waiting: list[Record] = []
        self._sent = self._viewed = self._view_took = 0.0
        self._pace = (0.0, 0, 0.0)
        self._told_diverged: set[int] = set()
        self._commands: deque[tuple[Message, Arrays]] = deque()
        self._change = Condition()
        self._thread: Thread | None = None
        self._closed = False
        self._no_run = "a run must be started first, got no run"

    def post(self, command: Message, arrays: Arrays | None = None) -> None:
        """Put a command in the queue; returns at once.

        ====================================  ====================================================
        command                               what it does
        ====================================  ====================================================
        start: settings, moves                begins at step 0; the moves are made again
        run: until                            trains to a step, or to the end of the epochs
        pause                                 stops
        set: eta, alpha, epochs               acts on the next step; each may be left out
        rewind: step                          goes back to the nearest moment kept
        watch: panels                         says which of `PANELS` to send along
        predict, with an array image          says what the network gives to it
        sync                                  asks for everything so far
        asset: name                           asks for Plotly, gzipped
        ====================================  ====================================================
        """
        with self._change:
            if self._closed:
                return
            self._commands.append((command, arrays or {}))
            if self._thread is None:
                self._thread = Thread(target=self._work, name="golden-lab", daemon=True)
                self._thread.start()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until there is nothing left to do; whether that came in time."""
        with self._change:
            return self._change.wait_for(lambda: self._thread is None, seconds)

    def close(self) -> None:
        """Stop and forget everything; waits for the thread's end, and nothing is emitted then."""
        with self._change:
            self._closed, self.running = True, False
            self._commands.clear()
            thread = self._thread
        if thread is not None and thread is not current_thread():
            thread.join()
        self.course = None

    def _work(self) -> None:
        while True:
            with self._change:
                idle = not self._commands and not self.running
                if idle or self._closed:
                    self._thread = None
                    self._change.notify_all()
                    return
                command = self._commands.popleft() if self._commands else None
                later = [other["type"] for other, _ in self._commands]
            try:
                if command is None:
                    self._train()
                elif command[0].get("type") != "start" or "start" not in later:
                    self._do(*command)
            except Exception as error:  # a thread has nobody above it: whatever it is, it is said
                self.running, said = False, sentence_of(error)
                if self.course is None:
                    self._no_run = said
                self._say({"type": "error", "message": said})
                step = self.course.step if self.course else 0
                self._say({"type": "running", "running": False, "step": step})

    def _do(self, command: Message, arrays: Arrays) -> None:
        kind = command.get("type")
        if kind == "start":
            self._start(command)
        elif kind == "watch":
            self._panels = [name for name in PANELS if name in command.get("panels", ())]
            self._show(at_once=True)
        elif kind == "sync":
            self._say(*self.state())
        elif kind == "asset":
            self._say({"type": "asset", "name": "plotly"}, {"asset": plotly()})
        elif self.course is None:
            raise ValueError(self._no_run)
        elif kind == "run":
            self._run(command.get("until"))
        elif kind == "pause":
            self._stop()
        elif kind == "set":
            self._set(command)
        elif kind == "rewind":
            self._rewind(command.get("step"))
        elif kind == "predict":
            given = prediction(self.course, arrays.get("image", np.zeros(0)))
            self._say({"type": "prediction", "step": self.course.step}, {"probabilities": given})
        else:
            raise ValueError(f"a command must be one that the engine knows, got {kind!r:.60}")

    def _start(self, command: Message) -> None:
        self._stop()
        settings = Settings.of(**command["settings"])
        known = self.course
        data = known.data if known and known.settings.data == settings.data else None
        self.course = None  # two at a time might not fit a GPU
        planned = [tuple(move) for move in command.get("moves", ())]
        self.course = Course(
            settings, planned, eta=command.get("eta"), alpha=command.get("alpha"), data=data
        )
        self._waiting, self._told_diverged = [], set()
        self._say({"type": "ready", **self.ready()})
        self._say({"type": "moments", "steps": self.course.moments})
        self._show(at_once=True)

    def _run(self, until: int | None) -> None:
        course = self.course
        if until is None or not until <= course.total:
            until = course.total
        self._until = until
        if course.is_over or course.step >= until:
            self._stop()
            return
        if not self.running:
            self.running = True
            self._pace = monotonic(), course.step, 0.0
            self._say({"type": "running", "running": True, "step": course.step})

    def _set(self, command: Message) -> None:
        course = self.course
        if "epochs" in command:
            course.extend(check_setting("epochs", command["epochs"]))
        given = [command.get(name, getattr(course, name)) for name in ("eta", "alpha")]
        if course.set(*given):
            self._say_moved(planned=False)
        self._told_diverged &= set(np.flatnonzero(course.diverged >= 0).tolist())

    def _rewind(self, step: int) -> None:
        if not isinstance(step, int | float) or not math.isfinite(step):
            raise ValueError(f"step must be a number, got {step!r:.60}")
        self._flush()
        at = self.course.rewind(int(step))
        self._told_diverged = set()
        eta, alpha = float(self.course.eta[0]), float(self.course.alpha[0])
        self._say({"type": "rewound", "step": at, "eta": eta, "alpha": alpha})
        self._say({"type": "moments", "steps": self.course.moments})
        self._show(at_once=True)

    def _train(self) -> None:
        """One slice of training, and what is due to be said of it."""
        course = self.course
        record, moved = course.advance(self._until)
        if record is not None:
            self._waiting.append(record)
        if moved is not None:
            self._say_moved(planned=True)
        self._say_diverged()
        if course.is_over or course.step >= self._until:
            self._stop()
            return
        if monotonic() - self._sent >= RECORDS_PAUSE:
            self._flush()
        self._show(at_once=False)

    def _stop(self) -> None:
        """End training, with everything said."""
        was, self.running = self.running, False
        if self.course is None:
            return
        self._flush()
        if was:
            self._show(at_once=True)
        self._say({"type": "running", "running": False, "step": self.course.step})

    def _flush(self) -> None:
        """Send the records that wait, and which moments there are with them."""
        if not self._waiting:
            return
        began, step, rate = self._pace
        now, at = monotonic(), self.course.step
        if now - began > 1 or not rate:
            rate = (at - step) / max(now - began, 1e-3)
        self._pace = (now, at, rate) if now - began > 1 else (began, step, rate)
        message = {"type": "records", "columns": columns(self._waiting), "steps_per_second": rate}
        self._waiting, self._sent = [], now
        self._say(message)
        self._say({"type": "moments", "steps": self.course.moments})

    def _show(self, *, at_once: bool) -> None:
        """Send the pictures that are watched, unless they were sent just now."""
        pause = max(VIEWS_PAUSE, VIEWS_SHARE * self._view_took)
        due = at_once or monotonic() - self._viewed >= pause
        if not due or not self._panels or self.course is None:
            return
        began = monotonic()
        shown = view(self.course, self._panels)
        self._view_took = monotonic() - began
        self._say(*shown)
        self._viewed = monotonic()

    def _say_moved(self, *, planned: bool) -> None:
        course = self.course
        eta, alpha = float(course.eta[0]), float(course.alpha[0])
        message = {"type": "moved", "step": course.step, "eta": eta, "alpha": alpha}
        self._say({**message, "planned": planned})

    def _say_diverged(self) -> None:
        steps = self.course.diverged
        for replica in np.flatnonzero(steps >= 0).tolist():
            if replica not in self._told_diverged:
                self._told_diverged.add(replica)
                self._flush()
                step = int(steps[replica])
                self._say({"type": "diverged", "step": step, "replica": replica})

    def _say(self, message: Message, arrays: Arrays | None = None) -> None:
        if not self._closed:
            self._emit(message, arrays or {})

    def ready(self) -> Message:
        """What is known of a run before its first step."""
        course = self.course
        each = {"eta": course.eta.tolist(), "alpha": course.alpha.tolist()}
        return (each if course.replicas > 1 else {}) | {
            "settings": course.settings.plain(),
            "parameters": course.parameters,
            "steps_per_epoch": course.steps_per_epoch,
            "every": course.every,
            "test_every": course.test_every,
            "test_images": course.run.digits.test_index.shape[-1],
        }

    def state(self, panels: Sequence[str] | None = None) -> tuple[Message, Arrays]:
        """Everything so far, as the event "state" and its arrays."""
        course = self.course
        message: Message = {"type": "state", "running": self.running, "ready": None, "view": None}
        if course is None:
            return message, {}
        shown, arrays = view(course, self._panels if panels is None else panels)
        del shown["type"]
        diverged = course.diverged.tolist()
        if course.replicas == 1:
            diverged = diverged[0] if diverged[0] >= 0 else None
        return {
            **message,
            "ready": self.ready(),
            "records": columns(course.records),
            "moves": [list(move) for move in course.moves],
            "moments": course.moments,
            "step": course.step,
            "diverged": diverged,
            "view": shown,
        }, arrays
