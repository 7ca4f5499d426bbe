"""The embedded servers: what they promise, and what a kill -9 leaves of it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from urllib.parse import urlsplit

import psutil
import psycopg
import pytest
import redis

from beatline import embedded
from beatline.embedded import postgres, valkey
from beatline.embedded.postgres import EmbeddedPostgres
from beatline.embedded.valkey import EmbeddedValkey
from beatline.errors import StartError

ROOT = Path(__file__).parents[2]
SERVERS = pytest.mark.parametrize("module", [postgres, valkey], ids=["postgres", "valkey"])
SMALL = {"shared_buffers": "16MB"}
Start = Callable[..., EmbeddedPostgres | EmbeddedValkey]


@pytest.fixture
def data() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.fixture
def start(data: Path) -> Iterator[Start]:
    running = []

    def started(module: ModuleType, **arguments: object) -> EmbeddedPostgres | EmbeddedValkey:
        server: EmbeddedPostgres | EmbeddedValkey = module.start(data, **arguments)
        running.append(server)
        return server

    yield started
    for server in running:
        server.stop()


@pytest.fixture(scope="module")
def server() -> Iterator[EmbeddedPostgres]:
    with tempfile.TemporaryDirectory() as folder:
        running = postgres.start(Path(folder), options=SMALL)
        yield running
        running.stop()


def port_of(url: str) -> int:
    port = urlsplit(url).port
    assert port
    return port


def write(url: str, number: int) -> None:
    if url.startswith("redis"):
        with redis.Redis.from_url(url) as client:
            client.rpush("numbers", number)
        return
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS numbers (number integer)")
        connection.execute("INSERT INTO numbers VALUES (%s)", [number])


def read(url: str) -> list[int]:
    if url.startswith("redis"):
        with redis.Redis.from_url(url) as client:
            return [int(number) for number in client.lrange("numbers", 0, -1)]
    with psycopg.connect(url) as connection:
        return [number for (number,) in connection.execute("SELECT number FROM numbers")]


def wait_until(fact: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.02)


def lock_is_free(data: Path, name: str) -> bool:
    try:
        embedded.lock(data, name, wait=0).close()
    except StartError:
        return False
    return True


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("fsync", "on"),
        ("synchronous_commit", "on"),
        ("full_page_writes", "on"),
        ("data_checksums", "on"),
        ("TimeZone", "UTC"),
        ("max_connections", "100"),
        ("max_wal_size", "2GB"),
        ("jit", "off"),
        ("listen_addresses", "127.0.0.1"),
        ("shared_buffers", SMALL["shared_buffers"]),
    ],
)
def test_a_new_postgres_has_its_settings_and_those_given(
    server: EmbeddedPostgres, setting: str, value: str
) -> None:
    with psycopg.connect(server.url) as connection:
        row = connection.execute("SELECT current_setting(%s)", [setting]).fetchone()
    assert row == (value,)


def test_a_new_postgres_has_the_database_beatline_for_a_role_that_is_no_superuser(
    server: EmbeddedPostgres,
) -> None:
    with psycopg.connect(server.url) as connection:
        row = connection.execute(
            "SELECT current_database(), pg_encoding_to_char(encoding), rolsuper"
            " FROM pg_database, pg_roles"
            " WHERE datname = current_database() AND rolname = current_user"
        ).fetchone()
    assert row == ("beatline", "UTF8", False)


def test_postgres_never_runs_as_root(server: EmbeddedPostgres) -> None:
    assert psutil.Process(server.pid).uids().effective != 0


@pytest.mark.parametrize("user", ["beatline", "postgres"])
def test_postgres_refuses_a_wrong_password(server: EmbeddedPostgres, user: str) -> None:
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(server.url, user=user, password="guessed")


def test_a_dropped_database_is_there_again_after_the_next_start(start: Start) -> None:
    first = start(postgres, options=SMALL)
    with psycopg.connect(first.url, dbname="postgres", autocommit=True) as connection:
        connection.execute("DROP DATABASE beatline")
    first.stop()
    second = start(postgres, options=SMALL)
    with psycopg.connect(second.url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_valkey_syncs_every_write_and_never_evicts(start: Start) -> None:
    with redis.Redis.from_url(start(valkey).url) as client:
        settings = client.config_get("*")
    expected = {
        "appendonly": "yes",
        "appendfsync": "always",
        "maxmemory": str(2**30),
        "maxmemory-policy": "noeviction",
        "bind": "127.0.0.1",
    }
    assert {name: settings[name] for name in expected} == expected


def test_valkey_refuses_a_client_without_the_password(start: Start) -> None:
    url = f"redis://127.0.0.1:{port_of(start(valkey).url)}/0"
    with (
        redis.Redis.from_url(url) as client,
        pytest.raises(redis.AuthenticationError),
    ):
        client.get("anything")


@SERVERS
def test_given_a_stopped_server_when_started_again_then_url_and_data_are_the_same(
    start: Start, module: ModuleType
) -> None:
    first = start(module)
    write(first.url, 1)
    first.stop()
    second = start(module)
    assert not psutil.pid_exists(first.pid)
    assert second.url == first.url
    assert read(second.url) == [1]


@SERVERS
def test_given_kills_when_started_again_at_once_then_every_acknowledged_write_is_there(
    start: Start, module: ModuleType
) -> None:
    running = start(module)
    for number in range(3):
        write(running.url, number)
        os.kill(running.pid, signal.SIGKILL)
        again = start(module, port=port_of(running.url))
        assert again.url == running.url
        running.stop()
        running = again
    assert read(running.url) == [0, 1, 2]


def test_given_a_busy_session_when_the_postmaster_is_killed_then_it_starts_again(
    start: Start,
) -> None:
    first = start(postgres, options=SMALL)
    busy = psycopg.connect(first.url)
    busy.pgconn.send_query(b"SELECT sum(n) FROM generate_series(1, 2000000) n")
    os.kill(first.pid, signal.SIGKILL)
    second = start(postgres, options=SMALL, port=port_of(first.url))
    busy.close()
    write(second.url, 7)
    assert read(second.url) == [7]


@SERVERS
def test_given_a_running_server_then_its_folder_is_locked_under_its_process_id(
    start: Start, data: Path, module: ModuleType
) -> None:
    running = start(module)
    with pytest.raises(StartError, match=rf"already runs on .* \(process {running.pid}\)"):
        embedded.lock(data, module.NAME, wait=0)
    running.stop()
    assert lock_is_free(data, module.NAME)


@SERVERS
def test_given_a_port_in_use_then_the_start_fails_and_names_it(start: Start, module: ModuleType) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(StartError, match=f"port {port} of {module.NAME} is in use"):
            start(module, port=port)


def test_given_a_setting_that_postgres_refuses_then_the_start_fails_with_the_log(
    start: Start,
) -> None:
    with pytest.raises(StartError, match=r"(?s)ended with code 1 at its start.*shared_buffers"):
        start(postgres, options={"shared_buffers": "plenty"})


@SERVERS
def test_what_the_servers_keep_is_closed_to_other_users(start: Start, data: Path, module: ModuleType) -> None:
    start(module)
    modes = {path.name: path.stat().st_mode & 0o077 for path in data.iterdir()}
    assert modes == dict.fromkeys([module.NAME, f"{module.NAME}.url", "logs", "run"], 0)


def test_a_deep_data_folder_is_no_obstacle(data: Path) -> None:
    data.chmod(0o711)  # root without capabilities cannot let PostgreSQL pass folders above its own
    deep = data.joinpath(*["folder with spaces and ümläute"] * 5)
    running = postgres.start(deep, options=SMALL)
    beside = valkey.start(deep)
    write(running.url, 1)
    write(beside.url, 1)
    running.stop()
    beside.stop()
    assert len(str(deep)) > 107


def test_given_an_initialisation_that_was_cut_off_then_the_next_start_begins_anew(
    start: Start, data: Path
) -> None:
    (data / "postgres.new" / "base").mkdir(parents=True)
    (data / "postgres.new" / "PG_VERSION").write_text("18\n")
    write(start(postgres, options=SMALL).url, 1)
    assert not (data / "postgres.new").exists()


def test_given_the_password_is_lost_then_the_start_says_so(start: Start, data: Path) -> None:
    start(postgres, options=SMALL).stop()
    (data / "postgres.url").unlink()
    with pytest.raises(StartError, match=r"postgres\.url.*is missing"):
        start(postgres, options=SMALL)


CHILD = """
import os, signal, sys, threading
from pathlib import Path
from beatline.embedded import postgres, valkey
module = {"postgres": postgres, "valkey": valkey}[sys.argv[1]]
starter = lambda: print(module.start(Path(sys.argv[2])).url, flush=True)
if sys.argv[3] == "thread":
    threading.Thread(target=starter).start()
else:
    starter()
signal.pause()
"""


def start_in_child_and_kill_it(module: ModuleType, data: Path, where: str) -> str:
    """Have another process start the server; returns its URL after a kill -9 of that process."""
    command = [sys.executable, "-c", CHILD, module.NAME, str(data), where]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ) as child:
        assert child.stdout
        url = child.stdout.readline().strip()
        child.kill()
    assert url
    return url


@SERVERS
def test_given_the_parent_is_killed_then_the_server_ends(module: ModuleType, data: Path) -> None:
    start_in_child_and_kill_it(module, data, "main")
    wait_until(lambda: lock_is_free(data, module.NAME))


@SERVERS
def test_given_a_leftover_server_when_stopped_then_its_folder_can_be_used_again(
    start: Start, module: ModuleType, data: Path
) -> None:
    url = start_in_child_and_kill_it(module, data, "thread")
    write(url, 1)
    assert embedded.stop_leftover(data, module.NAME, module.STOP_SIGNAL)
    assert not embedded.stop_leftover(data, module.NAME, module.STOP_SIGNAL)
    running = start(module)
    assert running.url == url
    assert read(url) == [1]


def test_a_port_of_ours_is_free_and_outside_the_ephemeral_range() -> None:
    port = embedded.free_port()
    assert embedded.port_is_free(port)
    assert port < 32_768


def test_programs_in_a_folder_that_only_we_may_enter_can_be_run_as_another_user(data: Path) -> None:
    program = data / "program"
    program.symlink_to("/bin/true")
    data.chmod(0o700)
    nobody = (65534, 65534) if os.geteuid() == 0 else None

    for command in (["test", "-x", str(program)], [str(program)]):
        assert subprocess.run([*embedded.run_as(nobody), *command], check=False).returncode == 0
