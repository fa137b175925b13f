"""One thread for all tests: on a busy two-core machine the default is 25 times slower."""

import os

import torch

torch.set_num_threads(1)
os.environ["OMP_NUM_THREADS"] = "1"  # of the kernels and programs that tests start
