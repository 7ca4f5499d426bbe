"""Dashboards' variables, resolved and put into statements as Grafana's browser side does.

Source of the rules: grafana/scenes, packages/scenes/src/variables (constants.ts: how a variable is written;
formatRegistry.ts: the formats; MultiValueVariable.ts: All, and values that are no longer among the options)
and grafana/grafana, packages/grafana-sql/src/datasource/SqlDatasource.ts (a variable without a format).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from tests.grafana.frames import Frame
from tests.grafana.macros import TimeRange

VARIABLE = re.compile(r"\$(\w+)|\[\[(\w+?)(?::(\w+))?\]\]|\$\{(\w+)(?:\.([^:^}]+))?(?::([^}]+))?\}")
ALL = "$__all"
Value = str | list[str]
Options = list[tuple[str, str]]  # (value, text)
Choices = Mapping[str, Value]


class VariableError(Exception):
    """A variable that this file, or Grafana, cannot resolve."""


@dataclass(frozen=True)
class Variable:
    """A variable with its value: a text, several, or All."""

    name: str
    value: Value
    options: Options = field(default_factory=list)
    multi: bool = False
    include_all: bool = False
    all_value: str = ""

    @property
    def is_all(self) -> bool:
        """Whether All is chosen."""
        return self.value == ALL or (isinstance(self.value, list) and self.value[:1] == [ALL])

    def rendered(self, style: str, unformatted: str) -> str:
        """The value in a format. A custom all value goes in as it is, whatever the format."""
        if self.is_all and style == "queryparam":
            return f"var-{self.name}={percent_encoded(ALL)}"
        if self.is_all and style == "text":
            return "All"
        if self.is_all and self.all_value:
            return self.all_value
        value = [option for option, _ in self.options] if self.is_all else self.value
        if style:
            return formatted(value, style, self.name)
        return self.sql(value) if unformatted == "sql" else formatted(value, unformatted, self.name)

    def sql(self, value: Value) -> str:
        """Without a format, a SQL data source quotes values of which there may be several, and no others."""
        if isinstance(value, list):
            return ",".join(literal(each) for each in value)
        return literal(value) if self.multi or self.include_all else value.replace("'", "''")


def interpolate(
    text: str, variables: Mapping[str, Variable], time_range: TimeRange, unformatted: str = "sql"
) -> str:
    """Replace every variable; what is no variable (a macro, say) stays.

    unformatted: how values without a format are shown; "sql" in statements, "glob" in titles and links.
    """

    def replacement(match: re.Match[str]) -> str:
        name, style = match[1] or match[2] or match[4], match[3] or match[6] or ""
        if name in ("__from", "__to"):
            return moment(time_range.start if name == "__from" else time_range.end, style)
        return variables[name].rendered(style, unformatted) if name in variables else match[0]

    return VARIABLE.sub(replacement, text)


def names_in(text: str) -> set[str]:
    """The variables that a text refers to; macros and Grafana's own ($__…) are not among them."""
    names = {match[1] or match[2] or match[4] for match in VARIABLE.finditer(text)}
    return {name for name in names if not name.startswith("__") and not name.isdigit()}


def formatted(value: Value, style: str, name: str = "") -> str:
    """A value in one of Grafana's formats. Raises VariableError: a format that nobody here uses."""
    values = value if isinstance(value, list) else [value]
    if style not in FORMATS:
        raise VariableError(f"format {style} of {name}")
    return FORMATS[style](values, name)


def literal(text: str) -> str:
    """An SQL string."""
    return "'" + text.replace("'", "''") + "'"


def percent_encoded(text: str) -> str:
    """As JavaScript's encodeURIComponent, strictly by RFC 3986."""
    return quote(text, safe="-_.~")


def glob(values: list[str]) -> str:
    """{a,b}, or a alone."""
    return "{" + ",".join(values) + "}" if len(values) > 1 else ",".join(values)


# sqlstring gives a double quote a backslash, which PostgreSQL takes as part of the text. singlequote's
# backslash is no escape for PostgreSQL: statements must not use it.
FORMATS: dict[str, Callable[[list[str], str], str]] = {
    "sqlstring": lambda values, _: ",".join(literal(each).replace('"', '\\"') for each in values),
    "singlequote": lambda values, _: ",".join("'" + each.replace("'", "\\'") + "'" for each in values),
    "doublequote": lambda values, _: ",".join('"' + each.replace('"', '\\"') + '"' for each in values),
    "csv": lambda values, _: ",".join(values),
    "raw": lambda values, _: ",".join(values),
    "text": lambda values, _: " + ".join(values),
    "pipe": lambda values, _: "|".join(values),
    "glob": lambda values, _: glob(values),
    "percentencode": lambda values, _: percent_encoded(glob(values)),
    "queryparam": lambda values, name: "&".join(f"var-{name}={percent_encoded(each)}" for each in values),
}


def moment(at: datetime, style: str) -> str:
    """${__from} and ${__to}: milliseconds, or :date (ISO), :date:seconds."""
    if style in ("", "date:ms"):
        return str(int(at.timestamp() * 1000))
    if style in ("date", "date:iso"):
        return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if style == "date:seconds":
        return str(round(at.timestamp()))
    raise VariableError(f"date format {style}")


def resolve(
    board: Mapping[str, Any],
    run: Callable[[dict[str, Any], Mapping[str, Variable]], Frame],
    choices: Choices | None = None,
) -> dict[str, Variable]:
    """The variables of a dashboard (its JSON) with their values.

    run(variable's JSON, variables so far) runs the query of a variable. choices: what somebody picked, by
    name; what is not among the options falls back as in Grafana.
    """
    variables: dict[str, Variable] = {}
    for model in (board.get("templating") or {}).get("list", []):
        variable = declared(model)
        if model["type"] == "query":
            variable = replace(variable, options=options_of(run(model, variables)))
        chosen = (choices or {}).get(variable.name, variable.value)
        variables[variable.name] = replace(variable, value=chosen)
        if model["type"] in ("query", "custom"):
            variables[variable.name] = validated(variables[variable.name])
    return variables


def declared(model: Mapping[str, Any]) -> Variable:
    """A variable as its JSON has it, before its query ran."""
    current = (model.get("current") or {}).get("value") or ""
    if model["type"] in ("textbox", "constant"):
        return Variable(model["name"], str(model.get("query") or current))
    if model["type"] not in ("query", "custom", "interval") or model.get("regex"):
        raise VariableError(f"{model['name']} is of type {model['type']}, regex {model.get('regex')}")
    return Variable(
        model["name"],
        current,
        options=custom_options(model["query"]) if model["type"] == "custom" else [],
        multi=bool(model.get("multi")),
        include_all=bool(model.get("includeAll")),
        all_value=model.get("allValue") or "",
    )


def custom_options(query: str) -> Options:
    """The options of a custom variable: value, or text : value, with commas between."""
    pairs = [option.strip().rpartition(" : ") for option in query.split(",")]
    return [(value.strip(), text.strip() or value.strip()) for text, _, value in pairs]


def options_of(frame: Frame) -> Options:
    """(value, text) of each row: __text and __value, or one column. Of equal texts only the first counts."""
    names = [column.name for column in frame.columns]
    if not names:
        return []
    if {"__text", "__value"} <= set(names):
        texts, values = (frame.column(name).values for name in ("__text", "__value"))
    elif len(names) == 1:
        texts = values = frame.columns[0].values
    else:
        raise VariableError(f"a variable's query gives __text and __value, or one column, not {names}")
    options: dict[str, str] = {}
    for text, value in zip(texts, values, strict=True):
        options.setdefault(shown(text), shown(value))
    return [(value, text) for text, value in options.items()]


def shown(value: object) -> str:
    """As JavaScript shows it."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def validated(variable: Variable) -> Variable:
    """Values that are not among the options fall back to the first one, or to All when there are none."""
    known = [value for value, _ in variable.options]
    if not known:
        nothing: Value = [] if variable.multi else ""
        return replace(variable, value=ALL if variable.include_all else nothing)
    if variable.is_all and variable.include_all:
        return variable
    if variable.multi:
        picked = variable.value if isinstance(variable.value, list) else [variable.value]
        return replace(variable, value=[value for value in picked if value in known] or known[:1])
    return variable if variable.value in known else replace(variable, value=known[0])
