"""What every part of the stack uses, sampled from the operating system once a second.

Memory is the proportional set size (PSS): what a process has of its own, and its share of what it has in
common with others, so that the processes of PostgreSQL add up. The traffic of the loopback device is that of
the whole machine: the kernel does not count it by process.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import psutil

INTERVAL_SECONDS = 1.0
LOOPBACK = "lo"


@dataclass
class Usage:
    """What the processes of one part have used since the first look, the ended ones included.

    memory: bytes of all of them at each look; largest: bytes of the largest one.
    """

    cpu: dict[int, float] = field(default_factory=dict)
    read: dict[int, int] = field(default_factory=dict)
    written: dict[int, int] = field(default_factory=dict)
    memory: list[int] = field(default_factory=list)
    largest: list[int] = field(default_factory=list)
    cores: list[float] = field(default_factory=list)


class Sampler:
    """Looks at the parts until it is stopped. parts: name and process id of the part's first process."""

    def __init__(self, parts: Mapping[str, int]) -> None:
        self.parts = {name: psutil.Process(pid) for name, pid in parts.items()}
        self.usage = {name: Usage() for name in parts}
        self.first: dict[str, dict[int, tuple[float, int, int]]] = {name: {} for name in parts}
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.run, name="sampler", daemon=True)

    def run(self) -> None:
        """Look until told to stop."""
        while not self.stop.wait(INTERVAL_SECONDS):
            self.look()

    def look(self) -> None:
        """Look at every part once."""
        for name, root in self.parts.items():
            before = sum(self.usage[name].cpu.values())
            sizes = [self.look_at(name, process) for process in family(root)]
            usage = self.usage[name]
            usage.cores.append((sum(usage.cpu.values()) - before) / INTERVAL_SECONDS)
            usage.memory.append(sum(sizes))
            usage.largest.append(max(sizes, default=0))

    def look_at(self, name: str, process: psutil.Process) -> int:
        """Note what a process has used by now; its memory. A process that came meanwhile counts from its
        start."""
        usage, pid = self.usage[name], process.pid
        with suppress(psutil.Error):
            cpu, disk = process.cpu_times(), process.io_counters()
            now = (cpu.user + cpu.system, disk.read_bytes, disk.write_bytes)
            first = self.first[name].setdefault(pid, (0.0, 0, 0) if usage.memory else now)
            usage.cpu[pid] = now[0] - first[0]
            usage.read[pid], usage.written[pid] = now[1] - first[1], now[2] - first[2]
            return int(process.memory_full_info().pss)
        return 0


def family(root: psutil.Process) -> list[psutil.Process]:
    """A process and all that it has started."""
    with suppress(psutil.Error):
        return [root, *root.children(recursive=True)]
    return []


@contextmanager
def sampled(parts: Mapping[str, int]) -> Iterator[dict[str, Any]]:
    """Sample until the end of the block; the dictionary is filled then, see `figures`."""
    sampler, found = Sampler(parts), dict[str, Any]()
    sampler.look()
    began, network = time.perf_counter(), loopback_bytes()
    machine = psutil.cpu_times()
    sampler.thread.start()
    try:
        yield found
    finally:
        sampler.stop.set()
        sampler.thread.join()
        sampler.look()
        seconds = time.perf_counter() - began
        found["seconds"] = seconds
        found["loopback_bytes"] = loopback_bytes() - network
        found["machine_busy"] = busy_share(machine, psutil.cpu_times())
        found["parts"] = {name: figures(usage, seconds) for name, usage in sampler.usage.items()}


def figures(usage: Usage, seconds: float) -> dict[str, Any]:
    """Processor time in seconds, cores used in the mean, bytes, and the series of each look."""
    cpu = sum(usage.cpu.values())
    return {
        "cpu_seconds": cpu,
        "cores": cpu / seconds,
        "read_bytes": sum(usage.read.values()),
        "written_bytes": sum(usage.written.values()),
        "memory": usage.memory,
        "largest": usage.largest,
        "cores_series": usage.cores[1:-1],
    }


def busy_share(before: Any, after: Any) -> float:
    """The share of all processors' time that was not idle between two looks."""
    spent = [now - then for now, then in zip(after, before, strict=True)]
    idle = sum(
        share for name, share in zip(after._fields, spent, strict=True) if name in ("idle", "iowait", "steal")
    )
    return 1 - idle / sum(spent) if sum(spent) else 0.0


def loopback_bytes() -> int:
    """Bytes sent over the loopback device until now; 0 where it has another name."""
    counters = psutil.net_io_counters(pernic=True).get(LOOPBACK)
    return counters.bytes_sent if counters else 0
