"""What holds for all tests: one thread, and a Ctrl-C that works."""

import os
import signal

import torch

# On a busy two-core machine the default is 25 times slower.
torch.set_num_threads(1)
os.environ["OMP_NUM_THREADS"] = "1"  # of the kernels and programs that tests start

# A shell's background jobs, and all that they start, ignore Ctrl-C unless somebody asks for it.
signal.signal(signal.SIGINT, signal.default_int_handler)
