"""The stack of docker-compose.yml without containers: the same commands, environments, health checks, order.

What a container would give is put in its place: addresses on the loopback interface for the names of
services, a folder for /data, the programs of the wheels for those of the images. The database is PostgreSQL
with the file's settings, but for TimescaleDB's own.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from beatline import embedded
from beatline.embedded import postgres, valkey
from tests.compose.compose_file import ROOT, Service, compose, is_ours, runs_once
from tests.fixtures.collectors import free_port

PORTS = (8000, 8001, 8002)
BIN = ROOT / ".venv" / "bin"


@dataclass
class Stack:
    """The services of the file that can run here, by name."""

    folder: Path
    variables: dict[str, str]
    extra: dict[str, dict[str, str]] = field(default_factory=dict)  # more of an environment, for a test
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Read the file and choose addresses."""
        self.services: dict[str, Service] = compose(self.variables)["services"]
        self.ports = {
            (name, port): free_port()
            for name, service in self.services.items()
            for port in (
                PORTS if is_ours(service) else {"timescaledb": [5432], "valkey": [6379]}.get(name, [])
            )
        }

    def url(self, name: str, port: int) -> str:
        """Where a service of ours answers."""
        return f"http://127.0.0.1:{self.ports[name, port]}"

    def here(self, name: str, text: str) -> str:
        """A text of a service, with what it means here."""
        for (service, port), local in self.ports.items():
            text = text.replace(f"{service}:{port}", f"127.0.0.1:{local}")
            if service == name:
                text = text.replace(f"127.0.0.1:{port}", f"127.0.0.1:{local}")
        return text

    def environment(self, name: str) -> dict[str, str]:
        """All that a service finds in its environment."""
        given = self.services[name].get("environment", {}) | self.extra.get(name, {})
        given = {key: self.here(name, text) for key, text in given.items()}
        if is_ours(self.services[name]):
            given |= {
                "BEATLINE_HOST": "127.0.0.1",
                "BEATLINE_DATA": str(self.data_folder(name)),
                "BEATLINE_PORT": str(self.ports[name, 8000]),
                "BEATLINE_LIVE_PORT": str(self.ports[name, 8001]),
                "BEATLINE_WORKERS_PORT": str(self.ports[name, 8002]),
            }
        path = os.pathsep.join([str(BIN), str(postgres.binary("psql").parent), str(valkey.binary().parent)])
        return given | {"PATH": f"{path}:/usr/bin:/bin", "LC_ALL": "C.UTF-8"}

    def data_folder(self, name: str) -> Path:
        """What /data is: one volume for those that share it."""
        volumes = [volume.split(":")[0] for volume in self.services[name].get("volumes", [])]
        folder = self.folder / (volumes[0] if volumes else f"{name}-data")
        folder.mkdir(exist_ok=True)
        return folder

    def start(self, name: str, command: list[str] | None = None) -> subprocess.Popen[bytes]:
        """Start a service; its output goes to a file."""
        command = command or [self.here(name, word) for word in self.services[name]["command"]]
        with (self.folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                command, cwd=ROOT, env=self.environment(name), stdout=log, stderr=log, start_new_session=True
            )
        self.processes[name] = process
        return process

    def is_healthy(self, name: str) -> bool:
        """What the health check of the service says."""
        check = self.services[name]["healthcheck"]
        words = [self.here(name, word) for word in check["test"]]
        command = words[1:] if words[0] == "CMD" else ["sh", "-c", words[1]]
        seconds = float(check["timeout"].removesuffix("s"))
        environment = self.environment(name) | {"PGPORT": str(self.ports.get((name, 5432), ""))}
        done = subprocess.run(
            command, cwd=ROOT, env=environment, timeout=seconds, capture_output=True, check=False
        )
        return done.returncode == 0

    def wait_healthy(self, name: str, seconds: float = 60.0) -> None:
        """Wait until the service says that it is well."""
        deadline = time.monotonic() + seconds
        while not self.is_healthy(name):
            assert self.processes[name].poll() is None, f"{name} ended: {self.log(name)}"
            assert time.monotonic() < deadline, f"{name} is not healthy: {self.log(name)}"

    def log(self, name: str) -> str:
        """What a service has written."""
        return (self.folder / f"{name}.log").read_text()

    def bring_up(self) -> None:
        """Start the database, Valkey and all that is ours, in the order that the file asks for."""
        self.start_database()
        self.start_valkey()
        for name in in_order(self.services):
            if not is_ours(self.services[name]):
                continue
            process = self.start(name)
            if runs_once(self.services[name]):
                assert process.wait(60) == 0, self.log(name)
            else:
                self.wait_healthy(name)

    def start_database(self) -> None:
        """Start PostgreSQL, and do what the image does at its first start: make the database, run our file.

        As root it is another user's, who has to pass the folders above.
        """
        service = self.services["timescaledb"]
        folder, port = self.folder / "postgres", str(self.ports["timescaledb", 5432])
        folder.mkdir()
        account = postgres.choose_account(folder)
        if account:
            for parent in (folder.parent, *list(folder.parents)[1:4]):
                parent.chmod(parent.stat().st_mode | 0o011)
            os.chown(folder, *account)
        password = self.folder / "superuser"
        password.write_text(service["environment"]["POSTGRES_PASSWORD"])
        password.chmod(0o644)
        run_as = embedded.run_as(account)
        words = ["--username=postgres", f"--pwfile={password}", "--auth=scram-sha-256", "--encoding=UTF8"]
        subprocess.run(
            [*run_as, postgres.binary("initdb"), f"--pgdata={folder}", *words],
            check=True, capture_output=True, env=self.environment("timescaledb"),
        )  # fmt: skip
        own = [f"--port={port}", "--listen_addresses=127.0.0.1", "--unix_socket_directories="]
        command = [*run_as, str(postgres.binary("postgres")), "-D", str(folder), *own, *self.database_words()]
        self.start("timescaledb", command)
        self.ask_database("postgres", "--command=create database beatline")
        self.ask_database("beatline", f"--file={ROOT / 'deploy/timescaledb/roles.sql'}")
        self.wait_healthy("timescaledb")

    def database_words(self) -> list[str]:
        """The settings of the database, less what only TimescaleDB knows."""
        words = [word.replace("timescaledb,", "") for word in self.services["timescaledb"]["command"][1:]]
        return [word for word in words if not word.startswith("--timescaledb")]

    def ask_database(self, database: str, *words: str) -> None:
        """Let psql do something, as the superuser; waits for the server."""
        for _ in range(100):
            done = self.tool("psql", database, "--no-psqlrc", "--set=ON_ERROR_STOP=1", *words)
            if done.returncode != 2:  # no connection
                break
            time.sleep(0.1)
        assert done.returncode == 0, done.stderr

    def tool(self, name: str, database: str, *words: str) -> subprocess.CompletedProcess[str]:
        """Run one of PostgreSQL's programs for a database, as the superuser."""
        login = {
            "PGHOST": "127.0.0.1",
            "PGPORT": str(self.ports["timescaledb", 5432]),
            "PGUSER": "postgres",
            "PGPASSWORD": self.services["timescaledb"]["environment"]["POSTGRES_PASSWORD"],
            "PGDATABASE": database,
        }
        environment = self.environment("timescaledb") | login
        return subprocess.run([name, *words], env=environment, capture_output=True, text=True, check=False)

    def start_valkey(self) -> None:
        """Start Valkey by the file's command, at an address here."""
        folder = self.folder / "valkey"
        folder.mkdir()
        port = self.ports["valkey", 6379]
        place = f"valkey-server --bind 127.0.0.1 --port {port} --dir {shlex.quote(str(folder))}"
        shell, option, command = self.services["valkey"]["command"]
        self.start("valkey", [shell, option, command.replace("valkey-server", place)])

    def stop(self, name: str) -> float:
        """Stop a service as Compose does; how many seconds it took, at most its grace."""
        process = self.processes.pop(name)
        grace = float(self.services[name]["stop_grace_period"].removesuffix("s"))
        number = postgres.STOP_SIGNAL if name == "timescaledb" else 15
        began = time.monotonic()
        process.send_signal(number)
        try:
            process.wait(grace)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        return time.monotonic() - began

    def clean_up(self) -> None:
        """Let nothing run on, whatever has happened."""
        for process in reversed(self.processes.values()):
            process.terminate()
        for process in reversed(self.processes.values()):
            with suppress(subprocess.TimeoutExpired):
                process.wait(20)
            process.kill()
            process.wait()


def in_order(services: dict[str, Any]) -> Iterator[str]:
    """The names of services, each after those that it waits for."""
    done: set[str] = set()
    while len(done) < len(services):
        ready = [
            name for name, service in services.items()
            if name not in done and set(service.get("depends_on", {})) <= done
        ]  # fmt: skip
        assert ready, "services wait for each other"
        done.update(ready)
        yield from ready
