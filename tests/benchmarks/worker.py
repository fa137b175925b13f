"""The process in which one workload is measured, with its threads settled before any import.

``python -m tests.benchmarks.worker REQUEST`` prints one line of JSON; `ask` starts it.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


def ask(threads: int, **request: Any) -> dict[str, Any]:
    """Have a fresh process measure, and return what it found.

    Args:
        threads: for every side alike: BLAS, OpenMP, numba and XLA get so many, and the process is
            pinned to as many cores where the system allows it.
        request: ``workload``, ``quick``, and ``rounds`` to time all sides or ``side`` to measure
            that one's peak memory.

    Raises:
        RuntimeError: if the process fails; the message ends with what it said last.
    """
    command = [sys.executable, "-m", "tests.benchmarks.worker"]
    # Kept code of an earlier process would hide what the first call compiles.
    with TemporaryDirectory() as cache:
        done = subprocess.run(
            [*command, json.dumps({"threads": threads, **request})],
            cwd=ROOT,
            env=os.environ | environment(threads) | {"NUMBA_CACHE_DIR": cache},
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode != 0:
        said = done.stderr.strip().splitlines() or [f"exit status {done.returncode}"]
        raise RuntimeError(f"{request['workload']}: {said[-1]}")
    return json.loads(done.stdout.splitlines()[-1])


def environment(threads: int) -> dict[str, str]:
    """Variables that hold every library to the CPU and to so many threads."""
    names = ("OMP", "MKL", "OPENBLAS", "NUMBA")
    many = "true" if threads > 1 else "false"
    return {
        **{f"{name}_NUM_THREADS": str(threads) for name in names},
        "NPROC": str(threads),  # the size of XLA's pools
        "XLA_FLAGS": f"--xla_cpu_multi_thread_eigen={many}",
        "JAX_PLATFORMS": "cpu",
        "CUDA_VISIBLE_DEVICES": "",
    }


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def settle(threads: int) -> bool:
    """Tell torch, and pin this process; whether it could be pinned."""
    import torch

    torch.set_num_threads(threads)
    if not hasattr(os, "sched_setaffinity"):
        return False
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-threads:])
    return True


def answer(threads: int, workload: str, quick: bool, rounds: int = 0, side: str = "") -> dict:
    """Measure as requested; see `ask`."""
    pinned = settle(threads)
    from .agree import check
    from .rounds import SHORTEST, in_turns, once, part, peak_memory
    from .sides import OURS, SIDES
    from .workloads import WORKLOADS

    work = WORKLOADS[workload].quick() if quick else WORKLOADS[workload]
    if side:
        return peak_memory(work, side)
    # Before the check, which would compile for some of them.
    found = {name: {"first_call": sum(once(work, name))} for name in SIDES}
    for name in SIDES:
        found[name]["networks"] = part(work, name).replicas
        if name != OURS:
            found[name]["difference"] = check(workload, name, work.dtype)
    seconds = in_turns(work, SIDES, rounds, SHORTEST / 10 if quick else SHORTEST)
    for name in SIDES:
        found[name]["seconds"] = seconds[name]
    return {
        "workload": workload,
        "title": work.title,
        "threads": threads,
        "pinned": pinned,
        "networks": work.replicas,
        "batch": work.batch,
        "steps": work.steps,
        "sides": found,
    }


if __name__ == "__main__":
    print(json.dumps(answer(**json.loads(sys.argv[1]))))
