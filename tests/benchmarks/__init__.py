"""Benchmarks: what Signoff costs next to a named peer, measured in one run on one machine, as a ratio.

`python -m tests.benchmarks [NAME ...]`. They judge nothing and fail only where the work they time was not done.
"""
