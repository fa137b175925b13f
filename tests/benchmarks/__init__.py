"""What training costs here, side by side with other ways to write the same training.

    python -m tests.benchmarks            print the table of ratios, as Markdown; --help says more
    python -m pytest tests/benchmarks     the same measurement in pytest-benchmark's groups

`workloads` says what is trained, `sides` and `rivals` by whom, `agree` holds that all do the same
work, `rounds` times them in turns, `worker` is the process in which that happens, and `table` makes
ratios of them; `golden_lib.timings` lays them out.
"""
