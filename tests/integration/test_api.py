"""Numbers out: the read routes, errors in one shape, health, metrics, OpenAPI."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from beatline.settings import Settings
from collector import create_app
from collector.api.access import public

BATCH = "/api/v1/analytics/batch/"


def send(client: FlaskClient, *events: dict[str, Any]) -> None:
    """Store events."""
    answer = client.post(BATCH, json={"events": [{"event_type": "page_view"} | event for event in events]})
    assert answer.json == {"accepted": len(events), "rejected": []}


def ago(**delta: float) -> str:
    """A time before now, as clients write it."""
    return (datetime.now(UTC) - timedelta(**delta)).isoformat()


def test_an_event_counts_at_once(client: FlaskClient) -> None:
    send(
        client,
        {"user_id": "a", "session_id": "s1", "page_url": "/x"},
        {"user_id": "a", "session_id": "s2", "page_url": "/x"},
        {"anonymous_id": "b", "page_url": "/y"},
        {"user_id": "old", "page_url": "/x", "timestamp": ago(minutes=6)},
        {"user_id": "older", "page_url": "/x", "timestamp": ago(minutes=16)},
    )
    overview = client.get("/api/v1/metrics/overview").json

    assert (overview["active_users"], overview["active_sessions"]) == (2, 3)
    assert (overview["page_views"], overview["events_per_second"]) == (4, 0.3)
    assert overview["top_pages"] == [{"page_url": "/x", "views": 3}, {"page_url": "/y", "views": 1}]
    assert overview["windows"] == {"active_users": 300, "active_sessions": 300, "top_pages": 900}


def test_each_metric_has_its_route(client: FlaskClient) -> None:
    send(client, *[{"user_id": "a", "session_id": s, "page_url": p} for s, p in ("1/", "2/", "2x", "2y")])

    assert client.get("/api/v1/metrics/active-users").json["active_users"] == 1
    sessions = client.get("/api/v1/metrics/active-sessions?user_id=a").json
    assert (sessions["user_id"], sessions["active_sessions"], sessions["window_seconds"]) == ("a", 2, 300)
    assert client.get("/api/v1/metrics/active-sessions?user_id=b").json["active_sessions"] == 0
    assert client.get("/api/v1/metrics/active-sessions").json["active_sessions"] == 2
    pages = client.get("/api/v1/metrics/top-pages?limit=2").json["pages"]
    assert pages == [{"page_url": "/", "views": 2}, {"page_url": "x", "views": 1}]
    points = client.get("/api/v1/metrics/throughput?window=60&step=10").json["points"]
    assert [point["events"] for point in points] == [0, 0, 0, 0, 0, 4]
    assert points[-1]["events_per_second"] == 0.4


def test_event_counts_are_by_inclusive_utc_days(client: FlaskClient) -> None:
    send(
        client,
        {"event_type": "view", "timestamp": "2025-05-01T00:00:00Z"},
        {"event_type": "view", "timestamp": "2025-05-02T23:59:59.999999Z"},
        {"event_type": "click", "timestamp": "2025-05-03T00:30:00+01:00"},
        {"event_type": "click", "timestamp": "2025-05-03T00:00:00Z"},
        {"event_type": "click", "timestamp": "2001-01-01"},
    )
    days = "start_date=2025-05-01&end_date=2025-05-02"

    assert client.get(f"/analytics/event-counts?{days}").json == {"total_events": 3}
    assert client.get(f"/analytics/event-counts?{days}&event_type=view").json == {"total_events": 2}
    assert client.get(f"/analytics/event-counts?{days}&event_type=none").json == {"total_events": 0}
    assert client.get("/analytics/event-counts").json == {"total_events": 5}
    assert client.get(f"/analytics/event-counts-by-type?{days}").json == {"click": 1, "view": 2}
    empty = client.get("/analytics/event-counts-by-type?start_date=2020-01-01&end_date=2020-12-31")
    assert (empty.status_code, empty.json) == (200, {})


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/analytics/event-counts?start_date=yesterday", "start_date"),
        ("/analytics/event-counts?start_date=2025-13-01", "start_date"),
        ("/analytics/event-counts?end_date=2025-05-01T00:00:00Z", "end_date"),
        ("/analytics/event-counts?start_date=2025-05-02&end_date=2025-05-01", "end_date"),
        ("/analytics/event-counts?event_type=%00", "event_type"),
        ("/analytics/event-counts?event_type=", "event_type"),
        ("/analytics/event-counts?colour=red", "colour"),
        ("/analytics/event-counts-by-type?event_type=view", "event_type"),
        ("/api/v1/metrics/top-pages?limit=0", "limit"),
        ("/api/v1/metrics/top-pages?limit=many", "limit"),
        ("/api/v1/metrics/overview?limit=99999999999999999999", "limit"),
        ("/api/v1/metrics/active-sessions?user_id=%00", "user_id"),
        ("/api/v1/metrics/throughput?window=901", "window"),
        ("/api/v1/metrics/active-users?limit=1", "limit"),
    ],
)
def test_a_bad_parameter_is_named(client: FlaskClient, path: str, field: str) -> None:
    answer = client.get(path, headers={"X-Request-Id": "r1"})

    assert answer.status_code == 400
    assert answer.json.keys() == {"code", "message", "errors", "request_id"}
    assert answer.json["errors"][field]
    assert answer.json["request_id"] == answer.headers["X-Request-Id"] == "r1"


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not_found"),
        ("POST", "/nowhere/", 404, "not_found"),
        ("GET", "/assets/none.js", 404, "not_found"),
        ("POST", "/api/v1/metrics/overview", 405, "method_not_allowed"),
        ("DELETE", "/health", 405, "method_not_allowed"),
    ],
)
def test_every_error_has_one_shape(
    client: FlaskClient, method: str, path: str, status: int, code: str
) -> None:
    answer = client.open(path, method=method)

    assert (answer.status_code, answer.json["code"]) == (status, code)
    assert answer.json.keys() == {"code", "message", "errors", "request_id"}


def test_a_fault_of_ours_shows_nothing_of_its_inside(app: Flask) -> None:
    app.add_url_rule("/broken", view_func=public(lambda: 1 / 0))
    answer = app.test_client().get("/broken")

    assert (answer.status_code, answer.json["code"]) == (500, "internal_server_error")
    assert b"ZeroDivision" not in answer.data


def test_health_says_how_the_parts_are(client: FlaskClient) -> None:
    health = client.get("/health").json

    assert health["status"] == "ok"
    assert health["checks"]["database"] == {"status": "ok", "engine": "postgres"}
    assert health["checks"]["spill"] == {"status": "ok", "backlog": 0}
    assert client.get("/health/live").json == {"status": "ok"}
    assert client.get("/health/ready").status_code == 200


NOWHERE = "postgresql://127.0.0.1:1/none"


def test_without_a_database_events_are_taken_and_reads_say_so(redis_url: str) -> None:
    app = create_app(Settings(database_url=NOWHERE, redis_url=redis_url))
    client = app.test_client()

    assert client.get("/health/live").status_code == 200
    assert client.post("/track", json={"event_type": "x"}).status_code == 202
    assert (client.get("/health/ready").status_code, client.get("/health").json["status"]) == (
        200,
        "degraded",
    )
    answer = client.get("/analytics/event-counts")
    assert (answer.status_code, answer.json["code"]) == (503, "unavailable")
    assert answer.headers["Retry-After"]
    app.extensions["beatline"].close()


def test_without_anything_nothing_is_acknowledged() -> None:
    app = create_app(Settings(database_url=NOWHERE, redis_url="redis://127.0.0.1:1"))
    client = app.test_client()

    answer = client.post("/track", json={"event_type": "x"})
    assert (answer.status_code, answer.json["code"]) == (503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    ready = client.get("/health/ready")
    assert (ready.status_code, ready.json["status"]) == (503, "down")
    app.extensions["beatline"].close()


def test_metrics_count_what_happened(client: FlaskClient) -> None:
    batch = 'route="/api/v1/analytics/batch",source="batch",status="200"'
    send(client, {"user_id": "a"}, {"user_id": "a", "event_id": "1"}, {"event_id": "1"})
    client.post("/track", json={})
    client.get("/api/v1/metrics/overview")
    metrics = client.get("/metrics").text

    for line in (
        'beatline_events_accepted_total{source="batch"} 3.0',
        "beatline_events_duplicate_total 1.0",
        'beatline_events_rejected_total{reason="invalid",source="track"} 1.0',
        f"beatline_ingest_request_seconds_count{{{batch}}} 1.0",
        'beatline_flush_seconds_count{outcome="committed"} 1.0',
        'url_rule="/api/v1/metrics/overview"',
        'beatline_step_seconds_total{step="decode"}',
    ):
        assert line in metrics


def test_openapi_names_every_route(client: FlaskClient) -> None:
    document = client.get("/openapi.json").json

    assert document["openapi"].startswith("3.")
    for path, method in {
        "/events": "post", "/track": "post", "/api/v1/analytics/capture/": "post",
        "/api/v1/analytics/batch/": "post", "/analytics/event-counts": "get",
        "/analytics/event-counts-by-type": "get", "/api/v1/metrics/overview": "get",
        "/api/v1/metrics/active-users": "get", "/api/v1/metrics/top-pages": "get",
        "/api/v1/metrics/active-sessions": "get", "/health/ready": "get",
    }.items():  # fmt: skip
        assert method in document["paths"][path], path


def test_docs_page_needs_no_internet(client: FlaskClient) -> None:
    page = client.get("/docs/")
    assert page.status_code == 200
    assert "://" not in page.text.replace("http://localhost/", "")
    with client.get("/docs/swagger-ui-bundle.js") as script:
        assert script.status_code == 200
