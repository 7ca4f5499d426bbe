"""The database: what it holds, how large it is, whether its aggregates are current, and who keeps it busy."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models import units

from grafana.boards.parts import (
    RED,
    YELLOW,
    AnyPanel,
    bar_gauge_panel,
    bars,
    column,
    count_panel,
    levels,
    link_to,
    new_board,
    rows,
    series,
    stacked,
    stat_panel,
    table_panel,
    time_series_panel,
)

NARROW = 110  # pixels of a column of numbers


def headline() -> list[AnyPanel]:
    """One number each."""
    panels = [
        count_panel(1, "Size", "The whole database on disk, indexes included.", rows("database_size")).unit(
            units.BytesIEC
        ),
        count_panel(
            2,
            "Events",
            "Events of all projects that were ever counted. What retention drops stays in this number.",
            rows("database_events"),
        ),
        count_panel(
            3,
            "Compressed to",
            "What chunks that are columns now take, as a share of what they took as rows (TimescaleDB: "
            "chunks older than seven days). Without any there is no number.",
            rows("database_compression"),
        ).unit(units.PercentUnit),
        stat_panel(
            4,
            "Aggregates behind",
            "For how long the oldest bucket that is not materialised yet has been due. Some seconds are "
            "normal. On PostgreSQL triggers keep aggregates exact, so it is 0.",
            rows("database_behind"),
        )
        .unit(units.Seconds)
        .thresholds(levels((60, YELLOW), (600, RED))),
        stat_panel(
            5,
            "Gap of aggregates",
            "By how many events aggregates differ from what they are made of, in the buckets that are "
            "compared (below). An event that came late closes its gap within seconds; a gap that stays "
            "is a broken trigger or refresh.",
            rows("database_gap"),
        ).thresholds(levels((1, YELLOW), (100, RED))),
        stat_panel(
            6,
            "Connections in use",
            "Connections of clients, as a share of what the server allows (max_connections).",
            rows("database_connections_used"),
        )
        .unit(units.PercentUnit)
        .thresholds(levels((0.7, YELLOW), (0.9, RED))),
    ]
    return [drawn.span(4) for drawn in panels]


def growth() -> list[AnyPanel]:
    """What comes in."""
    drawn = time_series_panel(
        10,
        "Events per day",
        "New events by project, in UTC days that begin in the time range. Today's still grows.",
        series("database_growth"),
    )
    grid = table_panel(
        11,
        "Projects",
        "Events ever counted, and the minutes of the oldest and of the newest one.",
        rows("database_projects"),
    )
    grid = column(column(grid, "oldest event", unit=units.DatetimeLocal), "events", width=NARROW)
    grid = column(grid, "newest event", unit=units.DateTimeFromNow)
    return [stacked(bars(drawn)).interval("1d").links([link_to("workers", "Disk")]), grid.span(12).height(8)]


def sizes() -> list[AnyPanel]:
    """What it takes."""
    grid = table_panel(
        20,
        "Tables and aggregates",
        "Partitions are those of PostgreSQL or the chunks of TimescaleDB. Compressed is the share that "
        "columns take of what the same chunks took as rows.",
        rows("database_sizes"),
    )
    for name in ("rows", "indexes", "total", "before compression", "after compression"):
        grid = column(grid, name, unit=units.BytesIEC, width=NARROW + 40)
    grid = column(
        column(grid, "compressed", unit=units.PercentUnit, width=NARROW), "partitions", width=NARROW
    )
    largest = bar_gauge_panel(
        21, "Largest", "The ten largest tables and aggregates, indexes included.", rows("database_largest")
    )
    return [grid.span(16).height(10), largest.unit(units.BytesIEC).span(8).height(10)]


def aggregates() -> list[AnyPanel]:
    """Whether counts are current."""
    grid = table_panel(
        30,
        "Aggregates",
        "Materialised to is the end of the newest bucket that is stored; what is younger is added when it "
        "is read. Behind is for how long the oldest missing bucket has been due. Gap compares a minute of "
        "ten minutes ago with the raw events, the last whole hour with its minutes, the last whole day "
        "with its hours; empty: too many rows to compare. See the runbook aggregates-stale.",
        rows("database_freshness"),
    )
    grid = column(column(grid, "materialised to", unit=units.DatetimeLocal), "behind", unit=units.Seconds)
    return [grid.span(16).height(9)]


def load() -> list[AnyPanel]:
    """Who keeps it busy."""
    connections = bar_gauge_panel(
        31,
        "Connections by state",
        "Connections of clients to the server. Idle in transaction holds locks and keeps old rows from "
        "being removed.",
        rows("database_connections"),
    )
    grid = table_panel(
        40,
        "Slow statements",
        "The statements that took most time since the statistics were reset, from pg_stat_statements; "
        "empty where the server does not load it (docs/schema.md).",
        rows("database_slow_statements"),
    )
    for name in ("mean", "total"):
        grid = column(grid, name, unit=units.Milliseconds, width=NARROW)
    return [connections.span(8).height(9), column(column(grid, "calls", width=NARROW), "rows", width=NARROW)]


SECTIONS = (headline, growth, sizes, aggregates, load)


def board() -> dashboard.Dashboard:
    """The board."""
    built = new_board(
        "database",
        "What the database holds and takes, and whether its aggregates are current.",
        since="now-30d",
    )
    for section in SECTIONS:
        for panel in section():
            built = built.with_panel(panel)
    return built
