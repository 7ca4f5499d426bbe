"""Processes that tests kill, forked from a server that has all modules loaded, so that they begin at once."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from typing import Any

from tests.fixtures.collectors import free_port

forking = multiprocessing.get_context("forkserver")
# One list for all tests of a run: whoever starts the first process starts the server.
forking.set_forkserver_preload([
    "tests.faults.export_workers", "tests.faults.import_workers", "tests.faults.push_workers",
    "tests.faults.tiny_schedule", "pyarrow.csv", "pyarrow.parquet",
])  # fmt: skip


def start(role: Callable[[dict[str, Any]], None], settings: dict[str, Any]) -> BaseProcess:
    """A process of the workers, with a port of its own."""
    process = forking.Process(target=role, args=(settings | {"workers_port": free_port()},), daemon=True)
    process.start()
    return process


def kill(process: BaseProcess) -> None:
    """SIGKILL."""
    process.kill()
    process.join()
