"""What Grafana makes of grafana/provisioning/alerting: rules, their states, and where they are sent.

Source of the rules: grafana/grafana, pkg/services/provisioning/alerting (which fields it reads, and which of
them it expands), pkg/services/provisioning/values (how), pkg/expr (converter.go: rows to numbers;
threshold.go) and pkg/services/ngalert/eval (numbers to states).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from tests.grafana.boards import PROVISIONING, Json
from tests.grafana.frames import NUMBER, STRING, Frame

ALERTING = PROVISIONING / "alerting"
EXPRESSION = "__expr__"
NORMAL, FIRING = "Normal", "Alerting"
GRAFANA = "https://grafana.example/"  # Grafana's externalURL ends in a slash
BRACED, BARE = re.compile(r"\$\{(\w+)\}"), re.compile(r"\$(\w+)")

VALUE = re.compile(r"\.Values\.\w+\.Value")

Labels = frozenset[tuple[str, str]]
Environment = Mapping[str, str]


class EvaluationError(Exception):
    """A result that Grafana cannot evaluate: the rule goes into its execErrState."""


@dataclass(frozen=True)
class Rule:
    """A rule with what its group says."""

    group: str
    folder: str
    interval: str
    fields: Json

    def __str__(self) -> str:
        """Its uid."""
        return str(self.fields["uid"])

    @property
    def queries(self) -> dict[str, Json]:
        """Queries and expressions by refId."""
        return {query["refId"]: query for query in self.fields["data"]}

    @property
    def condition(self) -> Json:
        """The expression that decides."""
        return dict(self.queries[self.fields["condition"]])

    def asks(self, datasource: str) -> bool:
        """Whether a query goes to a data source."""
        return any(query["datasourceUid"] == datasource for query in self.fields["data"])


def files() -> dict[str, Json]:
    """Each file of the folder by name, unexpanded."""
    return {path.name: yaml.safe_load(path.read_text()) for path in sorted(ALERTING.iterdir())}


def expand(value: Any, environment: Environment) -> Any:
    """Strings with the variables of the environment, anywhere in a value; $$ is a $."""
    if isinstance(value, dict):
        return {key: expand(each, environment) for key, each in value.items()}
    if isinstance(value, list):
        return [expand(each, environment) for each in value]
    return expand_text(value, environment) if isinstance(value, str) else value


def expand_text(text: str, environment: Environment) -> str:
    """Braces first, then what the result has of both, as Grafana does."""

    def read(match: re.Match[str]) -> str:
        return environment.get(match[1], "")

    parts = (BRACED.sub(read, part) for part in text.split("$$"))
    return "$".join(BARE.sub(read, BRACED.sub(read, part)) for part in parts)


def rules(environment: Environment | None = None) -> list[Rule]:
    """Every rule as Grafana reads it: annotations and models of queries are taken as they stand."""
    return [
        Rule(group["name"], group["folder"], group["interval"], read_rule(fields, environment or {}))
        for file in files().values()
        for group in file.get("groups", [])
        for fields in group["rules"]
    ]


def read_rule(fields: Json, environment: Environment) -> Json:
    """The fields of a rule."""
    expanded: Json = expand(fields, environment)
    models = [
        {**query, "model": raw["model"]} for query, raw in zip(expanded["data"], fields["data"], strict=True)
    ]
    return expanded | {"annotations": fields["annotations"], "data": models}


def contact_points(environment: Environment) -> list[Json]:
    """Every receiver, with the name of its contact point."""
    return [
        expand({"name": point["name"], **receiver}, environment)
        for file in files().values()
        for point in file.get("contactPoints", [])
        for receiver in point["receivers"]
    ]


def policies(environment: Environment | None = None) -> list[Json]:
    """Every tree of policies."""
    found = [policy for file in files().values() for policy in file.get("policies", [])]
    return [expand(policy, environment or {}) for policy in found]


def templates() -> list[Json]:
    """Every group of message templates, taken as it stands."""
    return [template for file in files().values() for template in file.get("templates", [])]


def route_of(policy: Json, labels: Mapping[str, str]) -> Json:
    """The policy that an alert takes: the first one that matches, inside its parent. Ours match by =."""
    for route in policy.get("routes", []):
        matchers = route["object_matchers"]
        assert all(operator_ == "=" for _, operator_, _ in matchers), matchers
        if all(labels.get(name) == value for name, _, value in matchers):
            return route_of(route, labels)
    return policy


def numbers(frame: Frame) -> dict[Labels, float]:
    """A table as the expressions take it: a number a row, labelled by its text.

    Raises EvaluationError: not exactly one column of numbers, columns of other kinds, a null number, or rows
    that no label tells apart.
    """
    values = frame.of_kind(NUMBER)
    texts = frame.of_kind(STRING)
    if frame.length and (len(values) != 1 or len(values) + len(texts) != len(frame.columns)):
        raise EvaluationError(f"no table of numbers: {[(each.name, each.kind) for each in frame.columns]}")
    found: dict[Labels, float] = {}
    for row in range(frame.length):
        labels = frozenset((text.name, text.values[row] or "") for text in texts)
        if labels in found or values[0].values[row] is None:
            raise EvaluationError(f"null, or twice: {dict(labels)}")
        found[labels] = values[0].values[row]
    return found


def states(rule: Rule, found: Mapping[str, Mapping[Labels, float]]) -> dict[Labels, str]:
    """The state of each alert instance of a rule, from what its queries answered by refId.

    When one has no row, the rule has one instance, in its noDataState. Queries answer the same labels here.
    """
    if not all(found.values()):
        state = rule.fields["noDataState"]
        return {frozenset(): NORMAL if state == "OK" else state}
    compare = as_python(rule)
    values = zip(
        *(sorted(answer.items(), key=lambda item: sorted(item[0])) for answer in found.values()), strict=True
    )
    result: dict[Labels, str] = {}
    for row in values:
        (labels,) = {labels for labels, _ in row}
        fires = eval(compare, {ref: value for ref, (_, value) in zip(found, row, strict=True)})  # noqa: S307
        result[labels] = FIRING if fires else NORMAL
    return result


def comparison(rule: Rule) -> str:
    """The condition as a calculation: $A > 10."""
    model = rule.condition["model"]
    if model["type"] == "math":
        return str(model["expression"])
    evaluator = model["conditions"][0]["evaluator"]
    sign = {"gt": ">", "lt": "<"}[evaluator["type"]]
    return f"${model['expression']} {sign} {evaluator['params'][0]}"


def as_python(rule: Rule) -> str:
    """The condition in Python, on variables named like the queries."""
    return comparison(rule).replace("$", "").replace("&&", "and").replace("||", "or")


def as_prometheus(rule: Rule) -> Json:
    """A rule of PromQL queries as one of Prometheus, which has the value of query A, as .Values.A.Value has.

    Grafana's && and || are PromQL's and and or here: the queries answer one number without labels each. They
    differ for NaN, which fires in Grafana; so no query may answer it.
    """
    expression = comparison(rule).replace("&&", "and").replace("||", "or")
    for ref, query in rule.queries.items():
        if "expr" in query["model"]:
            expression = expression.replace(f"${ref} ", f"({query['model']['expr'].strip()}) ")
    return {
        "alert": str(rule),
        "expr": expression,
        "for": rule.fields["for"],
        "labels": rule.fields["labels"],
        "annotations": {name: as_prometheus_template(text) for name, text in shown(rule)},
    }


def shown(rule: Rule) -> Iterator[tuple[str, str]]:
    """The annotations that people see."""
    return ((name, text) for name, text in rule.fields["annotations"].items() if not name.startswith("__"))


def as_prometheus_template(text: str) -> str:
    """An annotation as a template of Prometheus: it differs in the values, and promtool has no address."""
    return VALUE.sub(".Value", text).replace("{{ externalURL }}", GRAFANA)
