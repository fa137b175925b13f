"""One block on a GPU at a time; the GPUs are played by a stand-in, the locks are real."""

import tempfile
from contextlib import nullcontext
from threading import Event, Thread
from types import SimpleNamespace

import pytest
import torch

from golden_lib.sweeps.gpu import check_device, claimed


@pytest.fixture
def two_gpus(monkeypatch, tmp_path):
    """Two GPUs that torch sees; the calls to empty their caches."""
    emptied = []
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "device", lambda index: nullcontext())
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: emptied.append(True))
    monkeypatch.setattr(
        torch.cuda, "get_device_properties", lambda index: SimpleNamespace(uuid=f"GPU-{index}")
    )
    return emptied


def test_a_worker_takes_a_free_gpu_and_waits_where_there_is_none(two_gpus):
    third, got = Event(), []

    def wait():
        with claimed("auto") as device:
            got.append(device)
            third.set()

    with claimed("auto") as first:
        with claimed("cuda") as second:
            assert [first, second] == ["cuda:0", "cuda:1"]
            thread = Thread(target=wait)
            thread.start()
            assert not third.wait(0.5)
        assert third.wait(60)
        thread.join()
    assert got == ["cuda:1"]
    assert len(two_gpus) == 3


def test_a_gpu_asked_for_by_number_is_waited_for_though_another_is_free(two_gpus):
    entered = Event()

    def wait():
        with claimed("cuda:1"):
            entered.set()

    with claimed("cuda:1") as device:
        assert device == "cuda:1"
        thread = Thread(target=wait)
        thread.start()
        assert not entered.wait(0.5)
    assert entered.wait(60)
    thread.join()


def test_a_gpu_is_free_again_after_an_error(two_gpus):
    for _ in range(3):
        with pytest.raises(RuntimeError, match="out of memory"), claimed("cuda:0"):
            raise RuntimeError("out of memory")
    assert len(two_gpus) == 3


def test_the_cpu_needs_no_claim(two_gpus):
    with claimed("cpu") as one, claimed("cpu") as other:
        assert (one, other) == ("cpu", "cpu")


def test_auto_is_the_cpu_where_there_is_no_gpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with claimed("auto") as device:
        assert device == "cpu"


@pytest.mark.parametrize("device", ["auto", "cpu", "cuda", "cuda:1", torch.device("cuda", 0)])
def test_a_device_that_is_here_is_taken(device, two_gpus):
    assert check_device(device) == str(device)


def test_a_gpu_past_the_last_is_refused(two_gpus):
    with pytest.raises(ValueError, match="device must be at most cuda:1, the last GPU here, got"):
        check_device("cuda:2")
