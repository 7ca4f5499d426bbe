"""The workers: messages and jobs, what failed, what waits, and what they depend on."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models import units

from grafana.boards.parts import (
    GREEN,
    RED,
    YELLOW,
    AnyPanel,
    column,
    label_values,
    levels,
    limit,
    link_to,
    new_board,
    promql,
    promql_now,
    rows,
    stacked,
    stat_panel,
    table_panel,
    time_series_panel,
)

CHOSEN = 'job="workers", instance=~"$instance"'
# Every workers' process says the same of what they share.
SHARED = 'job="workers"'
JOB = "name"  # the label with a job's name; `job` is Prometheus' own, for the process


def messages_per_second(metric: str) -> str:
    """The rate of one of Dramatiq's counters by actor."""
    return f"sum by (actor_name) (rate({metric}{{{CHOSEN}}}[$__rate_interval]))"


def headline() -> list[AnyPanel]:
    """How it goes, in a few numbers."""
    panels = [
        stat_panel(
            1,
            "Leader",
            "Processes that lead the schedule: always one. None for longer than a restart takes: no job "
            "runs.",
            promql(f"sum(beatline_schedule_leader{{{SHARED}}})", "leaders"),
        ).thresholds(levels((1, GREEN), (2, RED), below=RED)),
        stat_panel(
            2,
            "Dead letters",
            "How often messages failed for good that nobody sent again or deleted.",
            promql(f"sum(max by (queue) (beatline_dead_letters{{{SHARED}}}))", "dead letters"),
        ).thresholds(levels((1, RED))),
        stat_panel(
            3,
            "Waiting messages",
            "Messages that wait or are being worked on, in all queues.",
            promql(f"sum(max by (queue) (beatline_queue_messages{{{SHARED}}}))", "messages"),
        ).thresholds(levels((100, YELLOW), (1_000, RED))),
        stat_panel(
            4,
            "Database",
            "Whether it answers the workers.",
            promql(f"min(beatline_database_up{{{SHARED}}})", "up"),
        )
        .unit(units.BoolYesNo)
        .thresholds(levels((1, GREEN), below=RED))
        .links([link_to("database")]),
        stat_panel(
            5,
            "Valkey",
            "Whether it answers the workers.",
            promql(f"min(beatline_valkey_up{{{SHARED}}})", "up"),
        )
        .unit(units.BoolYesNo)
        .thresholds(levels((1, GREEN), below=RED)),
        stat_panel(
            6,
            "Disk free",
            "Share of the file system of BEATLINE_DATA that is free.",
            promql(
                f"min(beatline_disk_free_bytes{{{SHARED}}} / beatline_disk_size_bytes{{{SHARED}}})", "free"
            ),
        )
        .unit(units.PercentUnit)
        .thresholds(levels((0.05, YELLOW), (0.15, GREEN), below=RED)),
    ]
    return [drawn.span(4) for drawn in panels]


def messages() -> list[AnyPanel]:
    """Dramatiq's messages."""
    durations = f"rate(dramatiq_message_duration_milliseconds_bucket{{{CHOSEN}}}[$__rate_interval])"
    return [
        stacked(
            time_series_panel(
                10,
                "Messages",
                "Messages worked off per second, by actor.",
                promql(messages_per_second("dramatiq_messages_total"), "{{actor_name}}"),
            )
        ).unit(units.OpsPerSecond),
        time_series_panel(
            11,
            "Time of a message, p95",
            "95th percentile by actor.",
            promql(f"histogram_quantile(0.95, sum by (actor_name, le) ({durations}))", "{{actor_name}}"),
        ).unit(units.Milliseconds),
        time_series_panel(
            12,
            "Failures",
            "Messages per minute that raised an error, were sent again, or were given up and became dead "
            "letters.",
            promql(
                f"60 * ({messages_per_second('dramatiq_message_errors_total')})",
                "errors: {{actor_name}}",
                "A",
            ),
            promql(
                f"60 * ({messages_per_second('dramatiq_message_retries_total')})",
                "retries: {{actor_name}}",
                "B",
            ),
            promql(
                f"60 * ({messages_per_second('dramatiq_message_rejects_total')})",
                "given up: {{actor_name}}",
                "C",
            ),
        ),
        stacked(
            time_series_panel(
                13,
                "Under way",
                "Messages being worked on, and those that wait in a process for their time.",
                promql(
                    f"sum by (actor_name) (dramatiq_messages_inprogress{{{CHOSEN}}})", "{{actor_name}}", "A"
                ),
                promql(
                    f"sum by (actor_name) (dramatiq_delayed_messages_inprogress{{{CHOSEN}}})",
                    "delayed: {{actor_name}}",
                    "B",
                ),
            )
        ),
        limit(
            time_series_panel(
                14,
                "Queues",
                "Messages that wait or are being worked on.",
                promql(f"max by (queue) (beatline_queue_messages{{{SHARED}}})", "{{queue}}"),
            ),
            (100, YELLOW),
        ),
        limit(
            time_series_panel(
                15,
                "Dead letters",
                "How often messages failed for good that nobody sent again or deleted "
                "(docs/runbooks/dead-letters.md).",
                promql(f"max by (queue) (beatline_dead_letters{{{SHARED}}})", "{{queue}}"),
            ),
            (1, RED),
        ),
    ]


def jobs() -> list[AnyPanel]:
    """The jobs of the schedule."""
    seconds = f"rate(beatline_job_seconds_bucket{{{CHOSEN}}}[$__rate_interval])"
    since = f"time() - max by ({JOB}) (beatline_job_last_success_timestamp_seconds{{{SHARED}}})"
    last = (
        table_panel(
            20,
            "Last success of each job",
            "How long ago it last ended well in a process that runs now. Some run every second, some every "
            "hour (docs/metrics.md).",
            promql_now(f"sort_desc({since})"),
        )
        .span(12)
        .height(8)
    )
    return [
        column(last.unit(units.Seconds), "Value", unit=units.Seconds),
        time_series_panel(
            21,
            "Time since the last success",
            "The same over time. A job that fails shows as a line that climbs.",
            promql(since, f"{{{{{JOB}}}}}"),
        ).unit(units.Seconds),
        time_series_panel(
            22,
            "Time of a run, p95",
            "95th percentile of one run, whether it ended well or not.",
            promql(f"histogram_quantile(0.95, sum by ({JOB}, le) ({seconds}))", f"{{{{{JOB}}}}}"),
        ).unit(units.Seconds),
        time_series_panel(
            23,
            "Leader",
            "Which process leads the schedule.",
            promql(f"beatline_schedule_leader{{{CHOSEN}}}", "{{instance}}"),
        ).max(1),
    ]


def parts() -> list[AnyPanel]:
    """What the workers work off, and what they depend on."""
    return [
        limit(
            time_series_panel(
                30,
                "Spill backlog",
                "Batches in Valkey that wait for the database; drain_spill stores them.",
                promql(f"max(beatline_spill_batches{{{SHARED}}})", "batches"),
            ),
            (1, YELLOW),
        ).links([link_to("collector")]),
        time_series_panel(
            31,
            "Oldest batch in the spill",
            "How long the oldest batch has waited; 0: none waits.",
            promql(f"max(beatline_spill_oldest_seconds{{{SHARED}}})", "age"),
        )
        .unit(units.Seconds)
        .links([link_to("collector")]),
        time_series_panel(
            32,
            "Disk",
            "The file system of BEATLINE_DATA, of the process that has least free.",
            promql(f"min(beatline_disk_free_bytes{{{SHARED}}})", "free", "A"),
            promql(f"min(beatline_disk_size_bytes{{{SHARED}}})", "size", "B"),
        ).unit(units.BytesIEC),
        time_series_panel(
            33,
            "Database and Valkey",
            "Whether they answer the workers.",
            promql(f"min(beatline_database_up{{{SHARED}}})", "database", "A"),
            promql(f"min(beatline_valkey_up{{{SHARED}}})", "Valkey", "B"),
        )
        .unit(units.BoolYesNo)
        .max(1)
        .links([link_to("database")]),
    ]


def imports() -> list[AnyPanel]:
    """The files of events that workers read."""
    grid = table_panel(
        40,
        "Imports",
        "The newest 50 of all projects, and how far they are (docs/imports.md).",
        rows("workers_imports"),
    )
    grid = column(column(grid, "created_at", unit=units.DatetimeLocal), "file_size", unit=units.BytesIEC)
    return [column(column(grid, "read", unit=units.PercentUnit), "seconds", unit=units.Seconds)]


SECTIONS = {"Messages": messages, "Jobs": jobs, "Spill, disk, services": parts, "Imports": imports}


def board() -> dashboard.Dashboard:
    """The board."""
    built = new_board("workers", "Background jobs: what runs, what fails, what waits.")
    built = built.with_variable(label_values("instance", "Instance", 'up{job="workers"}', "instance"))
    for panel in headline():
        built = built.with_panel(panel)
    for number, (title, panels) in enumerate(SECTIONS.items(), start=101):
        built = built.with_row(dashboard.Row(title).id(number))
        for panel in panels():
            built = built.with_panel(panel)
    return built
