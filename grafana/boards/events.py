"""Events: how many of which type, which were refused, and the log with its filters."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models import units

from grafana.boards import parts


def board() -> dashboard.Dashboard:
    """The board."""
    made = parts.new_board(
        "events", "What happened: counts by type, rejections, and a log to search.", since="now-1h"
    )
    for variable in variables():
        made = made.with_variable(variable)
    return made.with_panel(over_time()).with_panel(by_type()).with_panel(rejected()).with_panel(log())


def variables() -> list[parts.Target]:
    """The filters. All types are compared with themselves, so that a type beyond the list counts too."""
    return [
        parts.project(),
        parts.chosen("type", "Type", "events_types", several=True).all_value("event_type"),
        parts.typed("user", "User", "User or anonymous id, in full."),
        parts.typed("session", "Session", "Session id, in full."),
        parts.typed("page", "Page", "URL as it was sent, in full."),
        parts.typed("property", "Property", "Name of a property; without one, all properties are searched."),
        match(),
        parts.typed("value", "Value", "Text of the property's value; contains ignores upper and lower case."),
    ]


def match() -> dashboard.CustomVariable:
    """How a property is compared with the value."""
    variable = dashboard.CustomVariable("match").label("that").values("contains,equals")
    return variable.current(models.VariableOption(selected=True, text="contains", value="contains"))


def over_time() -> parts.AnyPanel:
    """Events by type."""
    drawn = parts.time_series_panel(
        1,
        "Events by type",
        "Events a step of the time axis, by type. Whole minutes, hours or days, so the first point may "
        "begin before the time range and the last one still grows. Of the filters only project and type "
        "count here.",
        parts.series("events_over_time"),
    )
    return parts.stacked(drawn).interval("1m").span(16)


def by_type() -> parts.AnyPanel:
    """The totals."""
    return parts.bar_gauge_panel(
        2,
        "Events in the time range",
        "Events by type, the 50 commonest. Counted are the minutes that begin in the time range, in more "
        "than two days its hours, in more than 62 days its UTC days.",
        parts.rows("events_by_type"),
    ).span(8)


def rejected() -> parts.AnyPanel:
    """Rejections."""
    drawn = parts.time_series_panel(
        3,
        "Rejected events by reason",
        "Events of accepted requests that were refused, by reason. Of each project only the newest ones "
        "are kept (BEATLINE_REJECTED_EVENTS_KEPT); the Collector board counts all.",
        parts.series("events_rejected"),
    )
    return parts.stacked(drawn).interval("1m").span(24).height(6)


def log() -> parts.AnyPanel:
    """The events themselves."""
    grid = parts.table_panel(
        4,
        "Log",
        "The newest 500 events of the time range that pass all filters. Properties are cut after 4,000 "
        "characters. Delay is how much later than its own time an event arrived. Filters other than "
        "project read every event of the time range until 500 have passed: with rare ones choose hours, "
        "not months.",
        parts.rows("events_log"),
    ).height(18)
    for name, width, link in columns():
        grid = parts.column(grid, name, width=width, link=link)
    return parts.json_column(parts.column(grid, "delay", unit=units.Seconds, width=90), "properties")


def columns() -> list[tuple[str, int, str]]:
    """Columns of the log: name, width in pixels, where a click leads."""
    return [
        ("time", 190, ""),
        ("type", 130, parts.board_address("events", type=parts.CLICKED)),
        ("user", 180, parts.board_address("users", user=parts.CLICKED)),
        ("session", 180, parts.board_address("events", session=parts.CLICKED)),
        ("page", 240, parts.board_address("pages", page=parts.CLICKED)),
        ("event id", 300, ""),
    ]
