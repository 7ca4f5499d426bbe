"""`beatline up`: runs the whole stack on one machine and keeps it running until a signal.

Started in the order PostgreSQL, Valkey, collector, workers, live server, generator, Prometheus, Grafana;
stopped the other way round.
"""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import FrameType
from typing import IO, Protocol
from urllib.parse import urlsplit

from beatline import embedded, observability
from beatline.accounts.first_admin import first_admin
from beatline.embedded import postgres, valkey
from beatline.errors import StartError
from beatline.settings import Settings
from beatline.storage.migrate import migrate
from beatline.storage.roles import COLLECTOR, WORKERS, passwords_of, url_as

ROOT = Path(__file__).parents[1]
CONSOLE = ROOT / "console" / "dist" / "index.html"
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
ADMIN_FILE = "admin-token"  # file in the data folder
PASSWORD_FILES = {COLLECTOR: "collector-database-password", WORKERS: "workers-database-password"}
DEMO_RATE = 100  # events per second
READY_SECONDS = 60.0
KEYS_OPEN = "events need none here; for a project of its own: .venv/bin/beatline project create NAME"
KEYS_NEEDED = "events need one: .venv/bin/beatline project list"
PROGRESS_SECONDS = 5.0
POLL_SECONDS = 0.2
LONGEST_PAUSE = 30.0
STEADY_SECONDS = 60.0  # a process that lived as long is not failing again and again
# How long each program may take to finish what it has in hand; a little more than its own limit.
PATIENCE = {
    "grafana": 15.0, "prometheus": 15.0, "generator": 5.0, "live": 10.0, "workers": 35.0, "collector": 25.0,
}  # fmt: skip


Rows = list[tuple[str, str]]


class Stop(BaseException):
    """Somebody asked us to stop. No error: nothing may catch it on the way out."""


class Running(Protocol):
    """What the supervisor needs of a running process."""

    @property
    def process(self) -> subprocess.Popen[bytes]:
        """The process, our child."""

    def stop(self) -> None:
        """Stop it in order, kill it when that takes too long, and reap it."""


@dataclass(frozen=True)
class Program:
    """One of Beatline's own processes."""

    process: subprocess.Popen[bytes]
    patience: float

    def stop(self) -> None:
        """Let it finish what it has in hand; kill it after its patience."""
        embedded.terminate(self.process, signal.SIGTERM, self.patience)


@dataclass
class Service:
    """A process that is kept running. retry_at: when to start it again, None while it runs."""

    name: str
    launch: Callable[[], Running]
    running: Running
    started: float
    failures: int = 0
    retry_at: float | None = None

    def is_dead(self) -> bool:
        """Whether the process has ended."""
        return embedded.has_ended(self.running.process)


class Supervisor:
    """Owns every process of the stack, and the signals that end it."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.services: list[Service] = []
        self.stopping = False

    def on_signal(self, _signum: int, _frame: FrameType | None) -> None:
        """The first signal leaves whatever is going on; another one kills what still runs."""
        if not self.stopping:
            self.stopping = True
            raise Stop
        for service in self.services:
            service.running.process.kill()

    def keep(self, name: str, running: Running, launch: Callable[[], Running]) -> None:
        """Keep a process running from now on; launch starts it again."""
        self.services.append(Service(name, launch, running, time.monotonic()))

    def tend(self) -> None:
        """Start again what has ended: at once, then after pauses that double."""
        for service in self.services:
            if service.retry_at is not None and time.monotonic() >= service.retry_at:
                self.restart(service)
            elif service.retry_at is None and service.is_dead():
                self.note_death(service)

    def note_death(self, service: Service) -> None:
        """Say that a process has ended and set the time of its next start."""
        steady = time.monotonic() - service.started > STEADY_SECONDS
        service.failures = 1 if steady else service.failures + 1
        pause = min(LONGEST_PAUSE, 2.0 ** (service.failures - 1))
        service.retry_at = time.monotonic() + pause
        how = embedded.ending(service.running.process)
        say(f"{service.name} {how}; starting it again in {pause:g} s. Its log: {self.log(service)}")

    def restart(self, service: Service) -> None:
        """Start a process again; when that fails, wait for the next turn."""
        service.started = time.monotonic()
        service.retry_at = None
        try:
            service.running = service.launch()
            say(f"{service.name} runs again.")
        except StartError as error:
            say(str(error))

    def log(self, service: Service) -> Path:
        """Where a process writes."""
        return embedded.log_path(self.data, service.name)

    def stop(self) -> None:
        """Stop everything, the last one started first."""
        self.stopping = True
        if self.services:
            names = ", ".join(service.name for service in reversed(self.services))
            say(f"Stopping {names}. Once more Ctrl-C kills them.")
        for service in reversed(self.services):
            service.running.stop()


def run(settings: Settings) -> int:
    """Run the stack until a signal; the exit code: 0 after a signal, 1 when it could not start."""
    try:
        supervise(settings)
    except StartError as error:
        print(f"beatline: {error}", file=sys.stderr)
        return 1
    except Stop:
        say("Stopped.")
    return 0


def supervise(settings: Settings) -> None:
    """Start the stack and keep it running; returns only by an exception, with all stopped."""
    with take_folder(settings.data) as held:
        data = settings.data.absolute()
        embedded.write_holder(held, os.getpid())
        supervisor = Supervisor(data)
        for number in SIGNALS:
            signal.signal(number, supervisor.on_signal)
        try:
            stop_leftovers(data)
            check_ports(settings)
            rows = start_all(supervisor, settings)
            say(addresses(settings, data, rows))
            while True:
                supervisor.tend()
                time.sleep(POLL_SECONDS)
        finally:
            supervisor.stop()


def take_folder(data: Path) -> IO[str]:
    """Make the data folder when missing and lock it for this supervisor.

    Raises StartError: another one has it, or it cannot be written to.
    """
    try:
        return embedded.lock(embedded.private_folder(data), "beatline", wait=0)
    except OSError as error:
        raise StartError(f"cannot use the folder BEATLINE_DATA={data}: {error.strerror}.") from error


def stop_leftovers(data: Path) -> None:
    """Stop what a supervisor that was killed has left; its lock, which we hold, proves it dead."""
    names = dict.fromkeys(PATIENCE, signal.SIGTERM)
    names |= {valkey.NAME: valkey.STOP_SIGNAL, postgres.NAME: postgres.STOP_SIGNAL}
    for name, stop_signal in names.items():
        if embedded.stop_leftover(data, name, stop_signal):
            say(f"Stopped {name}, left over from an earlier start that was killed.")


def check_ports(settings: Settings) -> None:
    """Stop the start, before anything else runs, when a server could not listen."""
    chosen: dict[int, str] = {}
    for name in ("port", "live_port", "workers_port"):
        port, variable = getattr(settings, name), f"BEATLINE_{name.upper()}"
        if port in chosen:
            raise StartError(f"{chosen[port]} and {variable} are both {port}: choose two ports.")
        chosen[port] = variable
        check_port(settings.host, port, variable)


def check_port(host: str, port: int, variable: str) -> None:
    """Raise StartError, naming the variable, when no server could listen there."""
    try:
        free = embedded.port_is_free(port, host)
    except OSError as error:
        raise StartError(
            f"cannot listen on BEATLINE_HOST={host} and {variable}={port}: {error.strerror}."
        ) from error
    if not free:
        raise StartError(
            f"port {port} is in use: end what listens there, or choose another port with the variable "
            f"{variable}."
        )


def start_all(supervisor: Supervisor, settings: Settings) -> Rows:
    """Start every process and wait until the collector is ready; what to say besides addresses."""
    settings = observability.settle(settings, supervisor.data)
    database_url = settings.database_url or start_postgres(supervisor)
    redis_url = settings.redis_url or start_valkey(supervisor)
    say("Migrating the database …")
    passwords = role_passwords(settings, supervisor.data)
    engine = migrate(database_url, settings.retention_days, passwords, archive=settings.archive)
    say(f"Starting the collector, the workers and the live server (storage engine: {engine}) …")
    urls = {role: url_as(role, password, database_url) for role, password in passwords.items() if password}
    environ = child_environment(settings, supervisor.data, urls.get(COLLECTOR, database_url), redis_url)
    as_workers = {
        "BEATLINE_DATABASE_URL": urls.get(WORKERS, database_url),
        "BEATLINE_OWNER_DATABASE_URL": settings.owner_database_url or database_url,
    }
    start_program(supervisor, environ, "collector", "collector")
    start_program(supervisor, environ | as_workers, "workers", "workers")
    start_program(supervisor, environ, "live", "collector.live")
    wait_until_ready(supervisor, settings)
    if settings.demo:
        words = ("beatline", "generate", "--rate", str(DEMO_RATE), "--url", base_url(settings))
        start_program(supervisor, environ, "generator", *words)
    return first_account(settings, database_url) + start_extras(supervisor, settings, database_url)


def role_passwords(settings: Settings, data: Path) -> dict[str, str | None]:
    """The passwords of the database's roles: those of the settings; in the embedded one, else, our own. A
    role without one is not used: its processes connect as the owner."""
    passwords = passwords_of(settings)
    if settings.database_url is None:
        for role, file in PASSWORD_FILES.items():
            passwords[role] = passwords[role] or embedded.keep_secret(data / file)
    return passwords


def first_account(settings: Settings, database_url: str) -> Rows:
    """Make the first account; how to sign in, said at the start that made it only."""
    password = first_admin(database_url, settings.admin_email)
    if password is None:
        return []
    return [("Sign in", f"{settings.admin_email} with the password {password} (shown this once)")]


def start_postgres(supervisor: Supervisor) -> str:
    """Start the embedded PostgreSQL; its URL, which stays the same when it is started again."""
    data = supervisor.data
    say(f"Starting PostgreSQL in {data / postgres.NAME} …")
    server = postgres.start(data)
    again = partial(postgres.start, data, port=urlsplit(server.url).port)
    supervisor.keep(postgres.NAME, server, again)
    return server.url


def start_valkey(supervisor: Supervisor) -> str:
    """Start the embedded Valkey; its URL, which stays the same when it is started again."""
    data = supervisor.data
    say(f"Starting Valkey in {data / valkey.NAME} …")
    server = valkey.start(data)
    again = partial(valkey.start, data, port=urlsplit(server.url).port)
    supervisor.keep(valkey.NAME, server, again)
    return server.url


def start_program(supervisor: Supervisor, environ: Mapping[str, str], name: str, *words: str) -> None:
    """Start `python -m words...` and keep it running under a name."""

    def launch() -> Program:
        command = [sys.executable, "-m", *words]
        process = embedded.launch(supervisor.data, name, command, environ=environ)
        return Program(process, PATIENCE[name])

    supervisor.keep(name, launch(), launch)


def start_extras(supervisor: Supervisor, settings: Settings, database_url: str) -> Rows:
    """Start Prometheus and Grafana where they are installed; where each one is, or why it is not started."""
    host = reachable(settings.host)
    targets = {
        "collector": observability.host_and_port(host, str(settings.port)),
        "workers": observability.host_and_port(host, str(settings.workers_port)),
        "live": observability.host_and_port(host, str(settings.live_port)),
    }
    stack = observability.Stack(settings, supervisor.data, database_url, base_url(settings), targets)
    return [
        (extra.name.capitalize(), start_extra(supervisor, extra)) for extra in observability.extras(stack)
    ]


def start_extra(supervisor: Supervisor, extra: observability.Extra) -> str:
    """Start a program beside the stack and keep it running; where it is, or why it is not started."""

    def launch() -> Program:
        process = embedded.launch(supervisor.data, extra.name, extra.command, environ=extra.environ)
        return Program(process, PATIENCE[extra.name])

    if extra.command:
        try:
            supervisor.keep(extra.name, launch(), launch)
        except (StartError, OSError) as error:
            return f"not started: {error}"
    return extra.about


def child_environment(settings: Settings, data: Path, database_url: str, redis_url: str) -> dict[str, str]:
    """Our environment with what this start has settled, for Beatline's own processes."""
    settled = {
        "BEATLINE_HOST": settings.host,
        "BEATLINE_PORT": str(settings.port),
        "BEATLINE_LIVE_PORT": str(settings.live_port),
        "BEATLINE_WORKERS_PORT": str(settings.workers_port),
        "BEATLINE_DATA": str(data),
        "BEATLINE_DATABASE_URL": database_url,
        "BEATLINE_OWNER_DATABASE_URL": "",
        "BEATLINE_REDIS_URL": redis_url,
        "BEATLINE_ADMIN_TOKEN": settings.admin_token or embedded.keep_secret(data / ADMIN_FILE),
        "BEATLINE_GRAFANA_TOKEN": settings.grafana_token or "",
    }
    inherited = {name: text for name, text in os.environ.items() if name.removesuffix("_FILE") not in settled}
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
    return inherited | settled | {"PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}


def wait_until_ready(supervisor: Supervisor, settings: Settings) -> None:
    """Wait for GET /health/ready to answer 200.

    Raises StartError with the end of the log when the collector ends or takes too long.
    """
    collector = next(service for service in supervisor.services if service.name == "collector")
    began = progressed = time.monotonic()
    while (answer := readiness(settings)) != "200":
        now = time.monotonic()
        if collector.is_dead():
            how = f"collector {embedded.ending(collector.running.process)} at its start."
            raise StartError(how + embedded.log_end(supervisor.data, "collector"))
        if now - began > READY_SECONDS:
            how = f"collector is not ready after {READY_SECONDS:g} s ({answer})."
            raise StartError(how + embedded.log_end(supervisor.data, "collector"))
        if now - progressed > PROGRESS_SECONDS:
            progressed = now
            say(f"Waiting for the collector to be ready, {now - began:.0f} s …")
        supervisor.tend()
        time.sleep(POLL_SECONDS)


def readiness(settings: Settings) -> str:
    """The status of GET /health/ready, or what went wrong."""
    connection = http.client.HTTPConnection(reachable(settings.host), settings.port, timeout=5)
    try:
        connection.request("GET", "/health/ready")
        return str(connection.getresponse().status)
    except (OSError, http.client.HTTPException) as error:
        return str(error) or type(error).__name__
    finally:
        connection.close()


def reachable(host: str) -> str:
    """An address of this machine at which a server on that host answers."""
    return {"0.0.0.0": embedded.LOOPBACK, "::": "::1", "": embedded.LOOPBACK}.get(host, host)  # noqa: S104


def base_url(settings: Settings, port: int | None = None) -> str:
    """Where the collector, or what listens on another port, is for a client on this machine."""
    host = reachable(settings.host)
    return f"http://{f'[{host}]' if ':' in host else host}:{port or settings.port}"


def metrics_ports(settings: Settings) -> tuple[int, ...]:
    """The ports that answer /metrics: collector, live server, workers."""
    return settings.port, settings.live_port, settings.workers_port


def addresses(settings: Settings, data: Path, more: Rows) -> str:
    """What is where, for whoever has started the stack."""
    base = base_url(settings)
    rows = [
        ("Console", f"{base}/"),
        ("API docs", f"{base}/docs"),
        ("OpenAPI", f"{base}/openapi.json"),
        ("Metrics", ", ".join(f"{base_url(settings, port)}/metrics" for port in metrics_ports(settings))),
        ("Live", f"{base_url(settings, settings.live_port)}/api/v1/live/events"),
        ("Example", f"{base}/example/"),
        *more,
        ("Keys", KEYS_OPEN if settings.open_ingest else KEYS_NEEDED),
        ("Data", str(data)),
        ("Logs", str(data / "logs")),
    ]
    if settings.admin_token is None:
        rows.append(("Admin", f"the token in {data / ADMIN_FILE}"))
    if not CONSOLE.is_file():
        rows[0] = ("Console", "not built: that needs Node 20; the API runs without it")
    if settings.demo:
        rows.append(("Demo", f"{DEMO_RATE} events/s; without them: make up DEMO=0"))
    table = "\n".join(f"  {name:<11}{where}" for name, where in rows)
    return f"\nBeatline is ready.\n\n{table}\n\nCtrl-C stops it.\n"


def say(text: str) -> None:
    """Tell whoever started us; their terminal may be gone by now."""
    with suppress(OSError):
        print(text, flush=True)
