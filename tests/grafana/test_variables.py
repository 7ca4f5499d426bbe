"""Variables are resolved and written into statements as Grafana documents, and its own tests expect."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from psycopg import Connection

from tests.grafana.frames import STRING, Column, Frame
from tests.grafana.macros import TimeRange
from tests.grafana.variables import ALL, Value, Variable, VariableError, interpolate, names_in, resolve

DAY = TimeRange(datetime(2026, 3, 4, tzinfo=UTC), datetime(2026, 3, 5, tzinfo=UTC))
OPTIONS = [("a", "A"), ("b'c", "B"), ('d"', "D")]


def written(text: str, value: Value, **settings: Any) -> str:
    """A text with the variable host."""
    return interpolate(text, {"host": Variable("host", value, OPTIONS, **settings)}, DAY)


WAYS = ["$host", "[[host]]", "${host}"]
UNFORMATTED: list[tuple[Value, dict[str, Any], str]] = [
    ("server01", {}, "server01"),
    ("o'brien", {}, "o''brien"),
    ("server01", {"multi": True}, "'server01'"),
    ("o'brien", {"include_all": True}, "'o''brien'"),
    (["server01", "o'brien"], {"multi": True}, "'server01','o''brien'"),
    (ALL, {"include_all": True}, "'a','b''c','d\"'"),
    ([ALL], {"include_all": True, "multi": True}, "'a','b''c','d\"'"),
    (ALL, {"include_all": True, "all_value": "event_type"}, "event_type"),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("value", "settings", "expected"), UNFORMATTED)
def test_without_a_format_only_multiple_values_are_quoted(
    way: str, value: Value, settings: dict[str, Any], expected: str
) -> None:
    """Grafana quotes automatically only where there may be several values."""
    assert written(f"in ({way})", value, **settings) == f"in ({expected})"


FORMATTED: list[tuple[str, Value, str]] = [
    ("sqlstring", "test'value", "'test''value'"),
    ("sqlstring", ["test1", "test'value2"], "'test1','test''value2'"),
    ("sqlstring", 'say "hi"', "'say \\\"hi\\\"'"),
    ("singlequote", ["test1", "test'value2"], "'test1','test\\'value2'"),
    ("doublequote", ["test1", 'test"value2'], '"test1","test\\"value2"'),
    ("csv", ["test1", "test2"], "test1,test2"),
    ("raw", ["test1", "test2"], "test1,test2"),
    ("pipe", ["test1", "test2"], "test1|test2"),
    ("glob", ["test1", "test2"], "{test1,test2}"),
    ("percentencode", "a/b c'd", "a%2Fb%20c%27d"),
    ("queryparam", ["a b", "c"], "var-host=a%20b&var-host=c"),
]


@pytest.mark.parametrize(("style", "value", "expected"), FORMATTED)
def test_formats(style: str, value: Value, expected: str) -> None:
    """Those of formatRegistry.ts that a dashboard could use."""
    assert written(f"${{host:{style}}}", value) == expected


def test_all_in_each_format() -> None:
    """Every option, or the custom all value as it is; in links it stays All."""
    settings = {"include_all": True, "multi": True}
    assert written("${host:sqlstring}", ALL, **settings) == "'a','b''c','d\\\"'"
    assert written("${host:csv}", ALL, **settings, all_value="x'y") == "x'y"
    assert written("${host:sqlstring}", ALL, **settings, all_value="x'y") == "x'y"
    assert written("?${host:queryparam}", [ALL], **settings) == "?var-host=%24__all"
    assert written("${host:text}", [ALL], **settings) == "All"


def test_formats_that_nobody_knows_are_an_error() -> None:
    """Grafana falls back to glob, and the statement would be wrong."""
    with pytest.raises(VariableError, match="sqlstrng"):
        written("${host:sqlstrng}", "a")


def test_what_is_no_variable_stays() -> None:
    """Macros, dollar quotes and other boards' variables."""
    text = "$__timeFilter(ts) $other $1 $$ '$__interval'"
    assert written(text, "a") == text
    assert names_in("$__timeFilter(ts) $other ${project:sqlstring} [[user]] $1") == {
        "other",
        "project",
        "user",
    }


def test_the_time_range_in_links() -> None:
    """As variables-syntax documents: milliseconds, or a date."""
    assert written("$__from ${__to:date} ${__to:date:seconds}", "a") == (
        "1772582400000 2026-03-05T00:00:00.000Z 1772668800"
    )


@pytest.mark.parametrize(
    "text", ["'; select 1/0; --", "\\'; select 1/0; --", "''' || (1/0)::text || '", '"', "%_\\"]
)
def test_quoted_text_comes_back_as_it_was_typed(connection: Connection, text: str) -> None:
    """PostgreSQL reads a string with every quote in it; only a double quote gains Grafana's backslash."""
    statement = f"select {written('${host:sqlstring}', text)}, '{written('$host', text)}'"
    assert connection.execute(statement.encode()).fetchone() == (text.replace('"', '\\"'), text)


def board(*models: dict[str, Any]) -> dict[str, Any]:
    """A dashboard with variables."""
    return {"templating": {"list": list(models)}}


def asked(values: list[str]) -> Any:
    """A database whose answer to everything are these values."""
    return lambda *_: Frame([Column("type", STRING, values)] if values else [])


TYPE = {"type": "query", "name": "type", "query": "select 1", "current": {"value": ["$__all"]}, "multi": True}
PROJECT = {"type": "query", "name": "project", "query": "select 1"}
ONE = {"multi": False, "current": {"value": "z"}}
RESOLVED: list[tuple[dict[str, Any], list[str], dict[str, Value], Value]] = [
    (TYPE | {"includeAll": True}, ["a", "b"], {}, ["$__all"]),
    (TYPE | {"includeAll": True}, [], {}, "$__all"),
    (TYPE | {"includeAll": True}, [], {"type": ["a"]}, "$__all"),
    (TYPE | {"includeAll": True}, ["a", "b"], {"type": ["b", "z"]}, ["b"]),
    (TYPE | {"includeAll": True}, ["a", "b"], {"type": ["z"]}, ["a"]),
    (TYPE, ["a", "b"], {}, ["a"]),
    (TYPE, [], {}, []),
    (TYPE | ONE, ["a", "b"], {}, "a"),
    (TYPE | ONE, ["a", "b"], {"type": "b"}, "b"),
    (TYPE | ONE, [], {}, ""),
]


@pytest.mark.parametrize(("model", "values", "picked", "expected"), RESOLVED)
def test_values_are_validated_against_the_options(
    model: dict[str, Any], values: list[str], picked: dict[str, Value], expected: Value
) -> None:
    """MultiValueVariable.ts: what is gone falls back to the first option; without any, to All or nothing."""
    assert resolve(board(model), asked(values), picked)["type"].value == expected


def test_options_are_text_and_value_and_the_first_of_equal_texts_counts() -> None:
    """As documented for __text and __value; and a later query sees the earlier variable."""
    frame = Frame([Column("__text", STRING, ["x", "y", "x"]), Column("__value", STRING, ["1", "2", "3"])])
    variables = resolve(board(PROJECT), lambda *_: frame, {"project": "2"})
    assert variables["project"].options == [("1", "x"), ("2", "y")]
    assert variables["project"].value == "2"


def test_text_boxes_and_custom_lists() -> None:
    """A text box takes anything; a list is written with commas, texts before colons."""
    box = {"type": "textbox", "name": "user", "query": "", "current": {"value": ""}}
    custom = {"type": "custom", "name": "by", "query": "Hour : 1h, 1d", "current": {"value": "1d"}}
    variables = resolve(board(box, custom), asked([]), {"user": "o'brien"})
    assert variables["user"].value == "o'brien"
    assert variables["by"].options == [("1h", "Hour"), ("1d", "1d")]
    assert variables["by"].value == "1d"


@pytest.mark.parametrize("names", [["id", "name"], ["__text", "name"]])
def test_two_columns_need_their_names(names: list[str]) -> None:
    """Releases of Grafana differ in what they make of others."""
    frame = Frame([Column(name, STRING, ["1"]) for name in names])
    with pytest.raises(VariableError, match="__text and __value"):
        resolve(board(PROJECT), lambda *_: frame)
