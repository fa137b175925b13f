"""One thread for all tests: on a busy two-core machine the default is 25 times slower."""

import torch

torch.set_num_threads(1)
