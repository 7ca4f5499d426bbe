"""Every alert rule that asks Prometheus, driven to firing and to normal by series that look like ours.

Prometheus evaluates the queries (promtool), over our own recording rules. What Grafana adds to a query is a
comparison: tests/grafana/alerting.py writes it as Prometheus' alert rule.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.grafana import alerting

ROOT = Path(__file__).resolve().parents[2]
RULES = {str(rule): rule for rule in alerting.rules() if rule.asks("beatline-prometheus")}
RECORDED = str(ROOT / "prometheus" / "rules" / "service_levels.yml")
COLLECTOR = 'instance="collector:8000", job="collector"'
WORKERS = 'instance="workers:8002", job="workers"'
SCHEDULER = 'instance="scheduler:8002", job="workers"'
GIB = 2**30

Alert = tuple[dict[str, str], str]  # labels beside the severity, and the summary


@dataclass(frozen=True)
class Case:
    """What a rule makes of series: at each time, in minutes, the alerts that fire. A sample a minute."""

    series: dict[str, str]
    alerts: dict[int, list[Alert]]
    data: bool = True  # whether the queries answer anything at the last of these times


def requests(status: int, rate: str, slow: str | None = None) -> dict[str, str]:
    """Ingest requests a minute of a status, promtool's notation; slow: those that take more than 0.1 s."""
    labels = f'{COLLECTOR}, source="track", route="/track", status="{status}"'
    series = {f"beatline_ingest_request_seconds_count{{{labels}}}": rate}
    if slow is not None:
        series[f'beatline_ingest_request_seconds_bucket{{{labels}, le="0.1"}}'] = slow
    return series


def events(outcome: str, source: str, rate: str) -> dict[str, str]:
    """Events a minute of a source."""
    reason = ', reason="schema"' if outcome == "rejected" else ""
    return {f'beatline_events_{outcome}_total{{{COLLECTOR}, source="{source}"{reason}}}': rate}


def spill(batches: str, *instances: str) -> dict[str, str]:
    """Batches in the spill, which each process of the workers tells."""
    return {f"beatline_spill_batches{{{labels}}}": batches for labels in instances or (WORKERS, SCHEDULER)}


def disk(free: str) -> dict[str, str]:
    """Free GiB of 100, which both see on one machine."""
    return {
        f"beatline_disk_{name}_bytes{{{labels}}}": values
        for labels in (WORKERS, SCHEDULER)
        for name, values in (("free", free), ("size", f"{100 * GIB}x500"))
    }


def gib(start: float, step: float, steps: int) -> str:
    """GiB that change evenly."""
    return f"{int(start * GIB)}{int(step * GIB):+}x{steps}"


def dead_letters(queue: str, values: str) -> dict[str, str]:
    """Dead letters of a queue."""
    return {f'beatline_dead_letters{{{labels}, queue="{queue}"}}': values for labels in (WORKERS, SCHEDULER)}


ALL_OF_BATCH = ({"source": "batch"}, "100% of the events by batch are rejected")
THREE_FAILED = ({"queue": "maintenance"}, "3 jobs of the queue maintenance failed in the last hour")
SLOW = "Answers are slow: the latency budget burns {} times as fast as it may"
SLOW_FOR_HOURS = "Answers have been slow for hours: the latency budget burns {} times as fast as it may"
UP = {f"up{{{COLLECTOR}}}": "1x500"}
IDLE = requests(202, "100x500", "100x500")
CASES: dict[str, dict[str, Case]] = {
    "rejected-share": {
        "one source of two": Case(
            events("accepted", "track", "0+1000x60")
            | events("accepted", "segment", "0+90x60")
            | events("rejected", "segment", "0+10x60"),
            # Fewer than ten after a minute, and then five more minutes have to pass.
            {5: [], 30: [({"source": "segment"}, "10% of the events by segment are rejected")]},
        ),
        "nothing was ever accepted": Case(
            events("rejected", "batch", "0+10x60"),
            {30: [ALL_OF_BATCH]},
        ),
        "few": Case(
            events("accepted", "track", "0+100x60") | events("rejected", "track", "0+4x60"), {30: [], 60: []}
        ),
        "a mistake at night": Case(
            events("accepted", "track", "0x60") | events("rejected", "track", "0x20 1+0x40"), {30: []}
        ),
        "mended": Case(
            events("rejected", "batch", "0+10x30 300x60"), {30: [ALL_OF_BATCH], 60: []}, data=False
        ),
        "idle": Case(
            events("accepted", "track", "5x60") | events("rejected", "track", "5x60"), {30: []}, data=False
        ),
        "never rejected": Case(events("accepted", "track", "0+100x60"), {30: []}, data=False),
    },
    "server-errors": {
        "one in fifty": Case(
            UP | requests(202, "0+98x60") | requests(500, "0+2x60"),
            {4: [], 20: [({}, "2% of the ingest requests end in a server error")]},
        ),
        "one in two hundred": Case(
            UP | requests(202, "0+199x60") | requests(503, "0+1x60"), {20: [], 60: []}
        ),
        "mended": Case(
            UP | requests(202, "0+98x90") | requests(500, "0+2x30 60x60"),
            {30: [({}, "2% of the ingest requests end in a server error")], 45: []},
        ),
        "refused by a rate limit": Case(
            UP
            | requests(202, "0+90x60")
            | requests(503, "0+10x60")
            | {f'beatline_rate_limited_total{{{COLLECTOR}, limit="ip"}}': "0+10x60"},
            {20: [], 60: []},
        ),
        "idle": Case(UP | IDLE, {30: []}),
        "just installed": Case(UP, {30: []}),
        "restarted": Case({f"up{{{COLLECTOR}}}": "1x29 0 1x30"}, {30: []}, data=True),
        "gone": Case({f"up{{{COLLECTOR}}}": "1x20 0x40"}, {60: []}, data=False),
    },
    "latency-burn-fast": {
        "a fifth is slow": Case(
            requests(202, "0+100x120", "0+80x120"),
            {120: [({}, SLOW.format("20.0"))]},
        ),
        "a tenth is slow": Case(requests(202, "0+100x120", "0+90x120"), {120: []}),
        "it was slow for ten minutes": Case(
            requests(202, "0+100x120", "0+100x80 8020+20x9 8300+100x30"), {85: [], 100: [], 120: []}
        ),
        "it was slow for an hour and is quick again": Case(
            requests(202, "0+100x200", "0+70x100 7100+100x100"),
            {100: [({}, SLOW.format("30.0"))], 110: []},
        ),
        "errors count elsewhere": Case(
            requests(202, "0+50x120", "0+50x120") | requests(500, "0+50x120", "0x120"), {120: []}
        ),
        "idle": Case(IDLE, {120: []}, data=False),
    },
    "latency-burn-slow": {
        "a tenth is slow for hours": Case(
            requests(202, "0+100x420", "0+90x420"),
            {
                10: [],
                400: [({}, SLOW_FOR_HOURS.format("10.0"))],
            },
        ),
        "one in twenty is slow": Case(requests(202, "0+100x420", "0+95x420"), {400: []}),
        "quick again": Case(requests(202, "0+100x480", "0+80x400 32100+100x80"), {480: []}),
        "idle": Case(IDLE, {400: []}, data=False),
    },
    "spill-growing": {
        "the database is away": Case(
            spill("0x10 1+5x50"),
            {11: [], 30: [({}, "96 batches wait in the spill, and they do not get fewer")]},
        ),
        "stuck": Case(spill("7x60"), {30: [({}, "7 batches wait in the spill, and they do not get fewer")]}),
        "drained": Case(spill("0x10 1+50x10 501-25x20 0x20"), {15: [], 30: [], 40: [], 60: []}),
        "a short absence": Case(spill("0x10 1 2 3 0x40"), {13: [], 20: [], 30: []}),
        "empty": Case(spill("0x60"), {30: []}),
        "the workers restart": Case(spill("0x28 _ _ 0x30", WORKERS), {30: []}),
        "the workers are gone": Case(spill("0x20"), {40: []}, data=False),
    },
    "disk-filling": {
        "nearly full": Case(disk(gib(9, 0, 60)), {5: [], 30: [({}, "9% of the disk is free")]}),
        "full in some hours": Case(
            disk(gib(45, -0.05, 420)), {10: [], 400: [({}, "25% of the disk is free")]}
        ),
        "much room, and an import": Case(disk(gib(90, -0.1, 420)), {400: []}),
        "enough for days": Case(disk(gib(35, -0.01, 420)), {400: []}),
        "steady": Case(disk(gib(15, 0, 420)), {400: []}),
        "no data": Case({}, {30: []}, data=False),
    },
    "dead-letters": {
        "of one queue": Case(
            dead_letters("maintenance", "5x10 8x90") | dead_letters("imports", "0x100"),
            {5: [], 20: [THREE_FAILED], 65: [THREE_FAILED], 75: []},
        ),
        "cleared": Case(dead_letters("maintenance", "0x10 3x10 0x40"), {15: [THREE_FAILED], 40: []}),
        "the workers restart": Case(dead_letters("maintenance", "0x10 3x10 _x5 3x20"), {23: [THREE_FAILED]}),
        "old ones": Case(dead_letters("maintenance", "7x60"), {30: []}),
        "none": Case(dead_letters("maintenance", "0x60"), {30: []}),
    },
}


@pytest.mark.parametrize("uid", CASES)
def test_a_rule_is_in_the_state_that_the_series_say(uid: str, tmp_path: Path) -> None:
    """Where a case has data, each query answers numbers: a NaN would fire in Grafana's calculations. Where it
    has none, none answers: Grafana takes the rule's noDataState."""
    rule = alerting.as_prometheus(RULES[uid])
    cases = [as_test(name, rule, case) for name, case in CASES[uid].items()]
    promtool(rule, RULES[uid].interval, cases, tmp_path)


def as_test(name: str, rule: dict[str, Any], case: Case) -> dict[str, Any]:
    """A case in promtool's form."""
    alerts = [
        {
            "eval_time": f"{minute}m",
            "alertname": rule["alert"],
            "exp_alerts": [expected(rule, labels, summary) for labels, summary in firing],
        }
        for minute, firing in case.alerts.items()
    ]
    queries = [query["model"] for query in RULES[rule["alert"]].fields["data"] if "expr" in query["model"]]
    numbers = [
        {
            "eval_time": f"{max(case.alerts)}m",
            "expr": f"count(({query['expr']}) == ({query['expr']})) ^ 0",  # NaN does not equal itself
            "exp_samples": [{"labels": "{}", "value": 1}] if case.data else [],
        }
        for query in queries
    ]
    series = [{"series": series, "values": values} for series, values in case.series.items()]
    tests = {"alert_rule_test": alerts, "promql_expr_test": numbers}
    return {"name": name, "interval": "1m", "input_series": series} | tests


def expected(rule: dict[str, Any], labels: dict[str, str], summary: str) -> dict[str, Any]:
    """An alert of a rule as promtool shall find it."""
    annotations = rule["annotations"] | {"summary": summary}
    return {"exp_labels": rule["labels"] | labels, "exp_annotations": annotations}


def promtool(rule: dict[str, Any], interval: str, cases: list[dict[str, Any]], folder: Path) -> None:
    """Run cases of a rule of Prometheus."""
    groups = {"groups": [{"name": "Grafana's", "interval": interval, "rules": [rule]}]}
    (folder / "rules.yml").write_text(yaml.safe_dump(groups))
    recorded = [RECORDED] if "slo:" in rule["expr"] else []  # they take most of the time
    suite = {"rule_files": [*recorded, "rules.yml"], "evaluation_interval": "1m", "tests": cases}
    (folder / "tests.yml").write_text(json.dumps(suite))
    command = ["promtool", "test", "rules", str(folder / "tests.yml")]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("uid", "label", "value", "summary"),
    [
        ("ingestion-stopped", "project", 14.6, "shop: no event for 15 minutes"),
        ("active-users-drop", "project", 51.2, "shop: 51 % fewer active users than a week ago"),
        ("traffic-spike", "project", 3.14, "shop: 3.1 times as many events as usual"),
        ("aggregates-stale", "aggregate", 600, "shop is 10m 0s behind and off by 600 events"),
    ],
)
def test_a_rule_of_the_database_says_what_is_wrong(
    uid: str, label: str, value: float, summary: str, tmp_path: Path
) -> None:
    """Its annotations are templates of Prometheus as well, where all values are one."""
    (found,) = [each for each in alerting.rules() if str(each) == uid]
    rule = alerting.as_prometheus(found) | {
        "expr": f'label_replace(vector({value}), "{label}", "shop", "", "")'
    }
    alert = expected(rule, {label: "shop"}, summary)
    test = {"eval_time": "30m", "alertname": uid, "exp_alerts": [alert]}
    promtool(rule, found.interval, [{"interval": "1m", "alert_rule_test": [test]}], tmp_path)


def test_every_rule_of_prometheus_has_a_case_that_fires_and_one_that_does_not() -> None:
    assert set(CASES) == set(RULES)
    for uid, cases in CASES.items():
        fired = {bool(alerts) for case in cases.values() for alerts in case.alerts.values()}
        assert fired == {True, False}, uid
