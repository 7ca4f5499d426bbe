"""Where a Python process spends its time: py-spy looks from outside, RATE times a second, who holds the lock
of the interpreter. Threads that wait, for a commit for example, do not hold it and are not counted."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import psutil

RATE = 100
END_SECONDS = 20.0
FRAME = re.compile(r"(?P<function>.+) \((?P<file>.+?)(:\d+)?\)$")
PLACES = ("site-packages/", "python3.11/", "lib/")
THREAD = re.compile(r"^(thread|process) ")

Stack = tuple[str, ...]


def record(pid: int, seconds: int, folder: Path) -> dict[str, Any]:
    """The stacks of a process; `error` says why there are none (ptrace is not allowed)."""
    path = folder / f"stacks-{pid}.txt"
    command = [
        str(Path(sys.executable).with_name("py-spy")), "record", "--pid", str(pid), "--format", "raw",
        "--duration", str(seconds), "--rate", str(RATE), "--gil", "--output", str(path),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + END_SECONDS, check=False)
    if done.returncode or not path.exists():
        return {"error": (done.stderr.strip().splitlines() or ["no output"])[-1], "stacks": []}
    stacks = read(path.read_text())
    return {"stacks": [[list(stack), number] for stack, number in stacks.most_common()]}


def read(raw: str) -> Counter[Stack]:
    """Stacks and their numbers of samples, out of py-spy's raw format: `frame;frame;… number` a line."""
    stacks: Counter[Stack] = Counter()
    for line in raw.splitlines():
        frames, _, number = line.rpartition(" ")
        names = tuple(name for name in map(frame_name, split(frames)) if name)
        if names and number.isdigit():
            stacks[names] += int(number)
    return stacks


def split(frames: str) -> list[str]:
    """The frames of a line."""
    return frames.split(";") if frames else []


def frame_name(frame: str) -> str:
    """A frame as `function (file)`, without lines and without where things are installed; "" for none."""
    match = FRAME.match(frame.strip())
    if not match:
        return "" if THREAD.match(frame) else frame.strip()
    file = match["file"]
    for place in PLACES:
        file = file.rpartition(place)[2] or file
    return f"{match['function']} ({'/'.join(file.split('/')[-3:])})"


def own_time(stacks: list[tuple[Stack, int]], most: int) -> list[tuple[str, float]]:
    """The functions that were at work themselves most often, as shares of all samples."""
    counted = Counter[str]()
    for stack, number in stacks:
        counted[stack[-1]] += number
    total = sum(counted.values())
    return [(name, number / total) for name, number in counted.most_common(most)]


def busiest_child(pid: int) -> int:
    """The process that has used most processor time, among those that a server has started."""
    children = psutil.Process(pid).children(recursive=True)
    return max(children, key=lambda child: sum(child.cpu_times()[:2])).pid if children else pid
