"""The stack of docker-compose.yml, run without containers: its own commands, environments and health checks,
and Debian's Caddy with our Caddyfile in front."""

from __future__ import annotations

import re
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import msgspec
import psycopg
import pytest
import redis
from psycopg.conninfo import make_conninfo
from websockets.sync.client import connect

from tests.compose.compose_file import ROOT, is_ours, runs_once, written_env
from tests.compose.stack import Stack
from tests.fixtures.collectors import free_port

CADDYFILE = ROOT / "deploy" / "caddy" / "Caddyfile"
SECONDS = 20.0
LIMIT = 100  # requests of one address at once


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Everything of ours, healthy."""
    env = written_env() | {"BEATLINE_WORKERS": "1"}  # granian overlooks a signal while another one starts
    limits = {"BEATLINE_IP_RATE": str(LIMIT // 2), "BEATLINE_IP_BURST": str(LIMIT)}
    stack = Stack(tmp_path_factory.mktemp("stack"), env, {"collector": limits})
    try:
        stack.bring_up()
        yield stack
    finally:
        stack.clean_up()


@dataclass(frozen=True)
class Door:
    """A running Caddy, and a client that knows its CA."""

    port: int
    context: ssl.SSLContext

    def client(self, address: str = "127.0.0.1", host: str = "localhost") -> httpx.Client:
        """A client with an address of its own; the host is the name that it asks for."""
        transport = httpx.HTTPTransport(verify=self.context, local_address=address)
        return httpx.Client(
            transport=transport, base_url=f"https://{host}:{self.port}", timeout=SECONDS,
        )  # fmt: skip


@pytest.fixture(scope="module")
def grafana() -> Iterator[str]:
    """Something in the place of Grafana that says what it was asked for."""

    class Echo(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content = msgspec.json.encode({"path": self.path, "headers": dict(self.headers)})
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def door(stack: Stack, grafana: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """Caddy before the stack, as it is without a domain."""
    with running_caddy(stack, grafana, tmp_path_factory.mktemp("caddy"), "localhost") as door:
        yield door


@contextmanager
def running_caddy(stack: Stack, grafana: str, folder: Path, domain: str) -> Iterator[Door]:
    """Run Caddy with our file, with the addresses here for the names of the services."""
    https, health = free_port(), free_port()
    config = folder / "Caddyfile"
    config.write_text(
        put_addresses(
            CADDYFILE.read_text(),
            {
                "admin off": "admin off\n\tdefault_bind 127.0.0.1",
                "http_port 8080": f"http_port {free_port()}",
                "https_port 8443": f"https_port {https}",
                "http://:2020": f"http://:{health}",
                "grafana:3000": grafana,
                "live:8001": f"127.0.0.1:{stack.ports['live', 8001]}",
                "collector 8000": f"127.0.0.1 {stack.ports['collector', 8000]}",
            },
        )
    )
    environment = stack.environment("caddy") | {
        "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "BEATLINE_DOMAIN": domain,
    }  # fmt: skip
    command = ["caddy", "run", "--config", str(config), "--adapter", "caddyfile"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        authority = folder / "caddy" / "pki" / "authorities" / "local" / "root.crt"
        wait_for(f"http://127.0.0.1:{health}/", process, folder / "log")
        door = Door(https, wait_for_authority(authority))
        wait_for_certificate(door, domain)
        yield door
    finally:
        process.terminate()
        process.wait(SECONDS)


def put_addresses(text: str, addresses: dict[str, str]) -> str:
    """The Caddyfile with other addresses; each of them must be there."""
    for name, address in addresses.items():
        assert name in text
        text = text.replace(name, address)
    return text


def wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until a page is there."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        try:
            if httpx.get(url, timeout=SECONDS).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError(log.read_text())


def wait_for_authority(root: Path) -> ssl.SSLContext:
    """Trust in Caddy's CA, as soon as it is made."""
    deadline = time.monotonic() + SECONDS
    while not root.exists():
        assert time.monotonic() < deadline, f"{root} is missing"
        time.sleep(0.05)
    return ssl.create_default_context(cafile=str(root))


def wait_for_certificate(door: Door, domain: str) -> None:
    """Wait until Caddy has a certificate for the domain."""
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            with (
                socket.create_connection(("127.0.0.1", door.port), SECONDS) as plain,
                door.context.wrap_socket(plain, server_hostname=domain),
            ):
                return
        except ssl.SSLError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def view(user: str) -> dict[str, object]:
    """An event."""
    return {"user_id": user, "event_type": "view", "payload": {"url": "/compose"}}


def test_every_service_of_ours_becomes_healthy(stack: Stack) -> None:
    ours = {name for name, service in stack.services.items() if is_ours(service)}
    assert ours == {"migrate", "collector", "live", "workers", "scheduler", "generator"}
    running = [name for name in ours if not runs_once(stack.services[name])]
    assert {name: stack.is_healthy(name) for name in running} == dict.fromkeys(running, True)


@pytest.mark.parametrize("name", ["collector", "live", "workers", "scheduler"])
def test_a_health_check_notices_that_its_service_is_gone(name: str, stack: Stack) -> None:
    nowhere = Stack(stack.folder, stack.variables)
    assert not nowhere.is_healthy(name)


def test_the_generator_sends_and_the_scheduler_leads(stack: Stack) -> None:
    url = f"{stack.url('collector', 8000)}/analytics/event-counts"
    deadline = time.monotonic() + SECONDS
    while httpx.get(url, timeout=SECONDS).json()["total_events"] < 10:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    health = httpx.get(f"{stack.url('scheduler', 8002)}/health", timeout=SECONDS).json()
    assert health["checks"]["schedule"] == {"status": "ok", "leads": True}


def test_each_process_has_its_role_and_gets_by_with_it(stack: Stack) -> None:
    with psycopg.connect(database_of(stack, "migrate")) as connection:
        others = "datname = current_database() and pid <> pg_backend_pid()"
        connected = {
            role for (role,) in connection.execute(f"select usename from pg_stat_activity where {others}")
        }
    assert connected == {"beatline_collector", "beatline_workers"}
    for name in ("collector", "live", "workers", "scheduler"):
        assert "permission denied" not in stack.log(name)


def test_the_role_of_beatline_owns_its_database_and_is_no_superuser(stack: Stack) -> None:
    with psycopg.connect(database_of(stack, "migrate")) as connection:
        row = connection.execute(
            "select rolsuper, rolcreatedb, rolcreaterole, pg_get_userbyid(datdba) = current_user, "
            "(select count(*) from slow_statements) > 0 "
            "from pg_roles, pg_database where rolname = current_user and datname = current_database()"
        ).fetchone()
    assert row == (False, False, True, True, True)


def test_grafana_reads_with_the_role_and_password_that_it_is_given(stack: Stack) -> None:
    with psycopg.connect(database_of(stack, "grafana")) as connection:
        connection.execute("select count(*) from events")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("select * from write_keys")


def test_a_dump_restores_with_its_owners_and_rights(stack: Stack, tmp_path: Path) -> None:
    # Given a dump of the database (docs/deploy-compose.md)
    dump = str(tmp_path / "beatline.dump")
    dumped = stack.tool("pg_dump", "beatline", "--format=custom", f"--file={dump}")
    assert dumped.returncode == 0, dumped.stderr

    # When it is restored into a database that beatline owns
    stack.ask_database("postgres", "--command=create database restored owner beatline")
    restored = stack.tool("pg_restore", "restored", "--exit-on-error", "--dbname=restored", dump)
    assert restored.returncode == 0, restored.stderr

    # Then the roles can do in it what they could
    for name in ("migrate", "collector", "workers", "grafana"):
        with psycopg.connect(database_of(stack, name), dbname="restored") as connection:
            row = connection.execute("select count(*) > 0 from events").fetchone()
        assert row == (True,)


def database_of(stack: Stack, name: str) -> str:
    """How a service reaches the database."""
    given = stack.environment(name)
    if "BEATLINE_DATABASE_URL" in given:
        return given["BEATLINE_DATABASE_URL"]
    host, _, port = given["BEATLINE_GRAFANA_DATABASE_HOST"].partition(":")
    return make_conninfo(
        host=host, port=port,
        dbname=given["BEATLINE_GRAFANA_DATABASE_NAME"],
        user=given["BEATLINE_GRAFANA_DATABASE_USER"],
        password=given["BEATLINE_GRAFANA_DATABASE_PASSWORD"],
        sslmode=given["BEATLINE_GRAFANA_DATABASE_SSLMODE"],
    )  # fmt: skip


def test_valkey_writes_before_it_answers_evicts_nothing_and_asks_for_the_password(stack: Stack) -> None:
    url = stack.environment("collector")["BEATLINE_REDIS_URL"]
    with redis.Redis.from_url(url, decode_responses=True) as client:
        names = ("appendonly", "appendfsync", "maxmemory-policy", "maxmemory", "save")
        assert [client.config_get(name)[name] for name in names] == [
            "yes", "always", "noeviction", str(256 * 2**20), "",
        ]  # fmt: skip
    with (
        redis.Redis.from_url(re.sub(":[^:@]+@", "", url)) as client,
        pytest.raises(redis.AuthenticationError),
    ):
        client.ping()


def test_grafana_may_report_alerts_and_nobody_else(stack: Stack) -> None:
    given = stack.environment("grafana")
    url = f"{given['BEATLINE_COLLECTOR_URL']}/webhooks/grafana"
    token = {"Authorization": f"Bearer {given['BEATLINE_GRAFANA_TOKEN']}"}
    assert httpx.post(url, json={}, timeout=SECONDS).status_code == 401
    assert httpx.post(url, json={}, headers=token, timeout=SECONDS).status_code == 400


@pytest.mark.parametrize("domain", [None, "localhost", "events.example.org", "10.0.0.7"])
def test_the_caddyfile_is_valid(domain: str | None, tmp_path: Path) -> None:
    chosen = {"BEATLINE_DOMAIN": domain} if domain else {}
    done = subprocess.run(
        ["caddy", "validate", "--config", str(CADDYFILE), "--adapter", "caddyfile"],
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)} | chosen,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Valid configuration" in done.stdout


def test_the_caddyfile_is_formatted_as_caddy_does() -> None:
    done = subprocess.run(["caddy", "fmt", str(CADDYFILE)], capture_output=True, text=True, check=False)
    assert done.stdout == CADDYFILE.read_text()


def test_an_event_comes_in_over_https_and_counts(door: Door) -> None:
    with door.client() as client:
        assert client.post("/events", json=view("over https")).status_code == 202
        counts = client.get("/analytics/event-counts").json()
    assert counts["total_events"] > 0


def test_answers_have_security_headers_and_tell_nothing_of_the_server(door: Door) -> None:
    with door.client() as client:
        headers = client.get("/health").headers
    assert headers["X-Content-Type-Options"] == "nosniff"
    for once in ("X-Content-Type-Options", "Referrer-Policy", "X-Frame-Options", "Content-Security-Policy"):
        assert len(headers.get_list(once)) == 1, once
    assert not {"Server", "Via", "Strict-Transport-Security"} & set(headers)


def test_under_a_name_browsers_keep_to_https(stack: Stack, grafana: str, tmp_path: Path) -> None:
    with running_caddy(stack, grafana, tmp_path, "beatline.local") as door:
        transport = httpx.HTTPTransport(verify=door.context)
        with httpx.Client(transport=transport, timeout=SECONDS) as client:
            answer = client.get(
                f"https://127.0.0.1:{door.port}/health",
                headers={"Host": "beatline.local"}, extensions={"sni_hostname": "beatline.local"},
            )  # fmt: skip
    assert answer.status_code == 200
    assert answer.headers.get_list("Strict-Transport-Security") == ["max-age=31536000"]


@pytest.mark.parametrize(
    "path", ["/metrics", "/metrics/", "//metrics", "/metrics?x=1", "/%6detrics", "/x/../metrics", "/METRICS"]
)
def test_metrics_are_not_for_outside(path: str, stack: Stack, door: Door) -> None:
    with door.client() as client:
        client.base_url = ""
        answer = client.get(f"https://localhost:{door.port}{path}")
    assert answer.status_code == 404
    assert answer.json()["code"] == "not_found"
    assert "beatline_" in httpx.get(f"{stack.url('collector', 8000)}/metrics", timeout=SECONDS).text


def test_grafana_has_a_path_of_its_own(door: Door) -> None:
    with door.client() as client:
        assert client.get("/grafana").headers["Location"] == "/grafana/"
        answer = client.get("/grafana/api/health").json()
    assert answer["path"] == "/grafana/api/health"
    assert answer["headers"]["X-Forwarded-Proto"] == "https"


def test_accepted_events_are_seen_live_through_the_door(stack: Stack, door: Door) -> None:
    token = stack.variables["BEATLINE_ADMIN_TOKEN"]
    with door.client() as client:
        assert client.get("/api/v1/live").json() == {"url": "https://localhost"}
        url = f"wss://localhost:{door.port}/api/v1/live?token={token}&user_id=watched"
        with connect(url, ssl=door.context, open_timeout=SECONDS) as watching:
            send_until_seen(client, "watched", lambda: watching.recv(timeout=1))


def test_accepted_events_are_streamed_through_the_door(stack: Stack, door: Door) -> None:
    token = {"Authorization": f"Bearer {stack.variables['BEATLINE_ADMIN_TOKEN']}"}
    with (
        door.client() as client,
        door.client() as sending,
        client.stream("GET", "/api/v1/live/events", headers=token) as answer,
    ):
        lines = answer.iter_lines()
        assert answer.status_code == 200
        send_until_seen(sending, "streamed", lambda: next(lines))


def send_until_seen(client: httpx.Client, user: str, read: Callable[[], str | bytes]) -> None:
    """Send an event every now and then until what is read is about it."""
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        assert client.post("/events", json=view(user)).status_code == 202
        try:
            if user in str(read()):
                return
        except TimeoutError:
            continue
    raise AssertionError(f"{user} was not seen")


def test_a_client_is_limited_by_its_own_address_whatever_it_claims(door: Door) -> None:
    # When one address sends more than its limit, each time with another claim of where it comes from
    with door.client("127.0.0.2") as client:
        answers = [
            client.post("/events", json=view("flood"), headers={"X-Forwarded-For": f"198.51.100.{number}"})
            for number in range(3 * LIMIT)
        ]
    # Then it is refused, and others are not
    assert 429 in {answer.status_code for answer in answers}
    with door.client("127.0.0.3") as client:
        assert client.post("/events", json=view("somebody else")).status_code == 202


def test_all_stop_in_order_within_their_grace(stack: Stack) -> None:
    names = [name for name in reversed(stack.processes) if name != "migrate"]
    assert names[-2:] == ["valkey", "timescaledb"]
    for name in names:
        stack.stop(name)  # raises when it takes longer
    for name in names:
        assert "Traceback" not in stack.log(name), stack.log(name)
