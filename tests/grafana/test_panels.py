"""Every statement of every committed dashboard, run as Grafana runs it, on both engines.

The statements are parametrised from the JSON, so a new board is tested by being there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from beatline.storage.engine import POSTGRES, TIMESCALEDB
from grafana.__main__ import OPERATIONS
from tests.grafana.boards import Json, Target, boards, default_range, targets, variables
from tests.grafana.frames import NUMBER, TIME, TIME_SERIES, Frame
from tests.grafana.macros import TimeRange
from tests.grafana.reader import Reader, choices
from tests.grafana.seed import DAY, HOUR, NOW, QUIET
from tests.grafana.variables import VARIABLE, names_in

TARGETS = targets()
BY_PROJECT = [target for target in TARGETS if "project" in names_in(target.sql)]
READS_EVENTS = re.compile(r"\b(from|join)\s+(events|sessions|users|rejected|imports|pages)")
NEVER = TimeRange(datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 1, 2, tzinfo=UTC))
DAYS = TimeRange(NOW - 10 * DAY, NOW)
DRAWN = ("timeseries", "barchart", "stat", "gauge", "bargauge", "histogram", "heatmap", "geomap", "piechart")
OVER_TIME = ("timeseries", "heatmap", "state-timeline", "status-history")


def picked_by(target: Target) -> Iterator[str]:
    """The ways of picking values that make a difference to a target's statement."""
    used = names_in(target.sql)
    yield "as provisioned"
    for model in variables(boards()[target.board]):
        if model["name"] in used:
            yield from ("typed", "quoted") if model["type"] == "textbox" else ("one", "two")
            yield from ("all",) if model.get("includeAll") else ()


def text_boxes(target: Target) -> list[str]:
    """The text boxes whose text is in a target's statement."""
    models = variables(boards()[target.board])
    return [
        each["name"] for each in models if each["type"] == "textbox" and each["name"] in names_in(target.sql)
    ]


every_target = pytest.mark.parametrize("target", TARGETS, ids=str)
SETTINGS = [(target, setting) for target in TARGETS for setting in dict.fromkeys(picked_by(target))]


def test_statements_run_as_grafanas_role(reader: Reader) -> None:
    """Else nothing here would tell that it may read what boards need."""
    assert reader.frame("select current_user as name", DAYS).rows() == [("beatline_grafana",)]


@pytest.mark.parametrize(("target", "setting"), SETTINGS, ids=str)
def test_every_target_answers(reader: Reader, target: Target, setting: str) -> None:
    """Whatever is picked in the variables: a time where the panel needs one, numbers that are numbers."""
    time_range = default_range(boards()[target.board], NOW)
    frame = reader.answer(target, time_range, choices(reader, target.board, time_range, setting))
    assert_fits(frame, target)


# What the tests' servers may not have: pg_stat_statements, and on TimescaleDB sessions beside the only one.
WITHOUT_ROWS = {("database-40-A", POSTGRES), ("database-40-A", TIMESCALEDB), ("database-31-A", TIMESCALEDB)}


@every_target
def test_every_target_has_rows_of_seeded_events(reader: Reader, target: Target) -> None:
    """In the last ten days, with a user, a page and a session chosen where the board asks for one."""
    frames = [
        reader.answer(target, DAYS, choices(reader, target.board, DAYS, setting))
        for setting in ("as provisioned", "typed")
    ]
    assert any(frame.length for frame in frames) or (str(target), reader.engine) in WITHOUT_ROWS


@every_target
def test_every_target_answers_when_there_is_nothing(reader: Reader, target: Target) -> None:
    """In a time without events, where the variables have no values either."""
    assert_fits(reader.answer(target, NEVER), target)


@pytest.mark.parametrize("target", BY_PROJECT, ids=str)
def test_no_target_shows_events_of_another_project(reader: Reader, target: Target) -> None:
    """A project that never had an event has nothing to show but zeros."""
    frame = reader.answer(target, DAYS, {"project": str(QUIET)})
    numbers = [value for column in frame.of_kind(NUMBER) for value in column.values]
    assert not any(numbers), frame.rows()[:5]


@every_target
def test_whatever_reads_events_reads_those_of_a_project(target: Target) -> None:
    """On product boards. Operations look at all projects at once."""
    reads = READS_EVENTS.search(re.sub(r"--.*", "", target.sql))
    assert "project" in names_in(target.sql) or not reads or target.board in OPERATIONS


@pytest.mark.parametrize("target", [each for each in TARGETS if text_boxes(each)], ids=str)
def test_a_text_box_cannot_end_its_literal(reader: Reader, target: Target) -> None:
    """Whatever is typed stays text: were it a part of the statement, one of these would divide by zero."""
    time_range = default_range(boards()[target.board], NOW)
    for attack in ATTACKS:
        reader.answer(target, time_range, dict.fromkeys(text_boxes(target), attack))


ATTACKS = [
    "' || (1/0)::text || '",
    "\\' || (1/0)::text || '",
    "''' || (1/0)::text || '",
    "\"' || (1/0)::text || '\"",
    "'; select 1/0; --",
    "$$ || (1/0)::text || $$",
]


@every_target
def test_statements_leave_quoting_to_grafana(target: Target) -> None:
    """Each variable is an sqlstring, or Grafana's own: the other formats do not escape for PostgreSQL."""
    used = list(VARIABLE.finditer(target.sql))
    wrong = [each[0] for each in used if is_variable(each[0], target) and ":sqlstring}" not in each[0]]
    assert not wrong


def is_variable(reference: str, target: Target) -> bool:
    """Whether a reference is to one of the board's variables."""
    return bool(names_in(reference) & {model["name"] for model in variables(boards()[target.board])})


@every_target
def test_comments_have_no_macros(target: Target) -> None:
    """Some releases of Grafana expand macros in comments, others take comments out first."""
    assert "$" not in "".join(re.findall(r"--.*", target.sql))


@every_target
def test_only_events_of_the_time_range_are_read(reader: Reader, target: Target) -> None:
    """However many days there are, the partitions of days outside of the range stay closed."""
    day = TimeRange(NOW - 3 * HOUR, NOW)
    for picked in (None, choices(reader, target.board, day, "typed")):
        opened = list(opened_days(reader, reader.plan(target, day, picked)))
        assert all(start < NOW + HOUR and end > NOW - DAY for start, end in opened), opened


# What no aggregate keeps: the event itself, where it happened, who viewed one page.
RAW = {
    "events-4-A",
    "users-15-A",
    "places-1-A",
    "places-1-B",
    "places-2-A",
    "places-4-A",
    "pages-5-A",
    "pages-7-A",
}


@pytest.mark.parametrize("target", [each for each in TARGETS if str(each) in RAW], ids=str)
def test_what_must_read_raw_events_does(reader: Reader, target: Target) -> None:
    """RAW holds no target without need, and plans show what they open."""
    picked = choices(reader, target.board, DAYS, "typed")
    assert len(set(opened_days(reader, reader.plan(target, DAYS, picked)))) > 2


def test_the_targets_that_read_raw_events_are_there() -> None:
    """None of RAW is gone or misspelt."""
    assert {str(target) for target in TARGETS} >= RAW


@pytest.mark.parametrize("target", [each for each in TARGETS if str(each) not in RAW], ids=str)
def test_history_is_read_from_aggregates(reader: Reader, target: Target) -> None:
    """Weeks of raw events are read only where no aggregate can answer, which RAW says.

    Today's are read for the edges of windows, and where TimescaleDB has not materialised them yet.
    """
    picked = choices(reader, target.board, DAYS, "typed")
    opened = set(opened_days(reader, reader.plan(target, DAYS, picked)))
    assert all(end > NOW for _, end in opened), opened


def assert_fits(frame: Frame, target: Target) -> None:
    """The frame has what its panel draws."""
    if frame.length == 0:
        return
    kind = target.panel["type"]
    if target.form == TIME_SERIES or kind in OVER_TIME:
        assert frame.of_kind(TIME), "no time column"
    if kind in DRAWN:
        assert frame.of_kind(NUMBER), "no number"
    for name in columns_with_units(target.panel):
        if name in [column.name for column in frame.columns]:
            assert frame.column(name).kind == NUMBER, name


def columns_with_units(panel: Json) -> Iterator[str]:
    """The columns that the panel gives a unit of numbers."""
    for override in panel["fieldConfig"].get("overrides", []):
        units = [setting["value"] for setting in override["properties"] if setting["id"] == "unit"]
        if units and not units[0].startswith("dateTime"):
            yield override["matcher"]["options"]


def opened_days(reader: Reader, plan: Json) -> Iterator[tuple[datetime, datetime]]:
    """The bounds of the partitions or chunks of events that a plan opens."""
    for node in nodes(plan):
        if node.get("Relation Name") in reader.partitions:
            yield reader.partitions[node["Relation Name"]]


def nodes(plan: Json) -> Iterator[Json]:
    """The nodes of a plan, from the top."""
    yield plan
    for child in plan.get("Plans", []):
        yield from nodes(child)
