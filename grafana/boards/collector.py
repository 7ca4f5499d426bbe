"""The collector: requests, events, what happens between a request and its commit, and what waits."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models import units

from grafana.boards.parts import (
    RED,
    YELLOW,
    AnyPanel,
    label_values,
    levels,
    limit,
    link_to,
    new_board,
    promql,
    quantiles,
    stacked,
    stat_panel,
    time_series_panel,
)

OF_INSTANCES = 'job="collector", instance=~"$instance"'
CHOSEN = f'{OF_INSTANCES}, source=~"$source"'
LIVE = 'job="live"'
REQUESTS = "beatline_ingest_request_seconds_count"


def rate(metric: str, *matchers: str, by: str = "") -> str:
    """The rate per second of a counter of the collector, added up, by the labels given."""
    grouping = f" by ({by})" if by else ""
    return f"sum{grouping} (rate({metric}{{{', '.join(matchers)}}}[$__rate_interval]))"


def share(part: str, whole: str) -> str:
    """How much of a rate another one is, 0 when there is none of it; nothing without any of the whole."""
    return f"({part} or {whole} * 0) / ({whole} > 0)"


def headline() -> list[AnyPanel]:
    """How it goes, in five numbers."""
    server_errors = share(rate(REQUESTS, CHOSEN, 'status=~"5.."'), rate(REQUESTS, CHOSEN))
    rejected = rate("beatline_events_rejected_total", CHOSEN)
    accepted = rate("beatline_events_accepted_total", CHOSEN)
    refused = f"({rejected} or {accepted} * 0) / (({accepted} + ({rejected} or {accepted} * 0)) > 0)"
    panels = [
        stat_panel(
            1,
            "Requests",
            "Ingest requests answered per second, whatever the answer.",
            promql(rate(REQUESTS, CHOSEN), "requests"),
        ).unit(units.RequestsPerSecond),
        stat_panel(
            2,
            "Events accepted",
            "Events acknowledged per second: stored, or safe in the spill.",
            promql(accepted, "events"),
        ).unit(units.EventsPerSecond),
        stat_panel(
            3,
            "Events refused",
            "Share of all events that was refused. Why is shown below, by reason.",
            promql(refused, "refused"),
        )
        .unit(units.PercentUnit)
        .thresholds(levels((0.01, YELLOW), (0.1, RED))),
        stat_panel(
            4,
            "Server errors",
            "Share of ingest requests answered 5xx, with refusals by rate limits that PostHog's and "
            "Plausible's clients are told with 503.",
            promql(server_errors, "errors"),
        )
        .unit(units.PercentUnit)
        .thresholds(levels((0.001, YELLOW), (0.01, RED)))
        .links([link_to("service_levels")]),
        stat_panel(
            5,
            "Slowest 1 %",
            "99th percentile of the time to answer an ingest request, commit included.",
            quantiles("beatline_ingest_request_seconds", CHOSEN)[2],
        )
        .unit(units.Seconds)
        .thresholds(levels((0.1, YELLOW), (1, RED)))
        .links([link_to("service_levels")]),
    ]
    return [drawn.span(width) for drawn, width in zip(panels, (4, 5, 5, 5, 5), strict=True)]


def requests() -> list[AnyPanel]:
    """Requests and the time to answer them."""
    by_route = "sum by (route, le) (rate(beatline_ingest_request_seconds_bucket{%s}[$__rate_interval]))"
    by_source = by_route.replace("route", "source")
    return [
        stacked(
            time_series_panel(
                10,
                "Requests by route",
                "Ingest requests per second. `{}` in a route stands for any name.",
                promql(rate(REQUESTS, CHOSEN, by="route"), "{{route}}"),
            )
        ).unit(units.RequestsPerSecond),
        stacked(
            time_series_panel(
                11,
                "Requests by status",
                "Ingest requests per second by HTTP status.",
                promql(rate(REQUESTS, CHOSEN, by="status"), "{{status}}"),
            )
        ).unit(units.RequestsPerSecond),
        limit(
            time_series_panel(
                12,
                "Time to answer",
                "Of all ingest requests, from their arrival to the answer, which comes after the commit. "
                "The line is the latency objective.",
                *quantiles("beatline_ingest_request_seconds", CHOSEN),
            ).unit(units.Seconds),
            (0.1, YELLOW),
        ).links([link_to("service_levels")]),
        time_series_panel(
            13,
            "Time to answer by route, p99",
            "99th percentile of each route.",
            promql(f"histogram_quantile(0.99, {by_route % CHOSEN})", "{{route}}"),
        ).unit(units.Seconds),
        time_series_panel(
            14,
            "Time to answer by source, p50 and p95",
            "Median and 95th percentile of each protocol.",
            promql(f"histogram_quantile(0.5, {by_source % CHOSEN})", "{{source}} p50", "A"),
            promql(f"histogram_quantile(0.95, {by_source % CHOSEN})", "{{source}} p95", "B"),
        ).unit(units.Seconds),
        time_series_panel(
            15,
            "API and pages, p95",
            "95th percentile of the time to answer what is no ingest route, by route.",
            promql(
                "histogram_quantile(0.95, sum by (url_rule, le) (rate("
                f"beatline_api_http_request_duration_seconds_bucket{{{OF_INSTANCES}}}[$__rate_interval])))",
                "{{url_rule}}",
            ),
        ).unit(units.Seconds),
    ]


def events() -> list[AnyPanel]:
    """What became of the events."""
    return [
        stacked(
            time_series_panel(
                20,
                "Events accepted by source",
                "Events acknowledged per second, by protocol.",
                promql(rate("beatline_events_accepted_total", CHOSEN, by="source"), "{{source}}"),
            )
        ).unit(units.EventsPerSecond),
        stacked(
            time_series_panel(
                21,
                "Events refused by reason",
                "Events refused per second. Those of batches can be looked at and replayed "
                "(docs/catalogue.md).",
                promql(rate("beatline_events_rejected_total", CHOSEN, by="reason"), "{{reason}}"),
            )
        ).unit(units.EventsPerSecond),
        time_series_panel(
            22,
            "Duplicates and misfits",
            "Duplicate: acknowledged and stored before, so not stored again. Misfit: stored although it "
            "does not fit its schema.",
            promql(rate("beatline_events_duplicate_total", OF_INSTANCES), "duplicates", "A"),
            promql(rate("beatline_events_flagged_total", CHOSEN), "misfits", "B"),
        ).unit(units.EventsPerSecond),
        time_series_panel(
            23,
            "Rate limits",
            "Requests per second that a limit refused, of an address (ip) or a write key (key); and those "
            "let in unchecked, since Valkey was away (docs/rate-limits.md).",
            promql(rate("beatline_rate_limited_total", OF_INSTANCES, by="limit"), "refused: {{limit}}", "A"),
            promql(rate("beatline_rate_limits_open_total", OF_INSTANCES), "unchecked", "B"),
        ).unit(units.RequestsPerSecond),
    ]


def pipeline() -> list[AnyPanel]:
    """From a request to its commit."""
    steps = rate("beatline_step_seconds_total", OF_INSTANCES, by="step")
    piped = rate("beatline_pipeline_events_total", OF_INSTANCES)
    flushes = rate("beatline_flush_events_count", OF_INSTANCES)
    return [
        stacked(
            time_series_panel(
                30,
                "Steps of the pipeline",
                "Mean time of an event in each step, before it is queued.",
                promql(f"{steps} / ignoring (step) group_left () ({piped} > 0)", "{{step}}"),
            )
        ).unit(units.Seconds),
        time_series_panel(
            31,
            "Wait for the commit",
            "From queueing to the commit of a request's events. One transaction runs at a time: a request "
            "waits for the one under way and its own.",
            *quantiles("beatline_commit_wait_seconds", OF_INSTANCES),
        ).unit(units.Seconds),
        time_series_panel(
            32,
            "Events of a transaction",
            "Group commit: what queued up during a transaction goes into the next one, up to "
            "BEATLINE_FLUSH_EVENTS.",
            *quantiles("beatline_flush_events", OF_INSTANCES),
            promql(f"{rate('beatline_flush_events_sum', OF_INSTANCES)} / ({flushes} > 0)", "mean", "D"),
        ),
        time_series_panel(
            33,
            "Time of a transaction",
            "Of one flush of the writer, whatever became of it.",
            *quantiles("beatline_flush_seconds", OF_INSTANCES),
        ).unit(units.Seconds),
        stacked(
            time_series_panel(
                34,
                "Flushes by outcome",
                "Committed: in the database. Spilled: in Valkey, since the database is away. Unavailable: "
                "both are away, and clients were told 503. Refused: the database took none of it.",
                promql(rate("beatline_flush_seconds_count", OF_INSTANCES, by="outcome"), "{{outcome}}"),
            )
        ).unit(units.OpsPerSecond),
    ]


def waiting() -> list[AnyPanel]:
    """What waits: in the processes, and in the spill."""
    return [
        time_series_panel(
            40,
            "Queue",
            "Events that wait in the collector's processes. At BEATLINE_QUEUE_EVENTS in one of them its "
            "clients are told 503.",
            promql(f"sum by (instance) (beatline_queue_events{{{OF_INSTANCES}}})", "{{instance}}"),
        ),
        time_series_panel(
            41,
            "Queue, bytes",
            "What these events take of the processes' memory.",
            promql(f"sum by (instance) (beatline_queue_bytes{{{OF_INSTANCES}}})", "{{instance}}"),
        ).unit(units.BytesIEC),
        limit(
            time_series_panel(
                42,
                "Spill backlog",
                "Batches in Valkey that wait for the database. It grows while the database is away, and is "
                "drained when it is back (docs/runbooks/spill-growing.md).",
                promql('max(beatline_spill_batches{job="workers"})', "batches", "A"),
                promql('max(beatline_spill_unreadable_batches{job="workers"})', "set aside, unreadable", "B"),
            ),
            (1, YELLOW),
        ).links([link_to("workers")]),
        time_series_panel(
            43,
            "Oldest batch in the spill",
            "How long the oldest batch has waited; 0: none waits.",
            promql('max(beatline_spill_oldest_seconds{job="workers"})', "age"),
        )
        .unit(units.Seconds)
        .links([link_to("workers")]),
    ]


def live() -> list[AnyPanel]:
    """The live preview, to which the collector publishes."""
    return [
        time_series_panel(
            50,
            "Published for the live preview",
            "Committed events per second while somebody watches, by what became of them (docs/live.md).",
            promql(rate("beatline_live_events_total", OF_INSTANCES, by="outcome"), "{{outcome}}"),
        ).unit(units.EventsPerSecond),
        time_series_panel(
            51,
            "Shown to readers",
            "Events per second sent to readers, all of them together, and those left out because a reader "
            "is too slow or a project too fast.",
            promql(rate("beatline_live_shown_events_total", LIVE), "shown", "A"),
            promql(
                rate("beatline_live_left_out_events_total", LIVE, by="reason"), "left out: {{reason}}", "B"
            ),
        ).unit(units.EventsPerSecond),
        time_series_panel(
            52,
            "Readers",
            "Readers of the live preview that are connected, and those cut off per minute since they took "
            "nothing.",
            promql(f"sum(beatline_live_readers{{{LIVE}}})", "connected", "A"),
            promql(f"60 * {rate('beatline_live_stuck_readers_total', LIVE)}", "cut off a minute", "B"),
        ),
    ]


def cache() -> list[AnyPanel]:
    """The cache of rolling metrics and counts."""
    metric = "beatline_cache_requests_total"
    everything = rate(metric, OF_INSTANCES)
    kept = share(rate(metric, OF_INSTANCES, 'result=~"hit|stale"'), everything)
    shared = share(rate(metric, OF_INSTANCES, 'result!="bypass"'), everything)
    return [
        time_series_panel(
            60,
            "Hit ratio of the cache",
            "Share of the requests of rolling metrics and counts whose answer was there; and share of those "
            "for which Valkey was there. They are few when each asks for something else.",
            promql(kept, "from the cache", "A"),
            promql(shared, "with Valkey", "B"),
        )
        .unit(units.PercentUnit)
        .max(1),
        stacked(
            time_series_panel(
                61,
                "Answers by result",
                "Hit: fresh, or just being computed. Stale: the last one, while another request computed. "
                "Miss: computed. Bypass: computed without Valkey, which is away.",
                promql(rate(metric, OF_INSTANCES, by="result"), "{{result}}"),
            )
        ).unit(units.RequestsPerSecond),
        time_series_panel(
            62,
            "Time to compute an answer",
            "What a miss or a bypass waits for, and keeps the database busy.",
            *quantiles("beatline_cache_compute_seconds", OF_INSTANCES),
        ).unit(units.Seconds),
    ]


SECTIONS = {
    "Requests": requests,
    "Events": events,
    "From request to commit": pipeline,
    "Waiting": waiting,
    "Live preview": live,
    "Cache": cache,
}


def board() -> dashboard.Dashboard:
    """The board."""
    built = new_board("collector", "What the collector takes in, how fast, and what becomes of it.")
    built = built.with_variable(label_values("instance", "Instance", 'up{job="collector"}', "instance"))
    built = built.with_variable(label_values("source", "Source", REQUESTS, "source"))
    for panel in headline():
        built = built.with_panel(panel)
    for number, (title, panels) in enumerate(SECTIONS.items(), start=101):
        built = built.with_row(dashboard.Row(title).id(number))
        for panel in panels():
            built = built.with_panel(panel)
    return built
