"""The stack as chaos has it: a network that can fail between its parts, and a disk that can be full."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Self
from urllib.parse import urlsplit

import psutil

from tests.faults.chaos import disk
from tests.faults.chaos.proxy import Proxy, proxy
from tests.faults.stack import Stack
from tests.fixtures.storage import wait_until

DISK = "768m"
POSTGRES_OPTIONS = {"max_wal_size": "128MB", "shared_buffers": "64MB"}  # so that a small disk does
REVIVAL_SECONDS = 60.0


class Scene(Stack):
    """A stack whose connections go through proxies. full: whether its disk may be filled."""

    postgres_options = MappingProxyType(POSTGRES_OPTIONS)
    workers_settings = MappingProxyType({"BEATLINE_WEBHOOK_NETWORKS": "127.0.0.0/8,::1/128"})

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.exits = ExitStack()
        self.limited = False
        self.to_postgres = self.enter(port_of(self.postgres.url))
        self.to_valkey = self.enter(port_of(self.valkey.url))
        self.to_collector = self.enter(self.collector_port)

    @classmethod
    @contextmanager
    def on_limited_disk(cls, folder: Path) -> Iterator[Self]:
        """The same as `running`, on a disk of its own where that is allowed."""
        with disk.limited(folder, DISK) as limited, cls.running(folder) as scene:
            scene.limited = limited
            yield scene

    def enter(self, port: int) -> Proxy:
        """A proxy until the stack stops."""
        return self.exits.enter_context(proxy(port))

    @property
    def front_url(self) -> str:
        """Where clients reach the collector."""
        return f"http://127.0.0.1:{self.to_collector.port}"

    def postgres_url(self) -> str:
        return through(self.to_postgres, self.postgres.url)

    def valkey_url(self) -> str:
        return through(self.to_valkey, self.valkey.url)

    def parts(self) -> dict[str, int]:
        """The first process of each part that is running now."""
        processes = {
            "postgres": self.postgres.process,
            "valkey": self.valkey.process,
            "collector": self.collector,
            "workers": self.workers,
        }
        return {name: each.pid for name, each in processes.items() if each and each.poll() is None}

    def revive_all(self) -> None:
        """Start what is dead, and again what dies of it, as a supervisor does, until all of it answers."""
        wait_until(self.is_revived, REVIVAL_SECONDS)

    def is_revived(self) -> bool:
        with suppress(Exception):  # whatever a disk that was just full makes of it
            self.revive()
            return self.answers()
        return False

    def stop(self) -> None:
        super().stop()
        self.exits.close()


def pause(pid: int) -> Callable[[], None]:
    """SIGSTOP a process and all that it has started; what lets them go on."""
    processes = family(pid)
    send(processes, signal.SIGSTOP)
    return lambda: send(processes, signal.SIGCONT)


def family(pid: int) -> list[psutil.Process]:
    """A process and its descendants; none when it is gone."""
    with suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    return []


def send(processes: list[psutil.Process], number: signal.Signals) -> None:
    """Send a signal to those that are still there."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)


def port_of(url: str) -> int:
    """The port of a URL."""
    port = urlsplit(url).port
    assert port
    return port


def through(way: Proxy, url: str) -> str:
    """A server's URL by way of a proxy."""
    return url.replace(f":{port_of(url)}/", f":{way.port}/")
