"""What holds for all tests: one thread, a Ctrl-C that works, and images learnt in seconds."""

import os
import signal

import pytest
import torch

from golden_lib.data import Digits

# On a busy two-core machine the default is 25 times slower.
torch.set_num_threads(1)
os.environ["OMP_NUM_THREADS"] = "1"  # of the kernels and programs that tests start

# A shell's background jobs, and all that they start, ignore Ctrl-C unless somebody asks for it.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def digits():
    """Ten noisy patterns: images that can be learnt in seconds."""
    g = torch.Generator().manual_seed(0)
    labels = torch.arange(600) % 10
    patterns = (torch.rand(10, 28, 28, generator=g) > 0.7).float()
    images = 0.5 * patterns[labels] + 0.5 * torch.rand(600, 28, 28, generator=g)
    return Digits(images, labels, "patterns")


@pytest.fixture
def small(monkeypatch, digits):
    """Every data set of a lab is the patterns."""
    monkeypatch.setattr("golden_lib.lab.course.load_data", lambda name: digits)
