"""Timings: a file as the benchmarks write it, read back, laid out and refused."""

import copy
import json

import pytest
from benchmarks import __main__ as command
from benchmarks.table import summarise

from golden_lib import timings

MADE = {
    "command": "python -m tests.benchmarks --out x",
    "processor": "A processor",
    "device": "x86_64, 2 CPU cores",
    "python": "3.11.7",
    "versions": {"torch": "2.15.0", "jax": None},
}


def row(threads=1, **changed):
    """Two networks of ten steps: we take 2, 1 and 4 s for both, the loop 3 s for one."""
    sides = {
        "golden_lib": {"networks": 2, "first_call": 5.0, "seconds": [2.0, 1.0, 4.0]},
        "loop": {"networks": 1, "first_call": 1.0, "seconds": [3.0, 3.0, 3.0]},
    }
    entry = {"workload": "mlp", "title": "MLP", "threads": threads, "pinned": True, "networks": 2,
             "batch": 32, "steps": 10, "sides": sides, **changed}  # fmt: skip
    return summarise(copy.deepcopy(entry))


def kept(path, *rows):
    path.write_text(json.dumps({"provenance": MADE, "workloads": rows}))
    return path


def lines(text):
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]


def test_a_file_of_the_benchmarks_is_read_with_its_machine_and_versions(tmp_path):
    command.write(tmp_path / "a.json", {"provenance": MADE, "workloads": [row(2), row(1)]})
    found = timings.read(tmp_path / "a.json")
    assert found.threads == [1, 2]
    assert found.sides == ["golden_lib", "loop"]
    assert found.at(2)["mlp"] == row(2)
    assert found.source == (
        "python -m tests.benchmarks --out x (A processor, x86_64, 2 CPU cores; "
        "Python 3.11.7, torch 2.15.0)"
    )


def test_what_the_benchmarks_say_of_this_machine_can_be_read(tmp_path):
    made = command.source(["python -m tests.benchmarks"])
    command.write(tmp_path / "a.json", {"provenance": made, "workloads": [row()]})
    assert timings.read(tmp_path / "a.json").source.startswith("python -m tests.benchmarks (")


def test_a_ratio_is_that_of_the_time_for_all_networks_round_by_round():
    head, _, cells = lines(timings.table([row()], "ratio"))
    assert head == ["training", timings.LABELS["loop"]]
    assert cells == ["MLP", "3 (1.5–6)"]


def test_updates_are_summed_over_networks():
    *_, cells = lines(timings.table([row()], "updates_per_second"))
    assert cells == ["MLP", "10 (5–20)", "3.33 (3.33–3.33)"]


def test_memory_has_the_rows_that_weighed_it_and_a_dash_for_a_side_that_did_not():
    weighed = row()
    weighed["sides"]["golden_lib"]["memory"] = {"before": 1, "peak": 2_340_000_000}
    assert lines(timings.table([weighed, row()], "memory"))[2:] == [["MLP", "2.34", "–"]]
    assert "Peak memory" in timings.markdown([weighed])
    assert "Peak memory" not in timings.markdown([row()])


def test_a_reader_is_told_what_was_not_there_not_pinned_and_not_timed_in_full():
    told = " ".join(timings.notes([row(pinned=False)]))
    for part in (timings.LABELS["jax"], "1 of 2", "only asked for"):
        assert part in told
    assert timings.notes([row(sides={"golden_lib": row()["sides"]["golden_lib"]})])


def test_rounds_are_a_number_or_a_range():
    short = row()
    short["sides"]["golden_lib"]["seconds"] = [1.0]
    assert timings.rounds([row(), row()]) == "3"
    assert timings.rounds([row(), short]) == "1 to 3"


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"workloads": [], "provenance": {}}',
                                  '{"workloads": [{"threads": 1}], "provenance": {}}'])  # fmt: skip
def test_a_file_that_holds_no_timings_is_refused(tmp_path, text):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(ValueError, match="path must be a file of timings, got"):
        timings.read(tmp_path / "a.json")


def test_timings_without_a_row_or_a_machine_are_refused(tmp_path):
    with pytest.raises(ValueError, match="path must be a file of timings"):
        timings.read(kept(tmp_path / "a.json"))
    (tmp_path / "b.json").write_text(json.dumps({"provenance": {}, "workloads": [row()]}))
    with pytest.raises(ValueError, match="path must be a file of timings"):
        timings.read(tmp_path / "b.json")


def test_an_unknown_quantity_or_number_of_threads_is_refused(tmp_path):
    found = timings.read(kept(tmp_path / "a.json", row()))
    with pytest.raises(ValueError, match="what must be one of ratio, updates_per_second, "):
        timings.table(found.rows, "speed")
    with pytest.raises(ValueError, match="threads must be one of 1, got 3"):
        found.at(3)
