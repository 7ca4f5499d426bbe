"""The files of grafana/provisioning/alerting: what they name exists, and Grafana can read them."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.models import alerting as models

from tests.grafana import alerting, boards, sdk_types
from tests.grafana.alerting import EXPRESSION, Rule

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = {
    "BEATLINE_COLLECTOR_URL": "http://collector:8000",
    "BEATLINE_GRAFANA_TOKEN": "a $SECRET with ${DOLLARS}",
    "SECRET": "leak",
    "DOLLARS": "leak",
}
RULES = alerting.rules(ENVIRONMENT)
SEVERITIES = {"page", "ticket", "note"}
RUNBOOKS = "{{ externalURL }}public/runbooks/"
SOURCES = {
    "beatline-timescaledb": "grafana-postgresql-datasource",
    "beatline-prometheus": "prometheus",
    EXPRESSION: EXPRESSION,
}
# The panel that a rule leads to, by its title: numbers alone would follow a panel that was replaced.
PANELS = {
    "ingestion-stopped": ("live", "Events per second"),
    "rejected-share": ("collector", "Events refused by reason"),
    "server-errors": ("service_levels", "Errors by route"),
    "latency-burn-fast": ("service_levels", "Burn rate, latency"),
    "latency-burn-slow": ("service_levels", "Burn rate, latency"),
    "spill-growing": ("collector", "Spill backlog"),
    "aggregates-stale": ("database", "Aggregates"),
    "disk-filling": ("workers", "Disk"),
    "dead-letters": ("workers", "Dead letters"),
    "active-users-drop": ("users", "Active users per hour"),
    "traffic-spike": ("events", "Events by type"),
}
each_rule = pytest.mark.parametrize("rule", RULES, ids=str)


def test_every_condition_has_one_rule_of_one_title() -> None:
    assert sorted(map(str, RULES)) == sorted(PANELS)
    assert len({rule.fields["title"] for rule in RULES}) == len(RULES)


def test_files_are_split_by_kind() -> None:
    """One kind of thing a file, and nothing that Grafana would not read."""
    kinds = {name: set(file) - {"apiVersion"} for name, file in alerting.files().items()}
    assert {name: kinds[name] for name in kinds if not name.startswith("rules-")} == {
        "contact_points.yml": {"contactPoints"},
        "policies.yml": {"policies"},
        "templates.yml": {"templates"},
    }
    assert all(kind == {"groups"} for name, kind in kinds.items() if name.startswith("rules-"))
    assert all(file["apiVersion"] == 1 for file in alerting.files().values())


@each_rule
def test_a_rule_is_of_the_sdks_type(rule: Rule) -> None:
    """As the API has it, whose names the SDK knows."""
    sdk_types.parse(models.Rule, as_api(rule))


def as_api(rule: Rule) -> dict[str, Any]:
    """A rule with what a file says of it elsewhere."""
    return rule.fields | {"orgID": 1, "folderUID": "made by Grafana", "ruleGroup": rule.group}


@pytest.mark.parametrize(
    "change",
    [
        {"noDataState": "Fine"},
        {"for": 5},
        {"labels": {"severity": 1}},
        {"dashboardUid": "beatline-live"},
        {"data": [{"model": {"datasource": {"type": "__expr__"}, "type": "threshold", "refId": 1}}]},
        {"data": [{"model": {"datasource": {"type": "prometheus"}, "expr": "up", "instant": "yes"}}]},
    ],
    ids=str,
)
def test_the_check_of_types_finds_mistakes(change: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        sdk_types.parse(models.Rule, as_api(RULES[0]) | change)


@each_rule
def test_a_rules_queries_name_their_data_source_alike(rule: Rule) -> None:
    for ref_id, query in rule.queries.items():
        source = {"type": SOURCES[query["datasourceUid"]], "uid": query["datasourceUid"]}
        assert query["model"]["datasource"] == source
        assert query["model"]["refId"] == ref_id
        if query["datasourceUid"] == EXPRESSION:
            assert "relativeTimeRange" not in query
        else:
            assert query["relativeTimeRange"]["from"] > query["relativeTimeRange"]["to"] == 0


def test_the_data_sources_are_provisioned() -> None:
    provisioned = {
        boards.datasource(name)["uid"]: boards.datasource(name)["type"]
        for name in ("timescaledb", "prometheus")
    }
    assert provisioned == {uid: kind for uid, kind in SOURCES.items() if uid != EXPRESSION}


@each_rule
def test_a_rules_condition_rests_on_queries_that_answer_numbers(rule: Rule) -> None:
    """A threshold over a query, or a calculation of several. Instant queries and tables need no reducing."""
    model = rule.condition["model"]
    assert rule.condition["datasourceUid"] == EXPRESSION
    assert model["type"] in ("threshold", "math")
    used = (
        {model["expression"]}
        if model["type"] == "threshold"
        else set(re.findall(r"\$(\w+)", model["expression"]))
    )
    assert used == set(rule.queries) - {rule.fields["condition"]}
    for query in (rule.queries[ref_id]["model"] for ref_id in used):
        assert query.get("format") == "table" or (query["instant"], query["range"]) == (True, False)


@each_rule
def test_a_rule_leads_to_its_panel(rule: Rule) -> None:
    name, title = PANELS[str(rule)]
    board = boards.boards()[name]
    numbers = [str(panel["id"]) for panel in boards.panels(board) if panel["title"] == title]

    annotations = rule.fields["annotations"]
    assert annotations["__dashboardUid__"] == board["uid"]
    assert annotations["__panelId__"] in numbers


@each_rule
def test_a_rule_leads_to_its_runbook(rule: Rule) -> None:
    url = rule.fields["annotations"]["runbook_url"]
    assert url == f"{RUNBOOKS}{rule}.md"
    runbook = (ROOT / "docs" / "runbooks" / f"{rule}.md").read_text()
    assert runbook.startswith("# ")
    assert "**Sign.**" in runbook
    assert rule.fields["title"] in runbook


@each_rule
def test_a_rule_says_what_to_do_and_when(rule: Rule) -> None:
    fields = rule.fields
    assert fields["labels"]["severity"] in SEVERITIES
    assert seconds(fields["for"]) % seconds(rule.interval) == 0
    assert seconds(rule.interval) % 10 == 0  # Grafana evaluates every ten seconds
    assert fields["noDataState"] in ("OK", "NoData")
    # An error that counts as OK would resolve an alert that fires.
    assert fields["execErrState"] == "Error"
    assert ".Values.A.Value" in fields["annotations"]["summary"]
    assert fields["annotations"]["description"]


def test_rules_have_a_folder_that_no_board_has() -> None:
    """Grafana makes the rules' folder before it reads the boards': of one name there would be two."""
    providers = yaml.safe_load((boards.PROVISIONING / "dashboards" / "dashboards.yml").read_text())[
        "providers"
    ]
    assert {rule.folder for rule in RULES} == {"Alerts"}
    assert "Alerts" not in {provider["folder"] for provider in providers}


@each_rule
def test_no_annotation_needs_a_dollar(rule: Rule) -> None:
    """Whether $ is expanded in annotations depends on the release; .Labels and .Values serve as well."""
    assert "$" not in json.dumps(rule.fields["annotations"])


def test_alerts_go_to_the_collector() -> None:
    (receiver,) = alerting.contact_points(ENVIRONMENT)

    sdk_types.parse(models.ContactPoint, receiver)
    settings = receiver["settings"]
    assert (receiver["name"], receiver["uid"], receiver["type"]) == (
        "Beatline",
        "beatline-webhook",
        "webhook",
    )
    assert receiver["disableResolveMessage"] is False
    assert settings["url"] == "http://collector:8000/webhooks/grafana"
    assert settings["authorization_scheme"] == "Bearer"
    # A secret may have a $ in it: it is expanded once.
    assert settings["authorization_credentials"] == ENVIRONMENT["BEATLINE_GRAFANA_TOKEN"]
    assert int(settings["maxAlerts"]) == 0  # all of them


def test_expansion_is_grafanas() -> None:
    environment = {"A": "1", "B": "$A"}
    texts = {"$A ${A} $$A $${A}": "1 1 $A ${A}", "$B": "$A", "${B}": "1", "$NOBODY.": ".", "5 $": "5 $"}
    assert {text: alerting.expand_text(text, environment) for text in texts} == texts


def test_policies_send_everything_to_the_contact_point() -> None:
    (policy,) = alerting.policies(ENVIRONMENT)
    (receiver,) = alerting.contact_points(ENVIRONMENT)

    tree = {key: value for key, value in policy.items() if key != "orgId"}
    sdk_types.parse(models.NotificationPolicy, tree)
    for route in [policy, *policy["routes"]]:
        assert route["receiver"] == receiver["name"]
        assert (
            seconds(route["group_wait"])
            < seconds(route["group_interval"])
            < seconds(route["repeat_interval"])
        )
        # Grafana's log of what was sent goes back five days.
        assert seconds(route["repeat_interval"]) <= 5 * 86400


@pytest.mark.parametrize("severity", sorted(SEVERITIES))
def test_each_severity_has_a_policy_and_rules(severity: str) -> None:
    (policy,) = alerting.policies(ENVIRONMENT)
    route = alerting.route_of(policy, {"severity": severity, "team": "any"})
    assert route["object_matchers"] == [["severity", "=", severity]]
    assert any(rule.fields["labels"]["severity"] == severity for rule in RULES)


def test_an_alert_without_severity_takes_the_root() -> None:
    (policy,) = alerting.policies(ENVIRONMENT)
    assert alerting.route_of(policy, {}) is policy


def test_templates_define_what_the_contact_point_uses() -> None:
    (receiver,) = alerting.contact_points(ENVIRONMENT)
    for template in alerting.templates():
        sdk_types.parse(models.NotificationTemplate, {key: template[key] for key in ("name", "template")})

    defined = re.findall(r'{{-? define "(.+?)"', "".join(each["template"] for each in alerting.templates()))
    used = re.findall(r'{{-? template "(.+?)"', json.dumps(receiver["settings"]).replace('\\"', '"'))
    assert set(used) == {"beatline.title", "beatline.message"}
    assert set(used) <= set(defined)


def test_a_message_says_what_fires_and_what_ended(tmp_path: Path) -> None:
    """Rendered by Alertmanager's own engine, of which Grafana's is a fork."""
    firing = {
        "status": "firing",
        "labels": {"alertname": "Ingestion stopped", "project": "shop"},
        "annotations": {
            "summary": "shop: silent",
            "description": "No events.",
            "runbook_url": "https://grafana/r.md",
        },
    }
    resolved = {"status": "resolved", "labels": firing["labels"], "annotations": {"summary": "blog: silent"}}
    broken = {
        "status": "firing",
        "labels": {"alertname": "DatasourceError"},
        "annotations": {"Error": "refused"},
    }
    data = {
        "status": "firing",
        "groupLabels": {"alertname": "Ingestion stopped"},
        "alerts": [firing, resolved, broken],
    }

    assert render("beatline.title", data, tmp_path) == "[FIRING 2] Ingestion stopped"
    assert render("beatline.message", data, tmp_path).splitlines() == [
        "shop: silent",
        "No events.",
        "Runbook: https://grafana/r.md",
        "",
        "DatasourceError",
        "Error: refused",
        "",
        "Resolved: blog: silent",
    ]


def test_a_message_of_the_end_says_so(tmp_path: Path) -> None:
    resolved = {"status": "resolved", "labels": {}, "annotations": {"summary": "blog: silent"}}
    data = {"status": "resolved", "groupLabels": {"alertname": "Ingestion stopped"}, "alerts": [resolved]}

    assert render("beatline.title", data, tmp_path) == "[RESOLVED] Ingestion stopped"
    assert render("beatline.message", data, tmp_path) == "Resolved: blog: silent"


def render(name: str, data: dict[str, Any], folder: Path) -> str:
    """A template of the files with the data of a notification."""
    for template in alerting.templates():
        (folder / f"{template['name']}.tmpl").write_text(template["template"])
    (folder / "data.json").write_text(json.dumps(data))
    command = ["amtool", "template", "render", f"--template.glob={folder}/*.tmpl"]
    command += [f"--template.data={folder}/data.json", f'--template.text={{{{ template "{name}" . }}}}']
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=30).stdout.strip()


def seconds(duration: str) -> int:
    """A duration as the files have it."""
    return int(duration[:-1]) * {"s": 1, "m": 60, "h": 3600}[duration[-1]]
