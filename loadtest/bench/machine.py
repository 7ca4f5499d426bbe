"""The machine and the software a run was made on."""

from __future__ import annotations

import os
import platform
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import median

import psutil
import psycopg

from loadtest.bench.report import Table

PACKAGES = ("flask", "granian", "gunicorn", "gevent", "msgspec", "psycopg")
SYNCS = 200
BLOCK = bytes(8192)


def describe(folder: Path, postgres_url: str) -> Table:
    """Name and value of everything that the figures depend on; folder is where the data lies."""
    with psycopg.connect(postgres_url) as connection:
        postgres = connection.info.parameter_status("server_version")
    rows = [
        ["Date", f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"],
        ["CPU", f"{cpu_model()}, {os.cpu_count()} logical cores"],
        ["Memory", f"{psutil.virtual_memory().total / 2**30:.0f} GiB"],
        ["Disk", f"{filesystem(folder)}, 8 KiB written and synced in {sync_milliseconds(folder):.2f} ms"],
        ["Kernel", f"{platform.system()} {platform.release()} ({platform.machine()})"],
        ["Python", f"{platform.python_implementation()} {platform.python_version()}"],
        ["PostgreSQL", f"{postgres}, the embedded one with the settings of `make up` (fsync on)"],
        ["Packages", ", ".join(f"{package} {version(package)}" for package in PACKAGES)],
    ]
    return Table(["what", "value"], rows)


def cpu_model() -> str:
    """The model as the processor calls itself."""
    path = Path("/proc/cpuinfo")
    if path.exists():
        for line in path.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def filesystem(folder: Path) -> str:
    """The type of the file system that a folder lies on."""
    mounts = [
        mount
        for mount in psutil.disk_partitions(all=True)
        if folder.resolve().is_relative_to(mount.mountpoint)
    ]
    return max(mounts, key=lambda mount: len(mount.mountpoint)).fstype if mounts else "unknown"


def sync_milliseconds(folder: Path) -> float:
    """How long it takes to write a page and have it on disk, the median of SYNCS attempts."""
    sync = getattr(os, "fdatasync", os.fsync)
    times = []
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        for _ in range(SYNCS):
            started = time.perf_counter()
            os.pwrite(file.fileno(), BLOCK, 0)
            sync(file.fileno())
            times.append(1000 * (time.perf_counter() - started))
    return median(times)
