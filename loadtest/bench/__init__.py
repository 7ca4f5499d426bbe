"""The benchmarks: `python -m loadtest.bench`. One measurement a file, each with measure(bench) -> Section."""
