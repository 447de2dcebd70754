"""Benchmarks, as ratios beside a baseline of the same run; the list of them is in `cases.py`."""
