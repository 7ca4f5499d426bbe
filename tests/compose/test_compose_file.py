"""docker-compose.yml: it fits the specification, and every service is as locked up as it can be."""

from __future__ import annotations

import json
import re
import runpy
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

import beatline
from beatline.settings import Settings
from tests.compose.compose_file import (
    FILE,
    MAKE_ENV,
    ROOT,
    MissingVariableError,
    Service,
    compose,
    is_ours,
    raw_compose,
    runs_once,
    written_env,
)

NODE_MODULES = Path(__file__).parent / "node_modules"
DCLINT = NODE_MODULES / ".bin" / "dclint"
RULES = Path(__file__).with_name("dclint.json")
EXACT = re.compile(r"[\w./-]+:v?\d+\.\d+\.\d+[\w.-]*")
SECRET = re.compile(r"PASSWORD|TOKEN|SECRET|_PASS$|_URL$")
MIB = 2**20
SERVER_BYTES = 4 * 2**30
OF_ITS_OWN_SYSTEM = 256 * MIB

ENV = written_env()
COMPOSE = compose(ENV)
SERVICES: dict[str, Service] = COMPOSE["services"]
every_service = pytest.mark.parametrize("name", SERVICES)


@pytest.mark.parametrize(
    "content",
    [raw_compose(), COMPOSE, compose(written_env("events.example.org"))],
    ids=["as it is written", "with make env", "with a domain"],
)
def test_the_file_fits_the_compose_specification(content: dict[str, Any], tmp_path: Path) -> None:
    resolved = tmp_path / "docker-compose.yml"
    resolved.write_text(yaml.safe_dump(content, sort_keys=False))
    findings = lint(resolved)
    if content == raw_compose():  # the linter does not put variables in
        findings = [finding for finding in findings if finding["rule"] != "no-unbound-port-interfaces"]
    assert findings == []


def test_a_file_that_does_not_fit_is_noticed(tmp_path: Path) -> None:
    wrong = tmp_path / "docker-compose.yml"
    wrong.write_text("services: {collector: {image: a:1.0.0, mem_limits: 1m}}\n")
    assert "invalid-schema" in {finding["rule"] for finding in lint(wrong)}


def lint(path: Path) -> list[dict[str, Any]]:
    """What dclint, which has the specification's schema, finds in a file."""
    done = subprocess.run(
        [DCLINT, "--formatter", "json", "--config", RULES, path], capture_output=True, text=True, check=False
    )
    assert done.stdout, done.stderr
    return [message for file in json.loads(done.stdout) for message in file["messages"]]


@pytest.mark.parametrize("name", sorted(name for name in ENV if SECRET.search(name)))
def test_without_a_secret_the_stack_does_not_start_and_says_what_to_do(name: str) -> None:
    with pytest.raises(MissingVariableError, match=f"{name}: run make env"):
        compose(ENV | {name: ""})


def test_every_variable_of_the_file_is_written_or_has_a_default() -> None:
    required = set(re.findall(r"\$\{(\w+)(?::\?[^}]*)?\}", FILE.read_text()))
    used = set(re.findall(r"\$\{(\w+)", FILE.read_text()))
    assert required <= set(ENV) <= used


def test_make_env_writes_secrets_for_its_owner_only_and_never_twice(tmp_path: Path) -> None:
    # Given a folder with the script where the project has it
    (tmp_path / "deploy").mkdir()
    script = tmp_path / "deploy" / "make_env.py"
    script.write_text(MAKE_ENV.read_text())

    # When it is run twice
    first = subprocess.run([sys.executable, script], capture_output=True, text=True, check=False)
    path = tmp_path / ".env"
    written = path.read_text()
    second = subprocess.run(
        [sys.executable, script, "a.example"], capture_output=True, text=True, check=False
    )

    # Then the first wrote, and the second left it alone
    assert first.returncode == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert second.returncode == 1
    assert "stays as it is" in second.stderr
    assert path.read_text() == written


def test_the_secrets_are_long_and_different_each_time() -> None:
    values = [text for env in (ENV, written_env()) for name, text in env.items() if SECRET.search(name)]
    assert len(set(values)) == len(values) == 2 * len(runpy.run_path(str(MAKE_ENV))["SECRETS"])
    assert all(re.fullmatch(r"\w{48}", value) for value in values)


@pytest.mark.parametrize("domain", ["https://a.example", "a.example/path", "a b", "-"])
def test_make_env_refuses_what_is_no_domain(domain: str, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="is no domain"):
        runpy.run_path(str(MAKE_ENV))["main"](tmp_path / ".env", domain)
    assert not (tmp_path / ".env").exists()


def test_without_a_domain_only_this_machine_reaches_it_and_events_need_no_key() -> None:
    assert SERVICES["caddy"]["ports"] == ["127.0.0.1:80:8080", "127.0.0.1:443:8443"]
    assert SERVICES["collector"]["environment"]["BEATLINE_OPEN_INGEST"] == "on"


def test_with_a_domain_all_reach_it_and_events_need_a_key() -> None:
    services = compose(written_env("events.example.org"))["services"]
    assert services["caddy"]["ports"] == ["0.0.0.0:80:8080", "0.0.0.0:443:8443"]
    assert services["caddy"]["environment"]["BEATLINE_DOMAIN"] == "events.example.org"
    assert services["collector"]["environment"]["BEATLINE_LIVE_URL"] == "https://events.example.org"
    assert services["collector"]["environment"]["BEATLINE_OPEN_INGEST"] == "off"
    grafana = services["grafana"]["environment"]
    assert grafana["GF_SERVER_ROOT_URL"] == "https://events.example.org/grafana/"


@every_service
def test_the_image_is_of_one_exact_version(name: str) -> None:
    image = SERVICES[name]["image"]
    assert EXACT.fullmatch(image)
    assert not is_ours(SERVICES[name]) or image == f"beatline:{beatline.__version__}"


def test_our_image_is_built_once_and_never_pulled() -> None:
    ours = [name for name, service in SERVICES.items() if is_ours(service)]
    assert [name for name in ours if "build" in SERVICES[name]] == ["migrate"]
    assert {SERVICES[name]["pull_policy"] for name in ours} == {"never"}
    assert all("migrate" in needed_by(name) for name in ours if name != "migrate")


@every_service
def test_it_can_write_to_its_volumes_only_and_has_no_rights(name: str) -> None:
    service = SERVICES[name]
    user, _, _ = service["user"].partition(":")
    assert int(user) > 0
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service.get("cap_add", []) == (["NET_BIND_SERVICE"] if name == "caddy" else [])
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "network_mode", "pid", "ipc", "devices", "userns_mode"} & set(service)
    assert (
        all("size=" in mount for mount in service["tmpfs"] if name != "prometheus")
        if name != "prometheus"
        else True
    )


@every_service
def test_it_is_bounded_and_comes_back(name: str) -> None:
    service = SERVICES[name]
    assert mebibytes(service["mem_limit"]) >= 96
    assert service["pids_limit"] <= 1024
    assert service["logging"]["options"] == {"max-size": "10m", "max-file": "3"}
    assert service["restart"] == ("no" if name == "migrate" else "unless-stopped")


@every_service
def test_it_says_how_it_is(name: str) -> None:
    service = SERVICES[name]
    assert runs_once(service) or service["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}


def test_all_that_always_runs_fits_on_a_small_server() -> None:
    always = [
        service for service in SERVICES.values() if "profiles" not in service and not runs_once(service)
    ]
    assert (
        sum(mebibytes(service["mem_limit"]) for service in always) * MIB <= SERVER_BYTES - OF_ITS_OWN_SYSTEM
    )


def mebibytes(text: str) -> int:
    """1024 for 1024m."""
    return int(text.removesuffix("m"))


def test_only_caddy_is_published_and_two_networks_lead_outside() -> None:
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["caddy"]
    networks = COMPOSE["networks"]
    assert [name for name, options in networks.items() if not options.get("internal")] == ["edge", "outside"]


@pytest.mark.parametrize(
    ("network", "members"),
    [
        ("database", {"timescaledb", "migrate", "collector", "live", "workers", "scheduler", "grafana"}),
        ("queue", {"valkey", "collector", "live", "workers", "scheduler"}),
        ("front", {"caddy", "collector", "live", "grafana", "generator"}),
        ("metrics", {"prometheus", "grafana", "collector", "live", "workers", "scheduler"}),
        ("broker", {"rabbitmq", "workers", "scheduler"}),
        ("edge", {"caddy"}),
        ("outside", {"collector", "workers"}),
    ],
)
def test_who_can_reach_what(network: str, members: set[str]) -> None:
    assert {name for name, service in SERVICES.items() if network in service["networks"]} == members


def test_networks_and_volumes_are_declared_and_used() -> None:
    used = {network for service in SERVICES.values() for network in service["networks"]}
    assert used == set(COMPOSE["networks"])
    named = {source for _, source, _ in mounts() if not source.startswith("./")}
    assert named == set(COMPOSE["volumes"])


def test_what_is_mounted_from_here_is_here_and_read_only() -> None:
    from_here = [(source, options) for _, source, options in mounts() if source.startswith("./")]
    assert from_here
    assert [source for source, _ in from_here if not (ROOT / source).exists()] == []
    assert {options for _, options in from_here} == {"ro"}


def mounts() -> Iterator[tuple[str, str, str]]:
    """Service, source and options of every volume."""
    for name, service in SERVICES.items():
        for volume in service.get("volumes", []):
            source, _, options = volume.split(":") if volume.count(":") == 2 else (*volume.split(":"), "")
            yield name, source, options


@every_service
def test_it_waits_for_what_it_needs(name: str) -> None:
    for needed, how in SERVICES[name].get("depends_on", {}).items():
        once = runs_once(SERVICES[needed])
        assert how["condition"] == ("service_completed_successfully" if once else "service_healthy")
        assert "profiles" not in SERVICES[needed]


def needed_by(name: str) -> set[str]:
    """All that starts before a service."""
    direct = set(SERVICES[name].get("depends_on", {}))
    return direct.union(*map(needed_by, direct))


@pytest.mark.parametrize("name", [name for name, service in SERVICES.items() if is_ours(service)])
def test_our_services_get_real_settings(name: str) -> None:
    known = {f"BEATLINE_{item.name.upper()}" for item in fields(Settings)}
    environment = SERVICES[name].get("environment", {})
    assert {key for key in environment if not key.startswith("AWS_")} <= known
    Settings.from_env(environment)


def test_what_env_sets_of_others_reaches_collector_and_workers_and_is_unset_otherwise() -> None:
    mail = {"BEATLINE_SMTP_URL": "smtp://mail.example.org", "AWS_DEFAULT_REGION": "eu-central-1"}
    services = compose(written_env() | mail)["services"]
    told = {
        name for name, service in services.items() if mail.items() <= service.get("environment", {}).items()
    }
    assert told == {"collector", "workers"}
    assert not any(mail.keys() & service.get("environment", {}).keys() for service in SERVICES.values())


@every_service
def test_no_secret_is_in_the_file(name: str) -> None:
    environment = raw_compose()["services"][name].get("environment", {})
    written = {key: str(text) for key, text in environment.items() if text is not None and SECRET.search(key)}
    harmless = {
        key
        for key, text in written.items()
        if re.fullmatch(r"https?://[\w.:${}/-]+", text) or text in ("false", f"${{{key}:-}}")
    }
    assert [
        key for key, text in written.items() if key not in harmless and ":?run make env}" not in text
    ] == []


@pytest.mark.parametrize(
    ("variable", "services"),
    [
        ("BEATLINE_POSTGRES_PASSWORD", {"timescaledb"}),
        ("BEATLINE_DATABASE_PASSWORD", {"timescaledb", "migrate", "workers"}),
        ("BEATLINE_COLLECTOR_DATABASE_PASSWORD", {"migrate", "collector", "live"}),
        ("BEATLINE_WORKERS_DATABASE_PASSWORD", {"migrate", "workers", "scheduler"}),
        ("BEATLINE_GRAFANA_DATABASE_PASSWORD", {"migrate", "grafana"}),
        ("BEATLINE_VALKEY_PASSWORD", {"valkey", "collector", "live", "workers", "scheduler"}),
        ("BEATLINE_ADMIN_TOKEN", {"collector", "live"}),
        ("BEATLINE_GRAFANA_TOKEN", {"collector", "grafana"}),
        ("BEATLINE_GRAFANA_ADMIN_PASSWORD", {"grafana"}),
        ("BEATLINE_GRAFANA_SECRET_KEY", {"grafana"}),
        ("BEATLINE_RABBITMQ_PASSWORD", {"rabbitmq"}),
    ],
)
def test_who_knows_a_secret(variable: str, services: set[str]) -> None:
    knows = {name for name, service in SERVICES.items() if ENV[variable] in json.dumps(service)}
    assert knows == services


def test_grafana_is_given_every_variable_that_its_files_ask_for() -> None:
    files = (ROOT / "grafana" / "provisioning").rglob("*.yml")
    asked = {name for file in files for name in re.findall(r"\$\{?(BEATLINE_\w+)", file.read_text())}
    given = {name for name in SERVICES["grafana"]["environment"] if name.startswith("BEATLINE_")}
    assert given == asked


def test_grafana_begins_with_a_board_that_is_there() -> None:
    path = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert (ROOT / path.replace("/etc/grafana/", "grafana/")).is_file()


def test_prometheus_asks_services_that_it_can_reach_at_their_ports() -> None:
    entries = yaml.safe_load((ROOT / "prometheus" / "targets" / "compose.yml").read_text())
    targets = {target for entry in entries for target in entry["targets"]}
    assert targets == {"localhost:9090", "collector:8000", "live:8001", "workers:8002", "scheduler:8002"}
    asked = {target.partition(":")[0] for target in targets} - {"localhost"}
    assert all("metrics" in SERVICES[name]["networks"] for name in asked)
