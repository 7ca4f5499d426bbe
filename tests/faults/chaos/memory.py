"""The memory of the stack's parts while faults go on, and how much each of them may have."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import psutil

from tests.compose.compose_file import raw_compose
from tests.faults.chaos.scene import Scene, family

INTERVAL_SECONDS = 0.5
SERVICES = {"collector": ["collector"], "workers": ["workers", "scheduler"], "valkey": ["valkey"]}
MIB = 2**20


@contextmanager
def watched(scene: Scene) -> Iterator[dict[str, int]]:
    """Look at every part until the end of the block: its most bytes so far (PSS, all of its processes)."""
    most: dict[str, int] = defaultdict(int)
    stop = threading.Event()

    def watch() -> None:
        while not stop.wait(INTERVAL_SECONDS):
            for part, pid in scene.parts().items():
                most[part] = max(most[part], memory_of(pid))

    thread = threading.Thread(target=watch, name="memory")
    thread.start()
    try:
        yield most
    finally:
        stop.set()
        thread.join()


def memory_of(pid: int) -> int:
    """The memory of a process and all that it has started."""
    total = 0
    for process in family(pid):
        with suppress(psutil.Error):
            total += process.memory_full_info().pss
    return total


def limits() -> dict[str, int]:
    """The bytes that docker-compose.yml gives to the services that a part here stands for."""
    services = raw_compose()["services"]
    sizes = {name: service["mem_limit"].removesuffix("m") for name, service in services.items()}
    return {part: sum(int(sizes[name]) for name in names) * MIB for part, names in SERVICES.items()}


def beyond(most: dict[str, int]) -> list[str]:
    """A sentence for each part that had more than it may."""
    return [
        f"{part} had {most[part] // MIB} MiB of memory, and may have {limit // MIB}"
        for part, limit in limits().items()
        if most[part] > limit
    ]
