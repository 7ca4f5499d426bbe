"""A data folder on a file system of limited size, so that it can be filled."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BALLAST = "ballast"
BLOCK = 2**20


@contextmanager
def limited(folder: Path, size: str) -> Iterator[bool]:
    """Mount a tmpfs of that size on a folder; whether that is allowed (it takes root)."""
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=0755", "beatline-chaos", str(folder)]
    mounted = os.geteuid() == 0 and subprocess.run(mount, capture_output=True, check=False).returncode == 0
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


def fill(folder: Path) -> None:
    """Write until nothing more fits."""
    size = BLOCK
    with (folder / BALLAST).open("wb", buffering=0) as file:
        while size:
            try:
                file.write(bytes(size))
            except OSError:
                size //= 2


def free(folder: Path) -> None:
    """Take it away again."""
    (folder / BALLAST).unlink(missing_ok=True)
