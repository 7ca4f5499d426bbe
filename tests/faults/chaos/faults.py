"""What can go wrong. Each fault begins when it is called, and gives what ends it."""

from __future__ import annotations

import random
from collections.abc import Callable

import psutil

from tests.faults.chaos import disk
from tests.faults.chaos.proxy import Proxy
from tests.faults.chaos.scene import Scene, family, pause

DELAY_SECONDS = 0.15  # each way

End = Callable[[], None]
Fault = Callable[[Scene, random.Random], End]


def postgres_killed(scene: Scene, chance: random.Random) -> End:
    scene.kill_postgres(with_children=chance.random() < 0.5)
    return scene.start_postgres


def postgres_backend_killed(scene: Scene, chance: random.Random) -> End:
    """One of a writer, after which PostgreSQL ends all others and starts itself again."""
    writers = scene.writers()
    if writers:
        scene.kill_backend(chance.choice(writers))
    return nothing


def postgres_paused(scene: Scene, chance: random.Random) -> End:
    return pause(scene.postgres.pid)


def valkey_killed(scene: Scene, chance: random.Random) -> End:
    scene.kill_valkey()
    return scene.start_valkey


def valkey_paused(scene: Scene, chance: random.Random) -> End:
    return pause(scene.valkey.pid)


def both_databases_killed(scene: Scene, chance: random.Random) -> End:
    scene.kill_postgres(with_children=True)
    scene.kill_valkey()
    return scene.revive_all


def collector_killed(scene: Scene, chance: random.Random) -> End:
    scene.kill_collector()
    return scene.start_collector


def collector_process_killed(scene: Scene, chance: random.Random) -> End:
    """One of two; its server starts another one."""
    chance.choice(serving(scene)).kill()
    return nothing


def collector_process_paused(scene: Scene, chance: random.Random) -> End:
    return pause(chance.choice(serving(scene)).pid)


def workers_killed(scene: Scene, chance: random.Random) -> End:
    scene.kill_workers()
    return scene.start_workers


def workers_paused(scene: Scene, chance: random.Random) -> End:
    assert scene.workers
    return pause(scene.workers.pid)


def disk_full(scene: Scene, chance: random.Random) -> End:
    """That of the data folder: both databases, files of imports and exports, metrics."""
    disk.fill(scene.folder)

    def end() -> None:
        disk.free(scene.folder)
        scene.revive_all()

    return end


def connections_to_postgres_cut(scene: Scene, chance: random.Random) -> End:
    return cut(scene.to_postgres)


def connections_to_valkey_cut(scene: Scene, chance: random.Random) -> End:
    return cut(scene.to_valkey)


def connections_of_clients_cut(scene: Scene, chance: random.Random) -> End:
    return cut(scene.to_collector)


def connections_to_postgres_slow(scene: Scene, chance: random.Random) -> End:
    return slow(scene.to_postgres)


def connections_to_valkey_slow(scene: Scene, chance: random.Random) -> End:
    return slow(scene.to_valkey)


FAULTS: tuple[Fault, ...] = (
    postgres_killed,
    postgres_backend_killed,
    postgres_paused,
    valkey_killed,
    valkey_paused,
    both_databases_killed,
    collector_killed,
    collector_process_killed,
    collector_process_paused,
    workers_killed,
    workers_paused,
    disk_full,
    connections_to_postgres_cut,
    connections_to_valkey_cut,
    connections_of_clients_cut,
    connections_to_postgres_slow,
    connections_to_valkey_slow,
)
QUICK: tuple[Fault, ...] = (
    postgres_killed,
    postgres_paused,
    valkey_killed,
    collector_process_killed,
    workers_killed,
    disk_full,
    connections_to_postgres_cut,
)


def nothing() -> None:
    """It ended by itself."""


def cut(way: Proxy) -> End:
    """Break all connections of a way and refuse new ones."""
    way.cut()
    return way.mend


def slow(way: Proxy) -> End:
    """Delay what goes over a way."""
    way.delay = DELAY_SECONDS
    return way.mend


def serving(scene: Scene) -> list[psutil.Process]:
    """The processes of the collector that answer requests."""
    assert scene.collector
    children = family(scene.collector.pid)[1:]
    return [child for child in children if "resource_tracker" not in " ".join(child.cmdline())]
