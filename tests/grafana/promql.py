"""Every PromQL expression of the repository, as Grafana or Prometheus sends it, and the metrics it names.

Source of the rules: Grafana's documentation of the Prometheus data source (template variables), and
grafana/grafana, packages/grafana-prometheus/src (datasource.ts: intervals; escaping.ts: values of variables).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import promql_parser
import yaml

from tests.grafana import alerting
from tests.grafana.boards import POINTS, Json, boards, datasource, default_range, panels, rounded, source_of
from tests.grafana.macros import TimeRange, parse_interval
from tests.grafana.variables import ALL, declared, interpolate

PROMETHEUS = "prometheus"
FOLDER = Path(__file__).resolve().parents[2] / "prometheus"
LABEL_VALUES = re.compile(r"label_values\((.+), *(\w+)\)")
SPECIAL = re.compile(r"[$^*{}\[\]+?.()|]")
NOW = datetime(2026, 1, 2, tzinfo=UTC)
CHOSEN = {"instance": ["127.0.0.1:8000", "127.0.0.1:8002"], "source": ["batch", "track"]}


@dataclass(frozen=True)
class Expression:
    """An expression ready to be sent, and where it is: board-panel-refId, a rule's name or uid."""

    where: str
    text: str

    def __str__(self) -> str:
        """Where it is."""
        return self.where


def expressions() -> list[Expression]:
    """All of them; those of boards with All chosen in every variable, and with some values chosen."""
    return [*of_boards(), *of_variables(), *of_recording_rules(), *of_alert_rules()]


def of_boards() -> list[Expression]:
    """Every target of every panel, once for each choice."""
    return [
        Expression(f"{name}-{panel['id']}-{target['refId']} {choice}", expand(text, board, panel, choice))
        for name, board in boards().items()
        for panel in panels(board)
        for target in panel.get("targets") or []
        if source_of(panel, target).get("type") == PROMETHEUS and (text := target["expr"])
        for choice in ("all", "some")
    ]


def of_variables() -> list[Expression]:
    """The selectors of variables that list a label's values."""
    return [
        Expression(f"{name}-${model['name']}", match[1])
        for name, board in boards().items()
        for model in prometheus_variables(board)
        if (match := LABEL_VALUES.fullmatch(model["query"]["query"]))
    ]


def prometheus_variables(board: Json) -> list[Json]:
    """The variables of a board that Prometheus answers."""
    declarations = (board.get("templating") or {}).get("list") or []
    return [model for model in declarations if (model.get("datasource") or {}).get("type") == PROMETHEUS]


def of_recording_rules() -> list[Expression]:
    """What is recorded, in the order of the files."""
    return [Expression(rule["record"], rule["expr"]) for rule in recording_rules()]


def recording_rules() -> list[Json]:
    """Every rule of prometheus/rules."""
    return [
        rule
        for path in sorted((FOLDER / "rules").glob("*.yml"))
        for group in yaml.safe_load(path.read_text())["groups"]
        for rule in group["rules"]
    ]


def of_alert_rules() -> list[Expression]:
    """Every query of Grafana's alert rules that Prometheus answers."""
    return [
        Expression(f"{rule}-{ref_id}", query["model"]["expr"])
        for rule in alerting.rules()
        for ref_id, query in rule.queries.items()
        if "expr" in query["model"]
    ]


def expand(text: str, board: Json, panel: Json, choice: str) -> str:
    """A panel's expression with the board's variables and Grafana's own."""
    variables = {}
    for model in prometheus_variables(board):
        variable = declared(model)
        some = "(" + "|".join(escaped(each) for each in CHOSEN[variable.name]) + ")"
        variables[variable.name] = replace(variable, value=ALL if choice == "all" else some)
    time_range = default_range(board, NOW)
    return interpolate(own(text, panel, time_range), variables, time_range, "raw")


def escaped(value: str) -> str:
    """A value in a regular expression within a string of PromQL."""
    return SPECIAL.sub(lambda match: rf"\\{match[0]}", value.replace("\\", r"\\\\"))


def own(text: str, panel: Json, time_range: TimeRange) -> str:
    """Grafana's own variables: $__range, $__interval, $__rate_interval."""
    scrape = parse_interval(datasource(PROMETHEUS)["jsonData"]["timeInterval"])
    length = time_range.end - time_range.start
    least = parse_interval(panel["interval"]) if panel.get("interval") else scrape
    interval = max(least, rounded(length / (panel.get("maxDataPoints") or POINTS)))
    values = {"range": length, "rate_interval": max(interval + least, 4 * least), "interval": interval}
    for name, value in values.items():
        text = re.sub(rf"\$__{name}\b|\$\{{__{name}\}}", seconds(value), text)
    return text


def seconds(length: timedelta) -> str:
    """A duration as PromQL has it."""
    return f"{length.total_seconds():.0f}s"


def metrics_of(expression: str) -> set[str]:
    """The names of the metrics that an expression selects. Raises ValueError: it does not parse."""
    found: set[str] = set()

    def note(node: object) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            assert node.name, f"a selector without a name: {node}"
            found.add(node.name)

    promql_parser.walk(promql_parser.parse(expression), note)
    return found
