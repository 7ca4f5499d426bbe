"""What `beatline up` starts beside the stack, and what it says when it cannot."""

from __future__ import annotations

import json
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from beatline import observability
from beatline.embedded import free_port
from beatline.observability import Stack
from beatline.settings import Settings

DATABASE = "postgresql://beatline:secret@127.0.0.1:5433/events"
TARGETS = {"collector": "127.0.0.1:8000", "workers": "127.0.0.1:8002", "live": "[::1]:8001"}


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    settings = Settings(prometheus_port=free_port(), grafana_port=free_port(), grafana_token="t")
    return Stack(settings, tmp_path / "data", DATABASE, "http://127.0.0.1:8000", TARGETS)


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is the whole PATH."""
    folder = tmp_path / "programs" / "bin"
    folder.mkdir(parents=True)
    monkeypatch.setenv("PATH", str(folder))
    return folder


def install(programs: Path, name: str) -> Path:
    (programs / name).touch(mode=0o755)
    return programs / name


def install_grafana(programs: Path, name: str = "grafana") -> Path:
    """Grafana as its archive is laid out."""
    (programs.parent / "conf").mkdir()
    (programs.parent / "conf" / "defaults.ini").touch()
    return install(programs, name)


def test_given_neither_program_then_it_says_how_to_get_them(stack: Stack, programs: Path) -> None:
    prometheus, grafana = observability.extras(stack)
    assert (prometheus.command, grafana.command) == ((), ())
    assert "apt install prometheus" in prometheus.about
    assert "https://grafana.com/grafana/download" in grafana.about
    assert observability.settle(stack.settings, stack.data) == stack.settings


def test_given_both_programs_and_the_switch_off_then_there_is_nothing_to_start(
    stack: Stack, programs: Path
) -> None:
    install(programs, "prometheus")
    install_grafana(programs)
    off = replace(stack.settings, observability=False)
    assert observability.extras(replace(stack, settings=off)) == []
    assert observability.settle(off, stack.data) == off
    assert not stack.data.exists()


@pytest.mark.parametrize("name", ["prometheus", "grafana"])
def test_given_a_port_in_use_then_it_is_not_started_and_says_so(
    stack: Stack, programs: Path, name: str
) -> None:
    install(programs, "prometheus")
    install_grafana(programs)
    port = getattr(stack.settings, f"{name}_port")
    with socket.create_server(("127.0.0.1", port)):
        extras = {extra.name: extra for extra in observability.extras(stack)}
    refused = extras.pop(name)
    assert refused.command == ()
    assert refused.about.startswith(f"not started: port {port} is in use")
    assert f"BEATLINE_{name.upper()}_PORT" in refused.about
    assert all(other.command for other in extras.values())


def test_given_prometheus_then_its_targets_are_those_of_this_stack(stack: Stack, programs: Path) -> None:
    install(programs, "prometheus")
    observability.extras(stack)
    text = (stack.data / "prometheus" / "configuration" / "targets" / "up.yml").read_text()
    targets = {group["labels"]["job"]: group["targets"] for group in json.loads(text)}
    own = f"127.0.0.1:{stack.settings.prometheus_port}"
    assert targets == {job: [address] for job, address in {**TARGETS, "prometheus": own}.items()}


def test_given_an_older_configuration_then_it_is_replaced(stack: Stack, programs: Path) -> None:
    install(programs, "prometheus")
    observability.extras(stack)
    stale = stack.data / "prometheus" / "configuration" / "rules" / "stale.yml"
    stale.touch()
    observability.extras(stack)
    assert not stale.exists()


@pytest.mark.parametrize(("name", "words"), [("grafana", ("server",)), ("grafana-server", ())])
def test_given_either_of_grafanas_programs_then_its_server_is_started_from_its_folder(
    stack: Stack, programs: Path, name: str, words: tuple[str, ...]
) -> None:
    program = install_grafana(programs, name)
    grafana = observability.grafana(stack)
    assert grafana.command == (str(program), *words, f"--homepath={programs.parent}")


def test_given_a_grafana_without_its_files_then_it_says_so(stack: Stack, programs: Path) -> None:
    program = install(programs, "grafana")
    grafana = observability.grafana(stack)
    assert grafana.command == ()
    assert grafana.about == f"not started: the files that belong to {program} are not beside it"


def test_given_settings_of_another_grafana_in_the_environment_then_they_do_not_count(
    stack: Stack, programs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_grafana(programs)
    monkeypatch.setenv("GF_SECURITY_ADMIN_PASSWORD__FILE", "/run/secrets/other")
    monkeypatch.setenv("GF_AUTH_ANONYMOUS_ENABLED", "true")
    monkeypatch.setenv("BEATLINE_ADMIN_TOKEN", "secret")
    environ = observability.grafana(stack).environ
    assert environ["GF_AUTH_ANONYMOUS_ENABLED"] == "false"
    assert not {"GF_SECURITY_ADMIN_PASSWORD__FILE", "BEATLINE_ADMIN_TOKEN"} & environ.keys()


def test_given_grafana_then_what_it_shares_with_the_stack_is_made_once(stack: Stack, programs: Path) -> None:
    install_grafana(programs)
    stack.data.mkdir()
    settled = observability.settle(Settings(), stack.data)
    assert settled.grafana_token
    assert settled.grafana_database_password
    assert observability.settle(Settings(), stack.data) == settled
    chosen = replace(settled, grafana_token="mine", grafana_database_password="mine too")
    assert observability.settle(chosen, stack.data) == chosen


@pytest.mark.parametrize(
    ("url", "host", "name", "ssl_mode"),
    [
        ("postgresql://u:p@127.0.0.1:5433/events", "127.0.0.1:5433", "events", "disable"),
        ("postgresql://u:p@[::1]:5433/events", "[::1]:5433", "events", "disable"),
        ("postgresql://u:p@db.example/events", "db.example:5432", "events", "require"),
        (
            "postgresql://u:p@db.example/events?sslmode=verify-full",
            "db.example:5432",
            "events",
            "verify-full",
        ),
        ("postgresql://u:p@db.example/events?sslmode=prefer", "db.example:5432", "events", "require"),
        ("postgresql://u:p@db.example", "db.example:5432", "u", "require"),
        ("host=db.example port=5 dbname=e user=u", "db.example:5", "e", "require"),
    ],
)
def test_grafana_finds_the_database_of_the_url(
    stack: Stack, url: str, host: str, name: str, ssl_mode: str
) -> None:
    given = observability.provisioned(replace(stack, database_url=url))
    told = [given[f"BEATLINE_GRAFANA_DATABASE_{part}"] for part in ("HOST", "NAME", "SSLMODE")]
    assert told == [host, name, ssl_mode]
