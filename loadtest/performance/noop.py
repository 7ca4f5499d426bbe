"""The no-op Flask route of loadtest/bench/noop.py, with an address that says that it is up."""

from __future__ import annotations

from loadtest.bench.noop import app


@app.get("/health")
def health() -> dict[str, str]:
    """Whether it answers."""
    return {"status": "ok"}
