"""The whole stack as real processes, each of which can be killed at any moment and started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psutil
import psycopg

from beatline.embedded import postgres, valkey
from beatline.storage.migrate import migrate
from beatline.storage.spill import Spill
from tests.fixtures.collectors import ROOT, free_port, start_collector, wait_ready
from tests.fixtures.storage import wait_until

WRITERS = """
    select pid from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and query like '%%store_batch(%%'
      and (%(wait)s::text is null or %(wait)s in (wait_event_type, wait_event))"""
Process = subprocess.Popen[bytes]


class Stack:
    """PostgreSQL and Valkey as `beatline up` runs them, the collector (two processes) and the workers.

    Servers are started from the main thread only: Linux ends them with the thread that started them.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.collector_port = free_port()
        self.postgres = postgres.start(folder)
        self.valkey = valkey.start(folder)
        migrate(self.postgres.url)
        self.collector = self.launch_collector()
        self.workers = self.launch_workers()
        wait_ready(self.collector_url, self.collector)

    @property
    def collector_url(self) -> str:
        """Where the collector listens."""
        return f"http://127.0.0.1:{self.collector_port}"

    def launch_collector(self) -> Process:
        """Start the collector without waiting for it."""
        return start_collector(self.folder, self.postgres.url, self.valkey.url, self.collector_port)

    def launch_workers(self) -> Process:
        """Start the workers without waiting for them."""
        urls = {"BEATLINE_DATABASE_URL": self.postgres.url, "BEATLINE_REDIS_URL": self.valkey.url}
        command = [sys.executable, "-m", "workers"]
        return subprocess.Popen(command, cwd=ROOT, env=os.environ | urls, start_new_session=True)

    def kill_postgres(self, *, with_children: bool) -> None:
        """SIGKILL the postmaster, alone or with all of its processes; it stays away."""
        victims = [psutil.Process(self.postgres.pid)]
        victims += victims[0].children(recursive=True) if with_children else []
        for victim in victims:
            with suppress(psutil.NoSuchProcess):
                victim.kill()
        self.postgres.stop()

    def start_postgres(self) -> None:
        """Start it again on the same data and port."""
        self.postgres = postgres.start(self.folder)

    def kill_valkey(self) -> None:
        """SIGKILL it; it stays away."""
        os.kill(self.valkey.pid, signal.SIGKILL)
        self.valkey.stop()

    def start_valkey(self) -> None:
        """Start it again on the same data and port."""
        self.valkey = valkey.start(self.folder)

    def kill_collector(self) -> None:
        """SIGKILL all of its processes; it stays away."""
        kill_group(self.collector)

    def start_collector(self) -> None:
        """Start it again on the same port."""
        self.collector = self.launch_collector()
        wait_ready(self.collector_url, self.collector)

    def kill_workers(self) -> None:
        """SIGKILL them; they stay away."""
        kill_group(self.workers)

    def start_workers(self) -> None:
        """Start them again."""
        self.workers = self.launch_workers()

    @contextmanager
    def workers_paused(self) -> Iterator[None]:
        """Let nothing drain meanwhile."""
        self.workers.send_signal(signal.SIGSTOP)
        yield
        self.workers.send_signal(signal.SIGCONT)

    def connect(self) -> psycopg.Connection:
        """A connection to the database."""
        return psycopg.connect(self.postgres.url, autocommit=True)

    def writers(self, wait: str | None = None) -> list[int]:
        """The process ids of the backends that store batches, or of those that wait for a kind of event;
        none while PostgreSQL is away."""
        try:
            with self.connect() as connection:
                return [pid for (pid,) in connection.execute(WRITERS, {"wait": wait})]
        except psycopg.OperationalError:
            return []

    def backlog(self) -> int:
        """How many batches wait in the spill."""
        with closing(Spill(self.valkey.url, 1)) as spill:
            return spill.backlog()

    def settle(self) -> None:
        """Wait until the spill is empty and nothing is written any more."""
        wait_until(lambda: self.backlog() == 0, 60)
        wait_until(lambda: self.writers("Lock") == [])

    def stop(self) -> None:
        """End every process, also those that a failed test has left in any state."""
        for process in (self.collector, self.workers):
            kill_group(process)
        self.valkey.stop()
        self.postgres.stop()


def kill_group(process: Process) -> None:
    """SIGKILL a process and all that it started; reap it."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(30)
