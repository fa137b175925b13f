"""How sweeps begin and end: at the door, by Ctrl-C, by a broken pool, and what is kept then."""

import multiprocessing
import os
import re
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import nullcontext

import pytest
import torch
from test_sweeps import BLOCKS, block, files, spawn_pool

from golden_lib.sweeps import SweepError, engines, run
from golden_lib.sweeps.work import compute


def test_the_blocks_that_a_broken_pool_lost_are_named_and_trained_next_time(tmp_path):
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
    assert [result.stored for result in run(BLOCKS, tmp_path)] == [False] * 5


def test_results_are_kept_though_no_one_asks_for_them(tmp_path):
    with ThreadPoolExecutor(2) as pool:
        stream = run(BLOCKS, tmp_path, pool)
    assert len(files(tmp_path)) == 5
    assert {result.block for result in stream} == set(BLOCKS)
    assert all(result.stored for result in run(BLOCKS, tmp_path))


def test_closing_takes_back_what_has_not_begun_and_keeps_what_has(monkeypatch, tmp_path):
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
