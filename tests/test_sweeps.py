"""Sweeps: one result whoever computes it, nothing lost, nothing trained twice, errors named."""

import errno
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import ExitStack

import numpy as np
import pytest
import torch

from golden_lib.data import folds, rendered_digits
from golden_lib.nets import Mlp
from golden_lib.sweeps import Block, SweepError, run
from golden_lib.sweeps.result import AXES
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


LONG_BLOCKS = [block(k, epochs=100, every=400, eta=0.1) for k in range(4)]
"""Long enough for a kill to come in mid-block; two records each."""


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
            import distributed  # slow, and here so that the processes that tests start need not

            cluster = distributed.LocalCluster(
                n_workers=2, threads_per_worker=1, processes=True, dashboard_address="127.0.0.1:0"
            )
            open_.enter_context(cluster)
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


KILLED_HERE = """
import os, signal
from test_sweeps import LONG_BLOCKS, run, train
from golden_lib.sweeps import work

def train_once(*arguments, **options):
    work.train = killed
    return train(*arguments, **options)

def killed(*arguments, **options):
    next(train(*arguments, **options))
    os.kill(os.getpid(), signal.SIGKILL)

work.train = train_once
list(run(LONG_BLOCKS, STORE))
"""
"""The first block trains, and the second is killed after the first of its two records."""

KILLED_POOL = """
import os, signal
from test_sweeps import LONG_BLOCKS, run, spawn_pool

if __name__ == "__main__":
    pool = spawn_pool(1)
    print(pool.submit(os.getpid).result(), flush=True)
    next(run(LONG_BLOCKS, STORE, pool))
    os.kill(os.getpid(), signal.SIGKILL)
"""
"""Killed when the first block has come; its worker has begun another."""


@pytest.fixture(scope="module")
def never_killed(tmp_path_factory, engine):
    return list(run(LONG_BLOCKS, tmp_path_factory.mktemp("never-killed"), engine("threads")))


@pytest.mark.parametrize(
    ("source", "name"), [(KILLED_HERE, "processes"), (KILLED_POOL, "here")], ids=["here", "pool"]
)
def test_a_sweep_killed_in_mid_block_goes_on_elsewhere_as_if_it_never_was(
    source, name, engine, tmp_path, never_killed
):
    script, store = tmp_path / "program.py", tmp_path / "store"
    script.write_text(f"STORE = {str(store)!r}\n{source}")
    path = os.pathsep.join([os.path.dirname(__file__), *sys.path])
    process = subprocess.run(
        [sys.executable, script],
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"PYTHONPATH": path},
    )
    assert process.returncode == -signal.SIGKILL, process.stderr
    before = files(store)
    done = {name for name in before if name.endswith(".npz")}
    assert 1 <= len(done) < 4
    results = list(run(LONG_BLOCKS, store, engine(name)))
    assert_equal(results, never_killed)
    assert {f"{result.block.key}.npz" for result in results if result.stored} == done
    assert before.items() <= files(store).items()
    for worker in process.stdout.split():
        end = time.monotonic() + 60
        while not ended(int(worker)):
            assert time.monotonic() < end, "the killed sweep's worker goes on"
            time.sleep(0.05)


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


def test_a_sweep_on_dask_that_is_closed_leaves_the_cluster_at_work(engine, expected, tmp_path):
    stream = run([block(k, epochs=20) for k in range(5)], tmp_path, engine("dask"))
    next(stream)
    stream.close()
    assert_equal(list(run(BLOCKS, tmp_path / "next", engine("dask"))), expected)
