"""Each module prints figures against a peer, or a limit, measured in the same run; see `python -m benchmarks`."""
