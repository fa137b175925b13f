"""Sweeps: one result whoever computes it, nothing lost, nothing trained twice, errors named."""

import errno
import multiprocessing
import os
import re
import resource
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, nullcontext

import distributed
import numpy as np
import pytest
import torch

from golden_lib.data import folds, rendered_digits
from golden_lib.nets import Mlp
from golden_lib.sweeps import Block, SweepError, engines, run
from golden_lib.sweeps.result import AXES
from golden_lib.sweeps.work import compute
from golden_lib.training import train

ENGINES = ("here", "threads", "processes", "dask")


def block(k, **settings):
    """Three small networks on fold k of 200 digits; one of them cannot but diverge."""
    small = {
        "network": {"name": "mlp", "hidden": 4}, "loss": "cross_entropy", "rule": "delta",
        "data": "digits", "train_size": 200, "fold": [k, 5], "batch_size": 20, "epochs": 2,
        "seeds": [k, 7, 8], "eta": [0.1, 1.7e308, 0.3], "alpha": 0.5, "dtype": "float64",
    }  # fmt: skip
    return Block(f"fold {k}", {**small, **settings})


BLOCKS = [block(k) for k in range(5)]


def long_blocks():
    """Long enough to be killed in one of them, which comes 2 ms after the first has ended."""
    return [block(k, epochs=100, every=400, eta=0.1) for k in range(4)]


def files(store):
    """Names of all files, drafts too, with what says that they were not written again."""
    return {path.name: (path.stat().st_mtime_ns, path.stat().st_ino) for path in store.iterdir()}


def by_label(results):
    return sorted(results, key=lambda result: result.block.label)


def assert_equal(found, expected):
    """The same blocks and, to the bit, the same numbers."""
    assert [r.block for r in by_label(found)] == [r.block for r in by_label(expected)]
    for one, other in zip(by_label(found), by_label(expected), strict=True):
        for name in AXES:
            assert getattr(one, name).tobytes() == getattr(other, name).tobytes(), name


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """The results of a sweep that nothing disturbed."""
    return list(run(BLOCKS, tmp_path_factory.mktemp("undisturbed")))


@pytest.fixture(scope="module")
def engine():
    """An executor by name; those that take seconds to start serve all tests."""
    with ExitStack() as open_:
        made = {"here": None}

        def find(name):
            if name not in made:
                made[name] = open_.enter_context(start(name))
            return made[name]

        def start(name):
            if name == "threads":
                return ThreadPoolExecutor(2)
            if name == "processes":
                return spawn_pool(2)
            cluster = open_.enter_context(
                distributed.LocalCluster(
                    n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
                )
            )
            return open_.enter_context(distributed.Client(cluster)).get_executor()

        yield find


def spawn_pool(workers):
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"))


def test_a_block_is_the_training_that_its_settings_describe(expected):
    found = by_label(expected)[2]
    digits = rendered_digits()[:200]
    alone = train(
        Mlp(hidden=4), "cross_entropy", "delta", digits, eta=[0.1, 1.7e308, 0.3], alpha=0.5,
        seeds=[2, 7, 8], epochs=2, batch_size=20, test=folds(200, 5, 0)[2][1],
        dtype=torch.float64, device="cpu",
    ).finish()  # fmt: skip
    for name in ("step", "epoch", "loss", "train_accuracy", "test_accuracy"):
        np.testing.assert_array_equal(getattr(found, name), getattr(alone.history, name))
    assert found.step.tolist() == [8, 16]
    assert found.seeds.tolist() == [2, 7, 8]
    assert found.eta.tolist() == [0.1, 1.7e308, 0.3]
    assert found.alpha.tolist() == [0.5] * 3
    assert found.diverged.tolist() == alone.diverged.tolist()
    assert (found.diverged > 0).tolist() == [False, True, False]
    assert found.provenance["threads"] == torch.get_num_threads()
    assert found.provenance["versions"]["torch"].startswith("2.")
    assert not found.stored


@pytest.mark.parametrize("name", ENGINES)
def test_every_engine_gives_the_same_results_and_a_second_sweep_trains_nothing(
    name, engine, expected, tmp_path
):
    first = list(run(BLOCKS, tmp_path, engine(name)))
    assert_equal(first, expected)
    assert not any(result.stored for result in first)
    written = files(tmp_path)
    assert set(written) == {f"{block.key}.npz" for block in BLOCKS}
    second = list(run(BLOCKS, tmp_path, engine(name)))
    assert_equal(second, expected)
    assert all(result.stored for result in second)
    assert files(tmp_path) == written


def test_more_blocks_later_train_those_alone_and_the_stored_come_first(tmp_path, engine, expected):
    list(run(BLOCKS[3:], tmp_path))
    written = files(tmp_path)
    results = list(run(BLOCKS, tmp_path, engine("threads")))
    assert_equal(results, expected)
    assert [result.stored for result in results] == [True] * 2 + [False] * 3
    assert written.items() <= files(tmp_path).items()


def test_blocks_with_the_same_settings_are_trained_once_and_answered_each(tmp_path):
    twins = [BLOCKS[0], Block("twin", BLOCKS[0].settings), BLOCKS[1]]
    results = list(run(iter(twins), tmp_path))
    assert [result.block for result in results] == twins
    assert results[0].loss is results[1].loss
    assert len(files(tmp_path)) == 2


PROGRAM = """
import sys
sys.path.insert(0, {tests!r})
from test_sweeps import long_blocks, run, spawn_pool
if __name__ == "__main__":
    pool = spawn_pool(1) if {pool} else None
    if pool:
        print(pool.submit(__import__("os").getpid).result(), flush=True)
    list(run(long_blocks(), {store!r}, pool))
"""


def program(tmp_path, store, pool=False):
    """A sweep of the long blocks as a program of its own."""
    script = tmp_path / "program.py"
    script.write_text(PROGRAM.format(tests=os.path.dirname(__file__), store=str(store), pool=pool))
    return subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, text=True)


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.002)


@pytest.fixture(scope="module")
def never_killed(tmp_path_factory, engine):
    return list(run(long_blocks(), tmp_path_factory.mktemp("never-killed"), engine("processes")))


@pytest.mark.parametrize("name", ["here", "threads"])
def test_a_sweep_killed_in_mid_block_goes_on_elsewhere_as_if_it_never_was(
    name, engine, tmp_path, never_killed
):
    store = tmp_path / "store"
    process = program(tmp_path, store, pool=name == "here")
    wait_for(lambda: store.exists() and list(store.glob("*.npz")))
    process.send_signal(signal.SIGKILL)
    worker = process.communicate()[0].strip()
    before = files(store)
    done = {name for name in before if name.endswith(".npz")}
    assert 1 <= len(done) < 4
    results = list(run(long_blocks(), store, engine(name)))
    assert_equal(results, never_killed)
    assert {f"{result.block.key}.npz" for result in results if result.stored} == done
    assert before.items() <= files(store).items()
    if worker:
        wait_for(lambda: ended(int(worker)))


def ended(pid):
    """Whether a process is gone, or a zombie that no one has collected."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            return stat.read().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def sweep_here(store):
    return list(run(BLOCKS, store))


def test_two_processes_on_one_store_at_once_do_no_harm(tmp_path, engine, expected):
    both = [engine("processes").submit(sweep_here, tmp_path) for _ in range(2)]
    for future in both:
        assert_equal(future.result(), expected)
    assert set(files(tmp_path)) == {f"{block.key}.npz" for block in BLOCKS}
    assert all(result.stored for result in run(BLOCKS, tmp_path))


@pytest.mark.parametrize("name", ["here", "threads"])
def test_a_damaged_file_is_named_and_its_block_alone_trained_again(
    name, engine, expected, tmp_path
):
    list(run(BLOCKS, tmp_path))
    path = tmp_path / f"{BLOCKS[1].key}.npz"
    cut = path.read_bytes()[:-30]
    path.write_bytes(cut)
    written = files(tmp_path)
    with pytest.warns(UserWarning, match=rf"{path.name} must be the result of block 'fold 1'"):
        results = list(run(BLOCKS, tmp_path, engine(name)))
    assert_equal(results, expected)
    assert [r.block.label for r in results if not r.stored] == ["fold 1"]
    (aside,) = tmp_path.glob("*.rejected")
    assert aside.read_bytes() == cut
    del written[path.name]
    assert written.items() <= files(tmp_path).items()
    assert all(result.stored for result in run(BLOCKS, tmp_path))


def sweep_on_full_disk(store, threads):
    """Sweep where no file can grow past 1000 bytes; what was said, and what was left."""
    list(run(BLOCKS[:1], store))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with ThreadPoolExecutor(1) as pool:
            list(run(BLOCKS, store, pool if threads else None))
    except OSError as error:
        return error.errno, str(error), sorted(path.name for path in store.iterdir())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("threads", [False, True])
def test_a_full_disk_is_one_error_that_names_the_store_and_the_store_stays_good(
    threads, engine, tmp_path, expected
):
    told = engine("processes").submit(sweep_on_full_disk, tmp_path, threads).result()
    assert told[0] == errno.EFBIG
    assert "store must have room and be writable, got 'File too large'" in told[1]
    assert str(tmp_path) in told[1]
    assert told[2] == [f"{BLOCKS[0].key}.npz"]
    results = list(run(BLOCKS, tmp_path))
    assert_equal(results, expected)
    assert sum(result.stored for result in results) == 1


@pytest.mark.parametrize("name", ENGINES)
def test_an_error_in_one_block_names_it_and_spares_the_others(name, engine, expected, tmp_path):
    wrong = Block("too large a batch", {**BLOCKS[0].settings, "batch_size": 161})
    results, stream = [], run([*BLOCKS[:2], wrong, *BLOCKS[2:]], tmp_path, engine(name))
    with pytest.raises(SweepError, match="1 of 6 blocks failed") as caught:
        results.extend(stream)
    said = "too large a batch: ValueError: batch_size must be a whole number from 1 to the 160"
    assert said in str(caught.value)
    ((failed, error),) = caught.value.failures
    assert failed == wrong
    assert isinstance(error, ValueError)
    assert caught.value.__cause__ is error
    assert len(files(tmp_path)) == 5
    assert all(result.stored for result in run(BLOCKS, tmp_path))


def test_the_blocks_that_a_broken_pool_lost_are_named_and_trained_next_time(expected, tmp_path):
    others = multiprocessing.active_children()
    with spawn_pool(1) as pool:
        stream = run(BLOCKS, tmp_path, pool)
        for worker in set(multiprocessing.active_children()) - set(others):
            worker.kill()
        with pytest.raises(SweepError, match="5 of 5 blocks failed") as caught:
            list(stream)
        for block in BLOCKS:
            assert f"{block.label}: BrokenProcessPool: " in str(caught.value)
        assert isinstance(caught.value.__cause__, BrokenProcessPool)
        with pytest.raises(ValueError, match="executor must take work, got BrokenProcessPool: "):
            run(BLOCKS, tmp_path, pool)
    assert_equal(list(run(BLOCKS, tmp_path)), expected)


def test_results_are_kept_though_no_one_asks_for_them(expected, tmp_path):
    with ThreadPoolExecutor(2) as pool:
        stream = run(BLOCKS, tmp_path, pool)
    assert len(files(tmp_path)) == 5
    assert_equal(list(stream), expected)


def test_closing_takes_back_what_has_not_begun_and_keeps_what_has(monkeypatch, tmp_path, expected):
    begun, second, go_on = [], threading.Event(), threading.Event()

    def slow(key, *arguments):
        begun.append(key)
        if len(begun) == 2:
            second.set()
            assert go_on.wait(60)
        return compute(key, *arguments)

    monkeypatch.setattr(engines, "compute", slow)
    with ThreadPoolExecutor(1) as pool:
        stream = run(BLOCKS, tmp_path, pool)
        next(stream)
        assert second.wait(60)
        stream.close()
        go_on.set()
    assert begun == [block.key for block in BLOCKS[:2]]
    assert set(files(tmp_path)) == {f"{key}.npz" for key in begun}


def test_a_sweep_on_dask_that_is_closed_leaves_the_cluster_at_work(engine, expected, tmp_path):
    stream = run([block(k, epochs=20) for k in range(5)], tmp_path, engine("dask"))
    next(stream)
    stream.close()
    assert_equal(list(run(BLOCKS, tmp_path / "next", engine("dask"))), expected)


@pytest.mark.parametrize("name", ["here", "processes"])
def test_ctrl_c_ends_a_sweep_at_once_and_half_a_block_is_no_result(name, tmp_path):
    endless = block(1, epochs=10**8)
    others = multiprocessing.active_children()
    with spawn_pool(1) if name == "processes" else nullcontext() as pool:
        stream = run([BLOCKS[0], endless], tmp_path, pool)
        next(stream)
        # A terminal sends the signal to all processes in it.
        workers = set(multiprocessing.active_children()) - set(others)
        pids = [os.getpid(), *(worker.pid for worker in workers)]
        assert len(pids) == 1 + (name == "processes")
        threading.Timer(0.5, lambda: [os.kill(pid, signal.SIGINT) for pid in pids]).start()
        with pytest.raises(KeyboardInterrupt):
            next(stream)
    assert set(files(tmp_path)) == {f"{BLOCKS[0].key}.npz"}
    assert list(stream) == []


def test_a_sweep_on_threads_leaves_this_process_its_number_of_threads(tmp_path):
    new = []
    torch.set_num_threads(2)
    try:
        with ThreadPoolExecutor(2) as pool:
            results = list(run(BLOCKS, tmp_path, pool))
        thread = threading.Thread(target=lambda: new.append(torch.get_num_threads()))
        thread.start()
        thread.join()
        assert [torch.get_num_threads(), *new] == [2, 2]
    finally:
        torch.set_num_threads(1)
    assert {result.provenance["threads"] for result in results} == {1}


def shut_down():
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    return pool


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"blocks": []}, "blocks must hold at least one block, got none"),
        ({"blocks": [{"loss": "sse"}]}, "blocks must be of type Block, got {'loss': 'sse'}"),
        ({"executor": shut_down()}, "executor must take work, got RuntimeError: cannot schedule"),
        (
            {"executor": "pool"},
            "executor must be a concurrent.futures.Executor or None, got 'pool'",
        ),
        ({"device": "gpu"}, "device must be auto, cpu, cuda or cuda:N, got 'gpu'"),
        ({"device": "cuda"}, "device must be cpu or auto where there is no CUDA GPU, got cuda"),
        (
            {"device": "cuda:1", "executor": ThreadPoolExecutor(1)},
            "device must be cpu or auto where there is no CUDA GPU, got cuda:1",
        ),
    ],
)
def test_bad_input_is_refused_before_anything_runs(changed, said, monkeypatch, tmp_path):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ValueError, match=re.escape(said)):
        run(**{"blocks": BLOCKS, "store": tmp_path, **changed})
    assert files(tmp_path) == {}


def test_a_dask_client_is_told_where_its_executor_is(tmp_path):
    class Client:
        def get_executor(self):
            """As Dask's."""

    with pytest.raises(ValueError, match=r"executor must be .*: take its get_executor\(\)"):
        run(BLOCKS, tmp_path, Client())


def test_a_store_that_is_a_file_is_refused_and_left_alone(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(ValueError, match=r"store must be a folder, got .*file"):
        run(BLOCKS, tmp_path / "file")
    assert (tmp_path / "file").read_text() == "x"


def test_the_bar_counts_blocks_and_tells_the_time_left_on_terminals_alone(tmp_path, capsys):
    list(run(BLOCKS, tmp_path / "a"))
    assert capsys.readouterr().err == ""
    list(run(BLOCKS[:2], tmp_path / "b"))
    list(run(BLOCKS, tmp_path / "b", progress=True))
    said = capsys.readouterr().err
    assert "2 of 5 blocks:   0%" in said
    assert "5 of 5 blocks: 100%" in said
    assert re.search(r"\[00:\d\d<00:\d\d", said)
