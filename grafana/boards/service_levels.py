"""The service level objectives of ingestion: kept or not, and how fast their error budgets burn.

prometheus/rules/service_levels.yml has the objectives and works all of this out (docs/service-levels.md).
"""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models import units

from grafana.boards.parts import (
    GREEN,
    RED,
    YELLOW,
    AnyPanel,
    levels,
    limit,
    link_to,
    new_board,
    promql,
    stat_panel,
    time_series_panel,
)

ROUTE = "{{source}} {{route}}"


def good(slo: str, window: str) -> str:
    """The share of good requests over a window."""
    return f'1 - slo:ingest_bad_requests_per_request:ratio_rate{window}{{slo="{slo}"}}'


def objectives() -> list[AnyPanel]:
    """Whether the objectives are kept over 30 days."""
    return [
        stat_panel(
            1,
            "Availability, 30 days",
            "Share of ingest requests that were not answered 5xx; refusals by a rate limit do not count as "
            "failures. Objective: 99.9 %.",
            promql(good("availability", "30d"), "good"),
        )
        .unit(units.PercentUnit)
        .decimals(3)
        .thresholds(levels((0.999, GREEN), below=RED)),
        stat_panel(
            2,
            "Error budget left, availability",
            "What is left of the failures that the objective allows in 30 days. Below 0 it is not kept.",
            promql('slo:error_budget_left:ratio_rate30d{slo="availability"}', "left"),
        )
        .unit(units.PercentUnit)
        .decimals(1)
        .thresholds(levels((0, YELLOW), (0.25, GREEN), below=RED)),
        stat_panel(
            3,
            "Within 100 ms, 30 days",
            "Share of ingest requests answered within 100 ms, of those that did not fail. Objective: 99 %.",
            promql(good("latency", "30d"), "good"),
        )
        .unit(units.PercentUnit)
        .decimals(2)
        .thresholds(levels((0.99, GREEN), below=RED)),
        stat_panel(
            4,
            "Error budget left, latency",
            "What is left of the slow answers that the objective allows in 30 days. Below 0 it is not kept.",
            promql('slo:error_budget_left:ratio_rate30d{slo="latency"}', "left"),
        )
        .unit(units.PercentUnit)
        .decimals(1)
        .thresholds(levels((0, YELLOW), (0.25, GREEN), below=RED)),
    ]


def burn(number: int, title: str, slo: str) -> AnyPanel:
    """The burn rates of an error budget over all windows."""
    windows = {"A": "5m", "B": "30m", "C": "1h", "D": "6h", "E": "3d"}
    drawn = time_series_panel(
        number,
        f"Burn rate, {title}",
        "How many times as fast as it may the error budget is used up, over windows of different length: at "
        "1 it lasts 30 days, at 14.4 two. Fast burn: 1 h and 5 m above 14.4. Slow burn: 6 h and 30 m above "
        "6.",
        *[
            promql(f'slo:error_budget_burn:ratio_rate{window}{{slo="{slo}"}}', window, ref_id)
            for ref_id, window in windows.items()
        ],
    )
    return limit(drawn, (6, YELLOW), (14.4, RED)).links([link_to("collector")])


def over_time() -> list[AnyPanel]:
    """The objectives over the time range."""
    return [
        burn(10, "availability", "availability"),
        burn(11, "latency", "latency"),
        time_series_panel(
            12,
            "Error budget left",
            "Of the 30 days before each point in time.",
            promql("slo:error_budget_left:ratio_rate30d", "{{slo}}"),
        )
        .unit(units.PercentUnit)
        .min(-1)
        .max(1),
        time_series_panel(
            13,
            "Good requests, 1 hour",
            "Share of the requests of the last hour before each point in time that were good.",
            promql("1 - slo:ingest_bad_requests_per_request:ratio_rate1h", "{{slo}}", "A"),
            promql("slo:objective:ratio", "objective: {{slo}}", "B"),
        )
        .unit(units.PercentUnit)
        .max(1),
    ]


def by_route() -> list[AnyPanel]:
    """Which route it is."""
    quantile = "source_route_quantile:beatline_ingest_request_seconds:histogram_quantile_rate5m"
    return [
        time_series_panel(
            20,
            "Requests by route",
            "Ingest requests per second, over 5 minutes.",
            promql("source_route:beatline_ingest_request_seconds_count:rate5m", ROUTE),
        )
        .unit(units.RequestsPerSecond)
        .links([link_to("collector")]),
        time_series_panel(
            21,
            "Errors by route",
            "Share of the requests answered 5xx, over 5 minutes.",
            promql("source_route:beatline_ingest_request_errors_per_request:ratio_rate5m", ROUTE),
        )
        .unit(units.PercentUnit)
        .links([link_to("collector")]),
        limit(
            time_series_panel(
                22,
                "Time to answer by route, p99",
                "99th percentile over 5 minutes. The line is the latency objective.",
                promql(f'{quantile}{{quantile="0.99"}}', ROUTE),
            ).unit(units.Seconds),
            (0.1, YELLOW),
        ).links([link_to("collector")]),
        limit(
            time_series_panel(
                23,
                "Time to answer by route, p50 and p95",
                "Median and 95th percentile over 5 minutes. The line is the latency objective.",
                promql(f'{quantile}{{quantile!="0.99"}}', f"{ROUTE} {{{{quantile}}}}"),
            ).unit(units.Seconds),
            (0.1, YELLOW),
        ).links([link_to("collector")]),
    ]


def events() -> list[AnyPanel]:
    """What no objective covers and everybody asks for."""
    return [
        time_series_panel(
            30,
            "Events",
            "Accepted events per second and refused ones by reason, over 5 minutes.",
            promql("sum (job:beatline_events_accepted:rate5m)", "accepted", "A"),
            promql(
                "sum by (reason) (job_reason:beatline_events_rejected:rate5m)", "refused: {{reason}}", "B"
            ),
        )
        .unit(units.EventsPerSecond)
        .links([link_to("collector")]),
        time_series_panel(
            31,
            "Refused events",
            "Share of all events, over 5 minutes.",
            promql("job:beatline_events_rejected_per_event:ratio_rate5m", "refused"),
        )
        .unit(units.PercentUnit)
        .links([link_to("collector")]),
    ]


def measuring() -> list[AnyPanel]:
    """Whether what is shown above can be trusted."""
    return [
        time_series_panel(
            40,
            "Targets",
            "Processes that answer Prometheus. What is not asked is not counted: while a collector is away "
            "its requests are missing above.",
            promql("sum by (job) (up)", "{{job}} up", "A"),
            promql("sum by (job) (1 - up)", "{{job}} down", "B"),
        ),
        time_series_panel(
            41,
            "Rules of Prometheus that failed",
            "Per minute. Any but 0: the numbers above are stale.",
            promql("60 * sum(rate(prometheus_rule_evaluation_failures_total[$__rate_interval]))", "failed"),
        ),
        time_series_panel(
            42,
            "Time to ask a target",
            "How long a scrape takes. Beyond 5 s a target counts as down.",
            promql("max by (job) (scrape_duration_seconds)", "{{job}}"),
        ).unit(units.Seconds),
        time_series_panel(
            43,
            "Series",
            "What Prometheus keeps, each taking memory and disk. Many more without a new route or process: a "
            "label has run away.",
            promql("prometheus_tsdb_head_series", "{{instance}}"),
        ),
    ]


SECTIONS = {
    "Over time": over_time,
    "By route": by_route,
    "Events": events,
    "The measuring itself": measuring,
}


def board() -> dashboard.Dashboard:
    """The board."""
    built = new_board(
        "service_levels", "Whether ingestion is as available and as fast as promised.", since="now-24h"
    )
    for panel in objectives():
        built = built.with_panel(panel)
    for number, (title, panels) in enumerate(SECTIONS.items(), start=101):
        built = built.with_row(dashboard.Row(title).id(number))
        for panel in panels():
            built = built.with_panel(panel)
    return built
