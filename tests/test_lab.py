"""The lab without a page: its engine through the protocol, and its widget through Python."""

import threading
import time
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
import traitlets

from golden_lib.lab import TrainingLab, course
from golden_lib.lab.course import Course
from golden_lib.lab.kernel import Kernel
from golden_lib.lab.settings import RESTARTING, Settings
from golden_lib.lab.still import still
from golden_lib.lab.wire import as_buffers
from golden_lib.training import History, train

pytestmark = pytest.mark.usefixtures("small")

COLUMNS = ("step", "epoch", "loss", "train_accuracy", "test_accuracy", "eta", "alpha")


SMALL = {"network": "mlp", "hidden": 12, "batch_size": 10, "epochs": 3, "eta": 0.5}


class Port:
    """The engine, with everything it says written down."""

    def __init__(self):
        self.said = []
        self.engine = Kernel(lambda event, arrays: self.said.append((event, arrays)))

    def ask(self, **command):
        self.engine.post(command)

    def finish(self):
        assert self.engine.wait(60)

    def events(self, kind):
        return [event for event, _ in self.said if event["type"] == kind]

    def column(self, name):
        return [v for event in self.events("records") for v in event["columns"][name]]


@pytest.fixture
def port():
    port = Port()
    yield port
    port.engine.close()


def started(port, moves=(), **settings):
    settings = Settings.of(**{**SMALL, **settings}).plain()
    port.ask(type="start", settings=settings, moves=[list(move) for move in moves])
    return settings


def trained(digits, settings, moves=(), steps=None):
    """The same run by the trainer alone, from record to record."""
    spe = 540 // settings["batch_size"]
    every = max(1, spe // 50)
    network = settings["network"]
    if network == "mlp":
        from golden_lib.nets import Mlp

        network = Mlp(hidden=settings["hidden"])
    run = train(
        network, settings["loss"], settings["rule"], digits, eta=settings["eta"],
        alpha=settings["alpha"], seeds=[settings["seed"]], seed=settings["seed"],
        batch_size=settings["batch_size"], epochs=settings["epochs"], every=every,
        test_every=5 * every, progress=False,
    )  # fmt: skip
    moves = {step: (eta, alpha) for step, eta, alpha in moves}
    for record in run:
        if record.step == steps:
            break
        if record.step in moves:
            run.eta, run.alpha = moves[record.step]
    return run


def assert_same(history, other):
    for name in COLUMNS:
        np.testing.assert_array_equal(getattr(history, name), getattr(other, name), name)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"rule": "delta", "eta": 0.1, "alpha": 0.5, "loss": "energy"},
        {"network": "cnn", "loss": "cross_entropy", "rule": "adam", "eta": 0.001, "alpha": 0.9,
         "batch_size": 108},
        {"batch_size": 1, "epochs": 1},
    ],
)  # fmt: skip
def test_a_run_of_the_engine_is_that_of_the_trainer(port, digits, settings):
    settings = started(port, **settings)
    port.ask(type="run", until=None)
    port.finish()
    expected = trained(digits, settings).history
    assert_same(port.engine.course.history, expected)
    assert port.column("step") == expected.step.tolist()
    assert port.column("loss") == expected.loss[:, 0].tolist()
    tested = [None if np.isnan(v) else v for v in expected.test_accuracy[:, 0]]
    assert port.column("test_accuracy") == tested
    assert tested[-1] is not None
    assert [event["running"] for event in port.events("running")][-2:] == [True, False]


def test_moves_planned_by_a_link_are_made_where_they_were_made(port, digits):
    moves = [(7, 0.1, 2.0), (20, 1.0, 0.5)]
    settings = started(port, moves)
    port.ask(type="run", until=40)
    port.finish()
    assert_same(port.engine.course.history, trained(digits, settings, moves, 40).history)
    said = [(e["step"], e["eta"], e["alpha"], e["planned"]) for e in port.events("moved")]
    assert said == [(7, 0.1, 2.0, True), (20, 1.0, 0.5, True)]


def test_a_move_by_hand_acts_on_the_next_step_and_ends_what_was_planned(port, digits):
    settings = started(port, [(30, 9.0, 9.0)])
    port.ask(type="run", until=10)
    port.finish()
    port.ask(type="set", eta=0.05)
    port.ask(type="set", eta=0.07)
    port.ask(type="run", until=40)
    port.finish()
    made = [(10, 0.07, 1.0)]
    assert port.engine.course.moves == made
    assert_same(port.engine.course.history, trained(digits, settings, made, 40).history)


def test_a_move_before_the_first_step_is_what_the_run_begins_with(port, digits):
    settings = started(port)
    port.ask(type="set", eta=0.2, alpha=3.0)
    port.ask(type="run", until=10)
    port.finish()
    assert port.engine.course.moves == []
    assert port.engine.course.settings == Settings.of(**{**settings, "eta": 0.2, "alpha": 3.0})


def test_a_move_acts_while_the_run_goes_on(port):
    started(port, batch_size=1, epochs=100)
    port.ask(type="run", until=None)
    wait_until(lambda: len(port.events("records")) > 1)
    port.ask(type="set", eta=0.07)
    wait_until(lambda: port.events("moved"))
    step = port.events("moved")[0]["step"]
    wait_until(lambda: port.column("step")[-1] > step + 2 * port.engine.course.every)
    assert port.engine.running
    port.ask(type="pause")
    port.finish()
    etas = dict(zip(port.column("step"), port.column("eta"), strict=True))
    assert {eta for at, eta in etas.items() if at <= step} == {0.5}
    assert {eta for at, eta in etas.items() if at > step} == {0.07}


def wait_until(come, seconds=30):
    end = time.monotonic() + seconds
    while not come():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_a_rewound_run_makes_the_same_numbers_again(port):
    started(port, rule="nesterov", alpha=0.5, loss="energy", eta=0.1)
    port.ask(type="run", until=60)
    port.finish()
    before = port.engine.course.history
    for wanted in (31, 0):
        port.ask(type="rewind", step=wanted)
        port.ask(type="run", until=60)
        port.finish()
        at = port.events("rewound")[-1]["step"]
        assert at in port.events("moments")[0]["steps"] or abs(at - wanted) <= 4
        assert_same(port.engine.course.history, before)
    assert np.all(np.diff(port.engine.course.history.seconds) > 0)


def test_rewinding_takes_back_the_moves_made_after(port, digits):
    settings = started(port, [(20, 0.1, 2.0), (40, 0.2, 3.0)])
    port.ask(type="run", until=50)
    port.finish()
    port.ask(type="rewind", step=30)
    port.finish()
    (rewound,) = port.events("rewound")
    assert 20 < rewound["step"] < 40
    assert (rewound["eta"], rewound["alpha"]) == (0.1, 2.0)
    port.ask(type="run", until=50)
    port.finish()
    expected = trained(digits, settings, [(20, 0.1, 2.0)], 50).history
    assert_same(port.engine.course.history, expected)


def test_moments_are_few_even_and_begin_at_the_start():
    run = Course(Settings.of(**{**SMALL, "epochs": 10}))
    while not run.is_over:
        run.advance(run.total)
        assert 0 in run.moments
        assert len(run.moments) <= 24
    assert len(run.moments) >= 12
    assert len(set(np.diff(run.moments))) == 1


def test_divergence_is_said_once_with_its_step_and_a_rewind_heals_it(port, digits):
    poison = digits.images.clone()
    settings = started(port, loss="cross_entropy", rule="delta", alpha=0.5, eta=0.1)
    port.ask(type="run", until=20)
    port.finish()
    course = port.engine.course
    weights = course.run.state.params["output.weight"]
    course.run.state.params["output.weight"] = weights * float("inf")
    port.ask(type="run", until=None)
    port.finish()
    assert port.events("diverged") == [{"type": "diverged", "step": 21, "replica": 0}]
    assert port.events("running")[-1]["running"] is False
    assert port.column("loss")[-1] is None
    port.ask(type="rewind", step=10)
    port.ask(type="run", until=None)
    port.finish()
    assert len(port.events("diverged")) == 1
    assert_same(port.engine.course.history, trained(digits, settings).history)
    assert torch.equal(poison, digits.images)


def test_the_end_moves_with_the_epochs_and_never_before_the_present_step(port):
    started(port, epochs=1)
    port.ask(type="run", until=None)
    port.ask(type="set", epochs=2)
    port.ask(type="run", until=None)
    port.finish()
    assert port.engine.course.step == 108
    port.ask(type="set", epochs=1)
    port.ask(type="run", until=None)
    port.finish()
    assert port.engine.course.step == 108


def test_views_show_filters_mistakes_and_the_rates_of_dlr(port, digits):
    port.ask(type="watch", panels=["filters", "mistakes", "rates", "secrets"])
    started(port)
    port.ask(type="run", until=30)
    port.finish()
    event, arrays = [(e, a) for e, a in port.said if e["type"] == "view"][-1]
    assert event["panels"] == ["filters", "mistakes", "rates"]
    assert event["step"] == 30
    run = port.engine.course.run
    np.testing.assert_array_equal(arrays["filters"], run.filters[0])
    wrong, said = run.mistakes()
    assert event["wrong"] == len(wrong)
    assert event["tested"] == 60
    np.testing.assert_array_equal(arrays["labels"], wrong.labels[:24])
    np.testing.assert_array_equal(arrays["said"], said[:24])
    assert event["layers"] == ["hidden", "output"]
    counts = arrays["rate_counts"]
    assert counts.sum(1).tolist() == [784 * 12, 120]
    edges = arrays["rate_edges"]
    assert edges.max() <= 0.5 + 1e-6
    weight = run.state.params["output.weight"][0]
    least = 0.5 * ((weight.abs() + 1) / (weight.norm(dim=0) + 1)).min()
    assert edges[1, 0] == pytest.approx(least.item(), rel=1e-5)


def test_a_drawn_digit_is_told_as_the_network_sees_it(port, digits):
    started(port)
    port.ask(type="run", until=100)
    port.finish()
    image = digits.images[0].flatten().numpy()
    port.engine.post({"type": "predict"}, {"image": image})
    port.finish()
    ((event, arrays),) = [(e, a) for e, a in port.said if e["type"] == "prediction"]
    assert event["step"] == 100
    params = port.engine.course.run.state.params
    units = params["output.weight"][0] @ (params["hidden.weight"][0] @ digits.images[0].flatten()
                                          ).sigmoid()  # fmt: skip
    np.testing.assert_allclose(arrays["probabilities"], units.sigmoid().numpy(), rtol=1e-5)


def test_a_view_that_opens_late_is_told_everything(port):
    started(port, [(7, 0.1, 2.0)])
    port.ask(type="run", until=50)
    port.finish()
    port.ask(type="sync")
    port.finish()
    (state,) = port.events("state")
    assert state["records"]["loss"] == port.column("loss")
    assert state["moves"] == [[7, 0.1, 2.0]]
    assert (state["step"], state["running"], state["diverged"]) == (50, False, None)
    assert state["ready"] == {k: v for k, v in port.events("ready")[0].items() if k != "type"}
    assert state["ready"]["parameters"] == 784 * 12 + 120


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ({"type": "set", "eta": -1}, "eta must be > 0 and finite, got -1.0"),
        ({"type": "rewind", "step": None}, "step must be a number, got None"),
        ({"type": "dance"}, "a command must be one that the engine knows, got 'dance'"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence_and_the_run_goes_on(port, command, sentence):
    started(port)
    port.ask(**command)
    port.ask(type="run", until=5)
    port.finish()
    assert [event["message"] for event in port.events("error")] == [sentence]
    assert port.engine.course.step == 5


def test_data_that_are_not_to_be_had_are_an_error_in_a_sentence(port, monkeypatch):
    def missing(name):
        raise FileNotFoundError("MNIST must be\nin a folder")

    monkeypatch.setattr(course, "load_data", missing)
    started(port, data="mnist")
    port.ask(type="run", until=None)
    port.finish()
    said = [event["message"] for event in port.events("error")]
    assert said == ["MNIST must be in a folder"] * 2  # what is asked of a run that failed says why


def test_ten_engines_that_start_and_close_leave_no_thread():
    for _ in range(10):
        port = Port()
        started(port, batch_size=1, epochs=100)
        port.ask(type="run", until=None)
        wait_until(lambda port=port: port.events("running"))
        port.engine.close()
        count = len(port.said)
        assert not [t for t in threading.enumerate() if t.name == "golden-lab"]
        port.ask(type="run", until=None)
        time.sleep(0.01)
        assert len(port.said) == count


def test_an_engine_that_pauses_has_no_thread(port):
    started(port, batch_size=1, epochs=100)
    port.ask(type="run", until=None)
    wait_until(lambda: port.events("records"))
    port.ask(type="pause")
    port.finish()
    assert not [t for t in threading.enumerate() if t.name == "golden-lab"]


def test_many_replicas_are_as_many_runs(digits):
    settings = Settings.of(**{**SMALL, "epochs": 1})
    both = Course(settings, eta=[0.5, 0.1], alpha=[1.0, 2.0])
    alone = Course(settings.at(0.1, 2.0))
    for run in (both, alone):
        while not run.is_over:
            run.advance(run.total)
    # Another number of replicas may round otherwise.
    np.testing.assert_allclose(both.history.loss[:, 1:], alone.history.loss, rtol=1e-4)


def test_a_lab_trains_as_the_trainer_does(digits):
    lab = TrainingLab(**SMALL)
    assert lab.train(steps=10) is lab
    lab.alpha = 3.0
    lab.train(epochs=1)
    assert lab.step == 64
    lab.train()
    expected = trained(digits, lab.settings.at(0.5, 1.0).plain(), [(10, 0.5, 3.0)])
    assert_same(lab.history, expected.history)
    lab.close()


def test_a_link_and_its_code_repeat_a_run_to_the_last_bit():
    lab = TrainingLab(**SMALL)
    lab.train(steps=20)
    lab.eta, lab.alpha = 0.123456789, 2.5
    lab.train(steps=33)
    lab.rewind(40)
    lab.eta = 0.3
    lab.train(steps=7)
    again = TrainingLab.from_link(lab.link)
    assert again.link == lab.link
    again.train()
    assert_same(again.history, lab.history)
    assert again.link == lab.link
    names = {}
    exec(lab.code, names)
    assert_same(names["lab"].history, lab.history)
    for each in (lab, again, names["lab"]):
        each.close()


def test_traits_follow_the_run_and_observers_hear_of_it():
    lab = TrainingLab(**SMALL)
    heard = []
    lab.observe(lambda change: heard.append((change["name"], change["new"])), ["step", "running"])
    lab.play()
    lab._wait()
    steps = [value for name, value in heard if name == "step"]
    assert steps == sorted(steps)
    assert steps[-1] == lab.step == 162
    assert [value for name, value in heard if name == "running"] == [True, False]
    lab.close()


def test_running_is_a_switch():
    lab = TrainingLab(**{**SMALL, "batch_size": 1, "epochs": 100})
    lab.running = True
    wait_until(lambda: lab.step > 0)
    lab.eta = 0.1
    lab.running = False
    lab._wait()
    assert 0 < lab.step < 54_000
    assert not lab.running
    lab.close()


@pytest.mark.parametrize("name", RESTARTING)
def test_another_setting_goes_back_to_step_0(name):
    lab = TrainingLab(**SMALL)
    lab.train(steps=5)
    other = {"network": "cnn", "loss": "sse", "rule": "delta", "data": "mnist", "hidden": 5,
             "batch_size": 20, "seed": 1}  # fmt: skip
    setattr(lab, name, other[name])
    lab._wait()
    assert (lab.step, lab.moves, len(lab.history.step)) == (0, [], 0)
    lab.train(steps=2)
    assert lab.history.step.tolist() == [1, 2]
    lab.close()


def test_a_wrong_value_is_refused_in_a_sentence_and_the_trait_stays():
    lab = TrainingLab(**SMALL)
    wrong = {"eta": 11.0, "alpha": 0.0, "network": "rnn", "hidden": 0, "seed": -1, "epochs": 101}
    for name, value in wrong.items():
        before = getattr(lab, name)
        with pytest.raises(traitlets.TraitError, match=f"{name} must be"):
            setattr(lab, name, value)
        assert getattr(lab, name) == before
    with pytest.raises(ValueError, match=r"alpha must be a number from 0 to 0\.999 under delta"):
        TrainingLab(rule="delta", alpha=1)


def test_several_settings_change_at_once_or_not_at_all():
    lab = TrainingLab(**SMALL)
    before = lab.settings
    with pytest.raises(ValueError, match="alpha must be"):
        lab.change(rule="delta", eta=0.1, alpha=5)
    assert lab.settings == before
    lab.change(rule="delta", eta=0.1, alpha=0.5)
    assert (lab.rule, lab.eta, lab.alpha) == ("delta", 0.1, 0.5)
    lab.rule = "dlr"
    assert (lab.eta, lab.alpha) == (0.35, 1.0)


def test_the_page_commands_a_lab_through_its_traits(monkeypatch):
    lab = TrainingLab(**SMALL)
    sent = []
    monkeypatch.setattr(lab, "send", lambda message, buffers=None: sent.append(message))

    def page(**command):
        lab._handle_custom_msg(command, [])
        lab._wait()

    settings = {**lab.settings.plain(), "eta": 0.25, "seed": 3}
    page(type="start", settings=settings, moves=[[4, 0.5, 2.0]])
    page(type="run", until=10)
    assert (lab.eta, lab.alpha, lab.seed, lab.step) == (0.5, 2.0, 3, 10)
    page(type="set", eta=0.1)
    assert (lab.eta, lab.moves[-1]) == (0.1, (10, 0.1, 2.0))
    page(type="set", eta="<b>")
    assert sent[-1]["type"] == "error"
    assert sent[-1]["message"].startswith("eta must be a number")
    assert lab.eta == 0.1
    page(type="rewind", step=6)
    assert (lab.step, lab.eta) == (6, 0.5)
    lab.close()


def test_what_a_page_shows_without_a_kernel_is_the_run():
    lab = TrainingLab(**SMALL, title="A lab")
    assert MIME not in lab._repr_mimebundle_()[0]
    lab.train()
    lab.eta = 0.1
    shown = lab._repr_mimebundle_()[0][MIME]
    assert shown["kind"] == "training"
    assert shown["settings"] == lab.settings.at(0.5, 1.0).plain()
    assert shown["state"]["records"]["step"] == lab.history.step.tolist()
    assert set(shown["state"]["arrays"]) >= {"filters", "images", "rate_counts"}
    assert len(shown["still"].encode()) <= 60_000
    assert "<text" in shown["still"]
    accuracy = f"{100 * lab.history.test_accuracy[-1, 0]:.1f} %"
    assert (
        f"gets {accuracy} of 60 test digits right after 162 steps (3 epochs)" in shown["sentence"]
    )
    lab.close()


MIME = "application/vnd.golden.lab+json"


def test_an_array_travels_as_its_bytes():
    message, buffers = as_buffers({"type": "x"}, {"a": np.arange(6, dtype=np.float32)[::2]})
    assert message == {"type": "x", "arrays": [["a", [3], "float32"]]}
    assert np.frombuffer(buffers[0], np.float32).tolist() == [0, 2, 4]


def test_a_still_is_small_whatever_the_run_was():
    steps = np.arange(1, 5001)
    noise = np.random.default_rng(0)
    values = noise.random((5000, 1))
    history = History(steps, steps / 50, steps / 9, values, values, values, values, values)
    moves = [(step, 0.1, 0.5) for step in range(5, 5000, 5)]
    svg = still(history, moves, noise.normal(size=(300, 28, 28)), "<b>&\"'")
    assert len(svg.encode()) <= 60_000
    root = ElementTree.fromstring(svg)
    assert root.get("aria-label") == "<b>&\"'"
    assert root.get("role") == "img"
    assert "accuracy in %" in "".join(root.itertext())
    assert "<style" not in svg
