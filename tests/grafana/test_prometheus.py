"""Prometheus: configuration, rules, and every expression of boards and alerts against a running stack."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest
import yaml

from beatline import embedded
from collector.metrics import SECONDS
from tests.e2e.test_up import Stack, beatline_up, wait_ready, wait_until
from tests.fixtures.collectors import ROOT
from tests.grafana import promql
from tests.grafana.boards import boards, datasource, panels
from tests.grafana.promql import FOLDER, Expression

EXPRESSIONS = promql.expressions()
JOBS = {"collector", "workers", "live", "prometheus"}
RECORDED_SECONDS = 60.0
DEMO_RATE = 100  # events per second
FLAGGED = "beatline_events_flagged_total"
# What nothing happens for in a healthy stack: a selector may well be without a series.
UNHEARD_OF = {"beatline_live_left_out_events_total"}
DAYS = re.compile(r"rate(3d|30d)\b")  # recorded every two minutes, some time after the start
RECORDED = {
    rule["record"] for rule in promql.recording_rules() if not DAYS.search(rule["record"] + rule["expr"])
}
each_expression = pytest.mark.parametrize("expression", EXPRESSIONS, ids=str)

# Grafana cannot be had here. This plays it: it keeps how it was started, and runs until it is stopped.
GRAFANA = """#!/bin/sh
cd "$(dirname "$0")/.."
tr '\\0' '\\n' < /proc/$$/environ > environment
for word in "$0" "$@"; do printf '%s\\n' "$word"; done > arguments
exec sleep 600
"""


def promtool(*words: str) -> str:
    """What promtool prints; it fails the test when it finds an error."""
    done = subprocess.run(["promtool", *words], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_configuration_is_valid() -> None:
    said = promtool("check", "config", str(FOLDER / "prometheus.yml"))
    assert f"{len(rule_files())} rule files found" in said


def rule_files() -> list[Path]:
    return sorted((FOLDER / "rules").glob("*.yml"))


def test_the_rules_record_what_their_tests_say() -> None:
    tests = sorted((FOLDER / "tests").glob("*.yml"))
    assert [test.name for test in tests] == [rules.name for rules in rule_files()]
    promtool("test", "rules", *map(str, tests))


def test_names_of_recorded_series_are_level_metric_operations() -> None:
    for rule in promql.recording_rules():
        assert re.fullmatch(r"[a-z_]+:[a-z0-9_]+:[a-z0-9_]+", rule["record"]), rule


def test_promtool_parses_every_expression(tmp_path: Path) -> None:
    rules = [
        {"record": f"an:expression:{number}", "expr": each.text} for number, each in enumerate(EXPRESSIONS)
    ]
    path = tmp_path / "expressions.yml"
    path.write_text(json.dumps({"groups": [{"name": "expressions", "rules": rules}]}))
    assert f"{len(EXPRESSIONS)} rules found" in promtool("check", "rules", str(path))


def test_expressions_come_from_every_place() -> None:
    """Of each board of the operations with Prometheus, of rules that record, and of alerts."""
    names = {expression.where.split("-")[0] for expression in EXPRESSIONS}
    assert names >= {"collector", "workers", "service_levels", "latency", "slo:objective:ratio"}
    assert not [each for each in EXPRESSIONS if "$" in each.text]


def test_grafana_knows_how_often_prometheus_scrapes() -> None:
    configuration = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    assert datasource("prometheus")["jsonData"]["timeInterval"] == configuration["global"]["scrape_interval"]


def test_the_latency_objective_is_a_bucket_and_the_line_that_boards_draw() -> None:
    (limit,) = set(re.findall(r'le="([\d.]+)"', (FOLDER / "rules" / "service_levels.yml").read_text()))
    assert float(limit) in SECONDS
    drawn = {
        step["value"]
        for name, board in boards().items()
        for panel in panels(board)
        if "The line is the latency objective." in panel.get("description", "")
        for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"][1:]
    }
    assert drawn == {float(limit)}


def test_the_objectives_in_the_documentation_are_those_of_the_rules() -> None:
    text = (ROOT / "docs" / "service-levels.md").read_text()
    objectives = {
        rule["labels"]["slo"]: float(rule["expr"].removeprefix("vector(").removesuffix(")"))
        for rule in promql.recording_rules()
        if rule["record"] == "slo:objective:ratio"
    }
    shown = {
        name: float(share) / 100
        for name, share in re.findall(r"^\| `(\w+)` \|.*\| ([\d.]+) % \|$", text, re.M)
    }
    assert shown == pytest.approx(objectives)


@dataclass(frozen=True)
class Monitored:
    """A `beatline up` with Prometheus at a URL, and the folder of what plays Grafana."""

    stack: Stack
    prometheus: str
    grafana: Path
    client: httpx.Client

    def ask(self, path: str, **query: str) -> Any:
        """The data of an answer of Prometheus' API."""
        answer = self.client.get(f"{self.prometheus}/api/v1/{path}", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    def query(self, expression: str) -> list[Any]:
        """The series of an expression, now."""
        data = self.ask("query", query=expression)
        assert data["resultType"] in ("vector", "scalar")
        return list(data["result"])

    def look_at_numbers(self) -> None:
        """Ask for what the cache keeps."""
        assert self.client.get(f"{self.stack.url}/api/v1/metrics/overview").status_code == 200

    def environment(self) -> dict[str, str]:
        """What Grafana was given."""
        lines = (self.grafana / "environment").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)


@pytest.fixture(scope="module")
def monitored() -> Iterator[Monitored]:
    """A stack in which everything has happened once that metrics tell of, recorded by Prometheus."""
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        grafana = play_grafana(folder / "grafana")
        ports = {name: str(embedded.free_port()) for name in ("PROMETHEUS", "GRAFANA")}
        settings = {f"BEATLINE_{name}_PORT": port for name, port in ports.items()}
        settings |= {"BEATLINE_OBSERVABILITY": "on", "BEATLINE_DEMO": "1", "BEATLINE_TRUSTED_PROXIES": "1"}
        settings |= {"BEATLINE_IP_RATE": "100", "BEATLINE_IP_BURST": "200"}
        settings["PATH"] = f"{grafana / 'bin'}:{os.environ['PATH']}"
        with beatline_up(folder / "data", **settings) as stack, httpx.Client(timeout=20) as client:
            wait_ready(stack)
            running = Monitored(stack, f"http://127.0.0.1:{ports['PROMETHEUS']}", grafana, client)
            with client.stream("GET", live_events(stack)):
                happen(stack)
                wait_until(lambda: is_recorded(running), RECORDED_SECONDS, lambda: logs_of(stack))
                yield running


def play_grafana(home: Path) -> Path:
    """A folder laid out like Grafana's archive, with a script in place of the program."""
    program = home / "bin" / "grafana"
    for file, text in ((home / "conf" / "defaults.ini", ""), (program, GRAFANA)):
        file.parent.mkdir(parents=True)
        file.write_text(text)
    program.chmod(0o755)
    return home


def live_events(stack: Stack) -> str:
    """Where the live preview is: while somebody reads it, the collector publishes."""
    place = httpx.get(f"{stack.url}/api/v1/live", timeout=20).json()["url"]
    return f"{place}/api/v1/live/events?token={stack.admin_token}"


def happen(stack: Stack) -> None:
    """Events that are accepted, refused, stored though they do not fit, and too many for a rate limit."""
    project = f"{stack.url}/api/v1/projects/1"
    with httpx.Client(headers={"Authorization": f"Bearer {stack.admin_token}"}, timeout=20) as admin:
        schema = {"schema": {"type": "object", "required": ["amount"]}}
        assert admin.put(f"{project}/event-types/purchase", json=schema).is_success
        assert admin.put(f"{project}/catalogue", json={"mode": "flag"}).is_success
    with httpx.Client(base_url=stack.url, timeout=20) as client:
        wait_until(lambda: is_flagged(client), 20, lambda: "no event was flagged")
        assert client.post("/track", json={"event_type": ""}).status_code == 400
        stranger = {"X-Forwarded-For": "203.0.113.9"}
        assert 429 in {client.post("/track", headers=stranger).status_code for _ in range(500)}


def is_flagged(client: httpx.Client) -> bool:
    """Whether an event that does not fit the catalogue is counted; processes learn of a change by and by."""
    assert client.post("/track", json={"event_type": "purchase", "user_id": "usr_1"}).status_code == 202
    return f"{FLAGGED}{{" in client.get("/metrics").text


def is_recorded(running: Monitored) -> bool:
    """Whether every target was scraped and every rule has recorded something. Meanwhile events are refused,
    and numbers looked at."""
    running.client.post(f"{running.stack.url}/track", json={"event_type": ""})
    running.look_at_numbers()
    try:
        up = {series["metric"]["job"] for series in running.query("up == 1")}
        refused = running.query("rate(beatline_events_rejected_total[1m]) > 0")
        return up == JOBS and bool(refused) and recorded_names(running) >= RECORDED
    except httpx.TransportError:
        return False


def recorded_names(running: Monitored) -> set[str]:
    """The names of what rules have recorded."""
    counts = running.query('count by (__name__) ({__name__=~".+:.+"})')
    return {series["metric"]["__name__"] for series in counts}


def logs_of(stack: Stack) -> str:
    """What was printed, and the log of Prometheus."""
    return stack.output + (stack.data / "logs" / "prometheus.log").read_text()


def test_every_target_is_up(monitored: Monitored) -> None:
    targets = monitored.ask("targets", state="active")["activeTargets"]
    assert {target["labels"]["job"]: target["health"] for target in targets} == dict.fromkeys(JOBS, "up")


def test_no_rule_fails(monitored: Monitored) -> None:
    groups = monitored.ask("rules")["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert len(rules) == len(promql.recording_rules())
    assert [rule for rule in rules if rule["health"] == "err"] == []


@pytest.fixture(scope="module")
def exported(monitored: Monitored) -> set[str]:
    """Every name that Prometheus has got from our processes and itself, also those without a series yet."""
    return set(monitored.ask("label/__name__/values")) | set(monitored.ask("metadata"))


@each_expression
def test_every_expression_names_metrics_that_there_are(exported: set[str], expression: Expression) -> None:
    recorded = {rule["record"] for rule in promql.recording_rules()}
    assert promql.metrics_of(expression.text) <= recorded | exported


@each_expression
def test_every_expression_has_a_value(monitored: Monitored, expression: Expression) -> None:
    """With All chosen. A typing error in a label or its value would select nothing."""
    monitored.look_at_numbers()
    series = monitored.query(expression.text)
    may_be_silent = promql.metrics_of(expression.text) & UNHEARD_OF or DAYS.search(expression.text)
    assert series or may_be_silent or expression.where.endswith(" some")


def test_the_board_shows_the_events_that_are_sent(monitored: Monitored) -> None:
    shown = next(each for each in EXPRESSIONS if each.where == "collector-2-A all")
    wait_until(lambda: rate_of(monitored, shown) > DEMO_RATE / 2, 30, lambda: str(rate_of(monitored, shown)))
    assert rate_of(monitored, shown) < DEMO_RATE * 2


def rate_of(monitored: Monitored, expression: Expression) -> float:
    """The value of an expression that has one series."""
    (series,) = monitored.query(expression.text)
    return float(series["value"][1])


def test_prometheus_runs_with_the_provisioning_on_the_loopback_address_alone(monitored: Monitored) -> None:
    configuration = monitored.stack.data / "prometheus" / "configuration"
    for name in ("prometheus.yml", *(f"rules/{path.name}" for path in rule_files())):
        assert (configuration / name).read_text() == (FOLDER / name).read_text()
    (process,) = [each for each in monitored.stack.family() if each.name() == "prometheus"]
    assert {each.laddr.ip for each in process.net_connections() if each.status == "LISTEN"} == {"127.0.0.1"}
    assert f"Prometheus {monitored.prometheus}/" in monitored.stack.output


def test_grafana_is_started_with_the_provisioning_and_nothing_secret_on_its_command_line(
    monitored: Monitored,
) -> None:
    program, *words = (monitored.grafana / "arguments").read_text().splitlines()
    assert (program, words) == (
        str(monitored.grafana / "bin" / "grafana"),
        ["server", f"--homepath={monitored.grafana}"],
    )
    given = monitored.environment()
    assert given["GF_PATHS_PROVISIONING"] == str(ROOT / "grafana" / "provisioning")
    assert Path(given["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]).is_file()
    assert given["GF_SERVER_HTTP_ADDR"] == "127.0.0.1"
    assert given["GF_AUTH_ANONYMOUS_ENABLED"] == "false"
    assert {given[name] for name in given if re.fullmatch("GF_ANALYTICS_(REPORTING|CHECK)_.*", name)} == {
        "false"
    }
    assert given["BEATLINE_PROMETHEUS_URL"] == monitored.prometheus
    assert given["BEATLINE_COLLECTOR_URL"] == monitored.stack.url


def test_grafana_gets_every_variable_of_the_provisioning(monitored: Monitored) -> None:
    files = (ROOT / "grafana" / "provisioning").rglob("*.yml")
    wanted = {name for file in files for name in re.findall(r"\$\{?((?:BEATLINE|GF)_\w+)", file.read_text())}
    given = monitored.environment()
    assert {name for name in wanted if not given.get(name)} == set()


def test_grafana_gets_no_other_secret_of_the_stack(monitored: Monitored) -> None:
    given = monitored.environment()
    secrets = [monitored.stack.admin_token, *re.findall(r":(\w+)@", url_of(monitored.stack, "postgres"))]
    assert all(secret not in text for secret in secrets for text in given.values())


def test_the_secrets_are_kept_for_the_owner_only(monitored: Monitored) -> None:
    given = monitored.environment()
    for file, name in {
        "grafana-password": "GF_SECURITY_ADMIN_PASSWORD",
        "grafana-secret-key": "GF_SECURITY_SECRET_KEY",
        "grafana-token": "BEATLINE_GRAFANA_TOKEN",
        "grafana-database-password": "BEATLINE_GRAFANA_DATABASE_PASSWORD",
    }.items():
        path = monitored.stack.data / file
        assert path.stat().st_mode & 0o777 == 0o600
        assert given[name] == path.read_text().strip()
        assert given[name] not in monitored.stack.output
    assert str(monitored.stack.data / "grafana-password") in monitored.stack.output


def test_grafana_gets_the_database_that_the_stack_uses(monitored: Monitored) -> None:
    given = monitored.environment()
    url = urlsplit(url_of(monitored.stack, "postgres"))
    assert given["BEATLINE_GRAFANA_DATABASE_HOST"] == f"{url.hostname}:{url.port}"
    assert given["BEATLINE_GRAFANA_DATABASE_NAME"] == url.path.removeprefix("/")
    assert given["BEATLINE_GRAFANA_DATABASE_SSLMODE"] == "disable"
    assert given["BEATLINE_GRAFANA_DATABASE_USER"] == "beatline_grafana"


def test_grafanas_role_reads_the_database_with_its_password(monitored: Monitored) -> None:
    given = monitored.environment()
    password = given["BEATLINE_GRAFANA_DATABASE_PASSWORD"]
    url = urlsplit(url_of(monitored.stack, "postgres"))
    as_grafana = url._replace(netloc=f"beatline_grafana:{password}@{url.hostname}:{url.port}").geturl()
    with psycopg.connect(as_grafana) as connection:
        assert connection.execute("select count(*) > 0 from events").fetchone() == (True,)


def test_the_collector_takes_alerts_with_grafanas_token(monitored: Monitored) -> None:
    token = monitored.environment()["BEATLINE_GRAFANA_TOKEN"]
    place = f"{monitored.stack.url}/webhooks/grafana"
    headers = {"Authorization": f"Bearer {token}"}
    assert monitored.client.post(place, json={}).status_code == 401
    assert monitored.client.post(place, json={}, headers=headers).json()["code"] != "unauthorized"


def url_of(stack: Stack, name: str) -> str:
    """The address of an embedded server, with its password."""
    return (stack.data / f"{name}.url").read_text().strip()
