"""`beatline up` as its user meets it: one command, clear errors, nothing left behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest

from beatline import embedded
from beatline.embedded import postgres, valkey

ROOT = Path(__file__).parents[2]
START_SECONDS = 90.0
STOP_SECONDS = 60.0
EVERYTHING = {"postgres", "valkey", "collector", "workers", "live"}
FAILING_COLLECTOR = "print('the collector has no luck today'); raise SystemExit(3)"
DEAF_WORKERS = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
while True:
    time.sleep(60)
"""


@dataclass(frozen=True)
class Stack:
    """A started `beatline up`; output is what it has printed so far."""

    process: subprocess.Popen[bytes]
    data: Path
    url: str

    @property
    def output(self) -> str:
        return (self.data / "up.out").read_text()

    @property
    def admin_token(self) -> str:
        token = self.data / "admin-token"
        return token.read_text().strip() if token.exists() else ""

    def pid_of(self, name: str) -> int:
        return int((self.data / "run" / f"{name}.lock").read_text())

    def family(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)

    def is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health/ready", timeout=5).status_code == 200
        except httpx.TransportError:
            return False

    def track(self, user: str) -> None:
        body = {"user_id": user, "event_type": "view", "payload": {"url": "/"}}
        assert httpx.post(f"{self.url}/events", json=body, timeout=20).status_code == 202

    def total(self) -> int:
        answer = httpx.get(f"{self.url}/analytics/event-counts", timeout=20)
        return int(answer.json()["total_events"])


@contextmanager
def beatline_up(data: Path, *, folder: Path = ROOT, **variables: str) -> Iterator[Stack]:
    """Start `beatline up`; at the end nothing of it is left, whatever the test did."""
    data.mkdir(parents=True, exist_ok=True)
    port = variables.pop("BEATLINE_PORT", None) or str(embedded.free_port())
    environ = {name: text for name, text in os.environ.items() if not name.startswith("BEATLINE_")}
    environ |= {"BEATLINE_DATA": str(data), "BEATLINE_PORT": port, "BEATLINE_DEMO": "0"}
    environ["BEATLINE_OBSERVABILITY"] = "off"
    for name in ("BEATLINE_LIVE_PORT", "BEATLINE_WORKERS_PORT"):
        environ[name] = str(embedded.free_port())
    environ |= {"PYTHONPATH": str(ROOT), **variables}
    command = [sys.executable, "-m", "beatline", "up"]
    with (data / "up.out").open("wb") as output:
        process = subprocess.Popen(command, cwd=folder, env=environ, stdout=output, stderr=subprocess.STDOUT)
    stack = Stack(process, data, f"http://127.0.0.1:{port}")
    try:
        yield stack
    finally:
        end(stack)


def end(stack: Stack) -> None:
    """Kill what still runs."""
    if stack.process.poll() is None:
        family = stack.family()
        stack.process.kill()
        for member in family:
            if member.is_running():
                member.kill()
    stack.process.wait()


def wait_until(fact: Callable[[], bool], seconds: float, about: Callable[[], str]) -> None:
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline, about()
        time.sleep(0.1)


def wait_ready(stack: Stack) -> None:
    def settled() -> bool:
        return "Beatline is ready." in stack.output or stack.process.poll() is not None

    wait_until(settled, START_SECONDS, lambda: stack.output)
    assert stack.process.poll() is None, stack.output


def stop(stack: Stack, number: signal.Signals = signal.SIGINT) -> int:
    stack.process.send_signal(number)
    return stack.process.wait(STOP_SECONDS)


def gone(family: list[psutil.Process]) -> bool:
    return not any(member.is_running() and member.status() != psutil.STATUS_ZOMBIE for member in family)


@pytest.fixture
def data() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "data"


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with (
        tempfile.TemporaryDirectory() as folder,
        beatline_up(Path(folder) / "data") as running,
    ):
        wait_ready(running)
        yield running


def test_given_a_started_stack_then_it_says_where_everything_is(stack: Stack) -> None:
    places = [f"{stack.url}/docs", f"{stack.url}/openapi.json", f"{stack.url}/metrics"]
    for place in [*places, "Console", str(stack.data), str(stack.data / "logs"), "Ctrl-C"]:
        assert place in stack.output
    assert {httpx.get(place, timeout=20).status_code for place in places} == {200}


def test_given_a_started_stack_then_an_event_is_counted(stack: Stack) -> None:
    before = stack.total()
    stack.track("usr_1")
    wait_until(lambda: stack.total() == before + 1, 5, lambda: str(stack.total()))


def test_given_a_started_stack_then_its_processes_have_roles_of_their_own_in_the_database(
    stack: Stack,
) -> None:
    others = "datname = current_database() and pid <> pg_backend_pid()"

    def connected() -> set[str]:
        with psycopg.connect(str(postgres.running_url(stack.data))) as connection:
            rows = connection.execute(f"select usename from pg_stat_activity where {others}")
            return {role for (role,) in rows}

    roles = {"beatline_collector", "beatline_workers"}
    wait_until(lambda: connected() == roles, 20, lambda: str(connected()))
    for name in ("collector", "workers", "live"):
        assert "permission denied" not in (stack.data / "logs" / f"{name}.log").read_text()


def test_given_a_started_stack_then_an_event_is_shown_live(stack: Stack) -> None:
    place = httpx.get(f"{stack.url}/api/v1/live", timeout=20).json()["url"]
    assert f"{place}/api/v1/live/events" in stack.output
    query = {"user_id": "usr_live", "token": stack.admin_token}
    with httpx.stream("GET", f"{place}/api/v1/live/events", params=query, timeout=20) as shown:
        stack.track("usr_live")
        assert next(line for line in shown.iter_lines() if '"user_id":"usr_live"' in line)


def test_given_a_started_stack_then_the_token_in_its_folder_administers(stack: Stack) -> None:
    token = stack.data / "admin-token"
    assert token.stat().st_mode & 0o777 == 0o600
    assert str(token) in stack.output
    headers = {"Authorization": f"Bearer {stack.admin_token}"}
    answer = httpx.get(f"{stack.url}/api/v1/projects/1/catalogue", headers=headers, timeout=20)
    assert answer.json() == {"mode": "off"}


def test_given_a_first_start_then_the_password_that_it_says_signs_in(stack: Stack) -> None:
    said = re.search(r"^ +Sign in +(\S+) with the password (\S+)", stack.output, re.MULTILINE)
    assert said
    email, password = said.groups()
    body = {"email": email, "password": password}
    answer = httpx.post(f"{stack.url}/api/v1/auth/login", json=body, timeout=20)
    assert answer.status_code == 200, answer.text
    kept = [path for path in (stack.data / "logs").glob("*.log") if password in path.read_text()]
    assert kept == []


def test_given_a_started_stack_then_every_process_has_its_own_log(stack: Stack) -> None:
    assert {path.stem for path in (stack.data / "logs").glob("*.log")} == EVERYTHING


def test_given_a_second_up_on_the_same_data_then_it_ends_with_one_clear_sentence(
    stack: Stack,
) -> None:
    # its output must not go over that of the first one
    environ = os.environ | {"BEATLINE_DATA": str(stack.data), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "beatline", "up"]
    second = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)
    holder = f"(process {stack.process.pid})"
    assert second.returncode == 1
    assert second.stdout == ""
    assert second.stderr == f"beatline: beatline already runs on {stack.data} {holder}.\n"
    assert stack.is_ready()


def test_given_a_running_stack_then_every_metrics_address_that_it_has_printed_answers(stack: Stack) -> None:
    (line,) = re.findall(r"^ +Metrics +(.*)$", stack.output, re.MULTILINE)
    answers = [httpx.get(address, timeout=20) for address in line.split(", ")]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert all("beatline_info" in answer.text for answer in answers)


@pytest.mark.parametrize("variable", ["BEATLINE_PORT", "BEATLINE_LIVE_PORT", "BEATLINE_WORKERS_PORT"])
def test_given_a_port_in_use_then_it_ends_with_the_variable_before_anything_is_started(
    stack: Stack, data: Path, variable: str
) -> None:
    port = stack.url.rsplit(":", 1)[1]
    with beatline_up(data, **{variable: port}) as other:
        assert other.process.wait(START_SECONDS) == 1
        assert f"port {port} is in use" in other.output
        assert variable in other.output
        assert not (data / "postgres").exists()


@pytest.mark.parametrize("name", sorted(EVERYTHING))
def test_given_a_killed_process_then_it_is_started_again_and_events_go_on(stack: Stack, name: str) -> None:
    before, victim = stack.total(), stack.pid_of(name)
    os.kill(victim, signal.SIGKILL)
    again = f"{name} runs again."
    said = stack.output.count(again)
    wait_until(lambda: stack.output.count(again) > said, START_SECONDS, lambda: stack.output)
    wait_until(stack.is_ready, START_SECONDS, lambda: stack.output)
    assert stack.pid_of(name) != victim
    stack.track("usr_2")
    wait_until(lambda: stack.total() == before + 1, START_SECONDS, lambda: stack.output)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
def test_given_a_signal_then_all_stops_and_the_next_start_finds_its_data(
    data: Path, number: signal.Signals
) -> None:
    with beatline_up(data) as first:
        wait_ready(first)
        family = first.family()
        first.track("usr_1")
        assert stop(first, number) == 0
        assert gone(family)
        order = "Stopping live, workers, collector, valkey, postgres"
        assert order in first.output
    with beatline_up(data) as second:
        wait_ready(second)
        assert second.total() == 1
        assert "Sign in" not in second.output


def test_given_a_killed_supervisor_then_all_ends_and_the_next_start_finds_its_data(
    data: Path,
) -> None:
    with beatline_up(data) as first:
        wait_ready(first)
        family = first.family()
        first.track("usr_1")
        first.process.kill()
        wait_until(lambda: gone(family), STOP_SECONDS, lambda: str(family))
    with beatline_up(data) as second:
        wait_ready(second)
        assert second.total() == 1


def test_given_servers_of_ones_own_then_none_is_started_beside_them(data: Path) -> None:
    with ExitStack() as servers:
        folder = Path(servers.enter_context(tempfile.TemporaryDirectory()))
        database = postgres.start(folder)
        servers.callback(database.stop)
        store = valkey.start(folder)
        servers.callback(store.stop)
        urls = {"BEATLINE_DATABASE_URL": database.url, "BEATLINE_REDIS_URL": store.url}
        with beatline_up(data, **urls) as running:
            wait_ready(running)
            running.track("usr_1")
            assert running.total() == 1
            assert not {"postgres", "valkey"} & {path.name for path in data.iterdir()}
            assert stop(running) == 0


def stand_in(folder: Path, package: str, code: str) -> Path:
    """A folder from which `python -m package` runs the code instead of ours."""
    (folder / package).mkdir(parents=True)
    (folder / package / "__init__.py").touch()
    (folder / package / "__main__.py").write_text(code)
    return folder


def test_given_a_collector_that_fails_then_all_stops_and_the_end_of_its_log_is_shown(
    data: Path, tmp_path: Path
) -> None:
    folder = stand_in(tmp_path, "collector", FAILING_COLLECTOR)
    with beatline_up(data, folder=folder) as failed:
        assert failed.process.wait(START_SECONDS) == 1
        assert "collector ended with code 3 at its start." in failed.output
        assert "the collector has no luck today" in failed.output
    for name in EVERYTHING:
        embedded.lock(data, name, wait=0).close()


def test_given_a_process_that_does_not_stop_then_a_second_signal_kills_it(data: Path, tmp_path: Path) -> None:
    folder = stand_in(tmp_path, "workers", DEAF_WORKERS)
    with beatline_up(data, folder=folder) as running:
        wait_ready(running)
        family = running.family()
        running.process.send_signal(signal.SIGINT)
        wait_until(lambda: "Stopping" in running.output, STOP_SECONDS, lambda: running.output)
        began = time.monotonic()
        assert stop(running) == 0
        assert time.monotonic() - began < 20
        wait_until(lambda: gone(family), STOP_SECONDS, lambda: str(family))
