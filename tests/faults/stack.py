"""The whole stack as real processes, each of which can be killed at any moment and started again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from types import MappingProxyType
from typing import Self

import psutil
import psycopg

from beatline.embedded import postgres, valkey
from beatline.storage.migrate import migrate
from beatline.storage.spill import Spill
from tests.fixtures.collectors import ROOT, free_port, start_collector, wait_ready
from tests.fixtures.databases import PASSWORDS, as_workers
from tests.fixtures.storage import wait_until

WORKERS = "workers"  # what the workers' connections are called
STORING = """
    select pid from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()
      and query ~ 'store_batch|make_event_partition'"""
Process = subprocess.Popen[bytes]


class Stack:
    """PostgreSQL and Valkey as `beatline up` runs them, the collector (two processes) and the workers.

    Servers are started from the main thread only: Linux ends them with the thread that started them.
    """

    postgres_options: Mapping[str, str] = MappingProxyType({})
    workers_settings: Mapping[str, str] = MappingProxyType({})

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.collector_port = free_port()
        self.workers_port = free_port()
        self.postgres = postgres.start(folder, options=self.postgres_options)
        self.valkey = valkey.start(folder)
        self.collector: Process | None = None
        self.workers: Process | None = None

    @classmethod
    @contextmanager
    def running(cls, folder: Path) -> Iterator[Self]:
        """A stack with a migrated database, until the end of the block."""
        stack = cls(folder)
        try:
            migrate(stack.postgres.url, passwords=PASSWORDS)
            stack.start_workers()
            stack.start_collector()
            yield stack
        finally:
            stack.stop()

    @property
    def collector_url(self) -> str:
        """Where the collector listens."""
        return f"http://127.0.0.1:{self.collector_port}"

    def postgres_url(self) -> str:
        """Where collector and workers reach PostgreSQL."""
        return self.postgres.url

    def valkey_url(self) -> str:
        """Where they reach Valkey."""
        return self.valkey.url

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
        self.postgres = postgres.start(self.folder, options=self.postgres_options)

    def kill_backend(self, pid: int) -> None:
        """SIGKILL one backend; returns when PostgreSQL has ended all others and started itself again."""
        checkpointer = "select pid from pg_stat_activity where backend_type = 'checkpointer'"
        before = self.pids(checkpointer)
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: self.pids(checkpointer) not in ([], before))

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
        urls = (self.postgres_url(), self.valkey_url())
        self.collector = start_collector(self.folder, *urls, self.collector_port)
        wait_ready(self.collector_url, self.collector)

    def kill_workers(self) -> None:
        """SIGKILL them; they stay away."""
        kill_group(self.workers)

    def start_workers(self) -> None:
        """Start them again."""
        environ = os.environ | {
            "BEATLINE_DATABASE_URL": as_workers(self.postgres_url()),
            "BEATLINE_REDIS_URL": self.valkey_url(),
            "BEATLINE_DATA": str(self.folder),
            "BEATLINE_WORKERS_PORT": str(self.workers_port),
            "PGAPPNAME": WORKERS,
            **self.workers_settings,
        }
        command = [sys.executable, "-m", "workers"]
        self.workers = subprocess.Popen(command, cwd=ROOT, env=environ, start_new_session=True)

    @contextmanager
    def workers_paused(self) -> Iterator[None]:
        """Let nothing drain meanwhile."""
        assert self.workers
        self.workers.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.workers.send_signal(signal.SIGCONT)

    def connect(self) -> psycopg.Connection:
        """A connection to the database."""
        return psycopg.connect(self.postgres.url, autocommit=True)

    def answers(self) -> bool:
        """Whether PostgreSQL takes connections."""
        try:
            self.connect().close()
        except psycopg.OperationalError:
            return False
        return True

    def writers(self, wait: str | None = None) -> list[int]:
        """The backends of the collector's writers, or those of them that wait for an event or a kind of
        event; none while PostgreSQL is away."""
        statement = f"{STORING} and application_name <> '{WORKERS}'"
        if wait:
            statement += f" and '{wait}' in (wait_event_type, wait_event)"
        return self.pids(statement)

    def pids(self, statement: str) -> list[int]:
        """The process ids that a query of pg_stat_activity gives; none while PostgreSQL is away."""
        try:
            with self.connect() as connection:
                return [pid for (pid,) in connection.execute(statement)]
        except psycopg.OperationalError:
            return []

    def backlog(self) -> int:
        """How many batches wait in the spill."""
        with closing(Spill(self.valkey.url, 1)) as spill:
            return spill.backlog()

    def settle(self) -> None:
        """Wait until the spill is empty and nothing is being written any more."""
        wait_until(lambda: self.backlog() == 0, 60)
        wait_until(lambda: self.pids(f"{STORING} and state <> 'idle'") == [])

    def heal(self) -> None:
        """Start what is dead, and wait until the spill is empty."""
        self.revive()
        self.settle()

    def revive(self) -> None:
        """Start what is dead."""
        for process, start in (
            (self.postgres.process, self.start_postgres),
            (self.valkey.process, self.start_valkey),
            (self.workers, self.start_workers),
            (self.collector, self.start_collector),
        ):
            if process is None or process.poll() is not None:
                start()

    def stop(self) -> None:
        """End every process, also those that a failed test has left in any state."""
        kill_group(self.collector)
        kill_group(self.workers)
        self.valkey.stop()
        self.postgres.stop()


def kill_group(process: Process | None) -> None:
    """SIGKILL a process and all that it started; reap it."""
    if process:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(30)
