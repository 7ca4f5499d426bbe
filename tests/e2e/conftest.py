"""A running stack with the demo generator."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import pytest

from beatline import embedded

ROOT = Path(__file__).parents[2]
START_SECONDS = 120.0
STOP_SECONDS = 75.0


@dataclass(frozen=True)
class RunningStack:
    """A ready `beatline up`; url has no slash at its end."""

    url: str


@pytest.fixture(scope="module")
def stack() -> Iterator[RunningStack]:
    """`beatline up` with the generator, in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        url, process = start(Path(folder))
        try:
            wait_ready(url, process, Path(folder))
            yield RunningStack(url)
        finally:
            stop(process)


def start(folder: Path) -> tuple[str, subprocess.Popen[bytes]]:
    """Start it on a free port; it writes to up.out in the folder."""
    port = str(embedded.free_port())
    ours = {"BEATLINE_DATA": str(folder / "data"), "BEATLINE_PORT": port, "BEATLINE_DEMO": "1"}
    for name in ("BEATLINE_LIVE_PORT", "BEATLINE_WORKERS_PORT"):
        ours[name] = str(embedded.free_port())
    ours["BEATLINE_OBSERVABILITY"] = "off"
    command = [sys.executable, "-m", "beatline", "up"]
    with (folder / "up.out").open("wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env=os.environ | ours, stdout=output, stderr=subprocess.STDOUT
        )
    return f"http://127.0.0.1:{port}", process


def wait_ready(url: str, process: subprocess.Popen[bytes], folder: Path) -> None:
    """Wait until it takes events; fails with what it has printed."""
    deadline = time.monotonic() + START_SECONDS
    while not is_ready(url):
        output = (folder / "up.out").read_text()
        assert process.poll() is None, output
        assert time.monotonic() < deadline, output
        time.sleep(0.2)


def is_ready(url: str) -> bool:
    """Whether the collector and its database answer."""
    try:
        return httpx.get(f"{url}/health/ready", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def stop(process: subprocess.Popen[bytes]) -> None:
    """Stop it as Ctrl-C does, and kill what is left when that takes too long."""
    if process.poll() is not None:
        return
    family = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        for member in family:
            if member.is_running():
                member.kill()
        process.wait()
        raise
