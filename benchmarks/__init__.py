"""Benchmarks, run by hand (`make bench`): what a request costs beside the same work without our code."""
