"""The page's bookkeeping and words, by node: what the engine tells becomes one story."""

import json

import numpy as np
import pytest
from test_lab_links import node

from golden_lib.lab import SETTINGS, Settings, still
from golden_lib.lab.modules import STATIC
from golden_lib.training import History

READY = {"steps_per_epoch": 70, "every": 1, "test_every": 5, "test_images": 1000, "parameters": 9}


def page(program: str, **given):
    """Run a program that finds all of story.js, say.js, settings.js, draw.js and figure.js."""
    names = ("story", "say", "settings", "draw", "figure")
    imports = "\n".join(
        f'const {name} = await import("{(STATIC / f"{name}.js").as_uri()}");' for name in names
    )
    return node(
        f"{imports}\nconst print = (x) => console.log(JSON.stringify(x));\n{program}", given
    )


def records(*steps, **columns):
    loss = [1 / step for step in steps]
    known = {"step": list(steps), "epoch": [step / 70 for step in steps], "loss": loss}
    known |= {"train_accuracy": [0.5] * len(steps), "test_accuracy": [None] * len(steps)}
    known |= {"eta": [0.1] * len(steps), "alpha": [0.5] * len(steps)}
    return {"type": "records", "columns": {**known, **columns}, "steps_per_second": 10}


def told(*events, settings=None):
    """The story after some events."""
    settings = (settings or Settings.of(eta=0.1, alpha=0.5)).plain()
    ready = {"type": "ready", "settings": settings, **READY}
    return page(
        """const run = story.newStory(given.settings);
        for (const event of given.events) story.hear(run, event);
        print(run);""",
        settings=settings,
        events=[ready, *events],
    )


def test_records_follow_one_another_and_are_not_told_twice():
    run = told(records(1, 2, 3), records(3, 4))
    assert run["columns"]["step"] == [1, 2, 3, 4]
    assert run["step"] == 4
    assert run["speed"] == 10


def test_a_rewound_run_forgets_what_came_after_and_has_its_former_dials():
    moves = [{"type": "moved", "step": s, "eta": e, "alpha": 0.5} for s, e in ((2, 0.2), (5, 0.9))]
    run = told(
        records(1, 2, 3, 4, 5, 6), *moves, {"type": "diverged", "step": 6, "replica": 0},
        {"type": "rewound", "step": 4},
    )  # fmt: skip
    assert run["columns"]["step"] == [1, 2, 3, 4]
    assert run["moves"] == [[2, 0.2, 0.5]]
    assert (run["step"], run["eta"], run["diverged"]) == (4, 0.2, None)


def test_a_move_at_the_same_step_replaces_and_one_at_step_0_is_the_start():
    def moved(step, eta):
        return {"type": "moved", "step": step, "eta": eta, "alpha": 0.5}

    run = told(moved(0, 0.3), moved(7, 0.4), moved(7, 0.5), moved(9, 0.6))
    assert run["settings"]["eta"] == 0.3
    assert run["moves"] == [[7, 0.5, 0.5], [9, 0.6, 0.5]]
    assert run["eta"] == 0.6


def test_a_state_is_the_same_story_as_its_events():
    events = [records(1, 2), {"type": "moved", "step": 2, "eta": 0.2, "alpha": 0.4}, records(3),
              {"type": "moments", "steps": [0, 2]},
              {"type": "running", "running": False, "step": 3}]  # fmt: skip
    run = told(*events)
    state = {
        "type": "state", "ready": {"settings": run["settings"], **READY}, "records": run["columns"],
        "moves": [[2, 0.2, 0.4]], "moments": [0, 2], "running": False, "step": 3, "diverged": None,
        "view": None,
    }  # fmt: skip
    again = page(
        """const run = story.newStory(given.settings);
        story.hear(run, given.state);
        print(run);""",
        settings=Settings.of().plain(),
        state=state,
    )
    assert {**again, "speed": 0} == {**run, "speed": 0}


def test_what_the_engine_does_not_say_is_no_event():
    assert (
        page(
            'print(["constructor", "__proto__", "asset", "error"].map('
            "(type) => story.hear(story.newStory(given.settings), { type })));",
            settings=Settings.of().plain(),
        )
        == [False] * 4
    )


@pytest.mark.parametrize("diverged", [None, 212])
@pytest.mark.parametrize(
    ("settings", "moves"),
    [
        (Settings.of(), []),
        (Settings.of(network="mlp", hidden=30), [(3, 0.1, 2.0)]),
        (Settings.of(rule="adam", seed=7, batch_size=32), [(3, 0.1, 0.5), (5, 0.2, 0.5)]),
    ],
)
def test_the_page_and_the_still_say_the_same(settings, moves, diverged):
    steps = np.array([60, 120, 1_000])
    column = np.array([[0.953412], [0.5], [0.0767123]])
    tested = np.array([[np.nan], [0.9364], [np.nan]])
    history = History(steps, steps / 70, steps / 9, column, column, tested, column, column)
    state = {"diverged": diverged, "ready": READY}
    columns = {"step": steps.tolist(), "epoch": (steps / 70).tolist()}
    columns |= {"loss": column[:, 0].tolist(), "test_accuracy": [None, 0.9364, None]}
    run = {"settings": settings.plain(), "columns": columns, "moves": moves, **state}
    said = page("print(say.sentenceOf(given.table, given.run));", table=SETTINGS, run=run)
    assert said == still.sentence(settings, history, moves, state)


def test_an_untrained_network_is_called_so_in_both():
    empty = History.stack([], 1)
    columns = {"step": []}
    run = {"settings": Settings.of().plain(), "columns": columns, "moves": [], "diverged": None}
    said = page("print(say.sentenceOf(given.table, given.run));", table=SETTINGS, run=run)
    assert said == still.sentence(Settings.of(), empty, [], {})
    assert said.startswith("The CNN is untrained. ")


def test_a_race_is_told_where_it_is_fair_and_called_unfair_where_not():
    def run(rule, seed, share):
        settings = Settings.of(rule=rule, seed=seed).plain()
        columns = {"step": [5, 10], "test_accuracy": [share, None]}
        return {"settings": settings, "columns": columns}

    program = "print(say.raceSentence(given.table, given.here, given.there));"
    here = run("delta", 0, 0.9)
    fair = page(program, table=SETTINGS, here=here, there=run("nesterov", 0, 0.8))
    assert fair == (
        "Pinned: Update rule Nesterov. At step 5 this run has 90.0 % of the test digits right, "
        "the pinned one 80.0 %."
    )
    other = page(program, table=SETTINGS, here=here, there=run("delta", 1, 0.8))
    assert "do not see the same batches" in other


def test_a_curve_keeps_its_course_in_few_points():
    steps = list(range(1, 7001))
    values = [None if step % 7 == 0 else 1 / step for step in steps]
    found = page("print(figure.thinned(given.steps, given.values));", steps=steps, values=values)
    assert len(found["x"]) <= 300
    assert found["x"][-1] == 6999
    assert found["y"] == sorted(found["y"], reverse=True)
    few = page("print(figure.thinned([1, 2, 3], [0.5, null, 0.25]));")
    assert few == {"x": [1, 3], "y": [0.5, 0.25]}


def test_a_drawing_becomes_a_digit_of_the_size_of_those_it_was_trained_on():
    side = 280
    ink = np.zeros((side, side))
    ink[200:260, 20:40] = 1  # small, in a corner
    digit = page("print([...draw.asDigit(given.ink.flat(), 280)]);", ink=ink.tolist())
    image = np.array(digit).reshape(28, 28)
    rows, columns = image.sum(1).nonzero()[0], image.sum(0).nonzero()[0]
    assert rows[-1] - rows[0] + 1 == 18
    assert rows[0] == 5
    assert columns[0] + columns[-1] == 27
    assert image.max() == 1
    nothing = page("print([...draw.asDigit(new Float32Array(784 * 100), 280)]);")
    assert nothing == [0] * 784


def test_a_csv_has_a_line_for_each_record_and_no_nan():
    columns = {"step": [1, 2], "epoch": [0.5, 1], "loss": [1.5, None], "train_accuracy": [0.1, 0.2],
               "test_accuracy": [None, 0.3], "eta": [0.1, 0.1], "alpha": [0, 0.9]}  # fmt: skip
    text = page('print(story.csvOf([{ name: "this", columns: given.columns }]));', columns=columns)
    assert text.splitlines() == [
        "run,step,epoch,loss,train_accuracy,test_accuracy,eta,alpha",
        "this,1,0.5,1.5,0.1,,0.1,0",
        "this,2,1,,0.2,0.3,0.1,0.9",
    ]
    assert json.dumps(text).count("NaN") == 0
