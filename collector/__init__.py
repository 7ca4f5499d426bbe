"""The collector: create_app() is the only place where its parts meet."""

from __future__ import annotations

from flask import Flask
from prometheus_client import CollectorRegistry
from prometheus_flask_exporter import PrometheusMetrics

from beatline.settings import Settings
from collector.api import (
    alerts,
    catalogue,
    event_counts,
    health,
    imports,
    live_place,
    openapi,
    rejected_events,
    rolling,
)  # fmt: skip
from collector.console import init_console
from collector.errors import init_errors
from collector.ingest.collect import Collector
from collector.ingest.front_door import FrontDoor
from collector.ingest.limits import IngestLimits
from collector.metrics import IngestMetrics, for_own_network
from collector.services import start_services
from collector.tracker import init_tracker


def create_app(settings: Settings | None = None) -> Flask:
    """The WSGI application of one collector process, with its writer running.

    Raises StartError when the settings cannot be used.
    """
    settings = settings or Settings.from_env()
    app = Flask("collector", static_folder=None)
    app.config.update(openapi.CONFIG)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.url_map.strict_slashes = False

    registry = CollectorRegistry()
    metrics = IngestMetrics(registry)
    services = start_services(settings, metrics)
    app.extensions["beatline"] = services

    PrometheusMetrics(
        app, registry=registry, path="/metrics", group_by="url_rule",
        defaults_prefix="beatline_api", excluded_paths=["^/metrics$", "^/health"],
        metrics_decorator=for_own_network,
    )  # fmt: skip
    api = openapi.JsonApi(app)
    init_errors(app)
    for area in (rolling, event_counts, catalogue, rejected_events, imports, alerts, live_place, health):
        api.register_blueprint(area.blueprint)
    openapi.document_ingestion(api)
    app.register_blueprint(openapi.docs_page())
    init_console(app)
    init_tracker(app)

    limits = IngestLimits(settings, services.rate_limits, metrics)
    collector = Collector(settings, services.writer, metrics, services.projects, limits)
    app.extensions["beatline_collector"] = collector
    app.wsgi_app = FrontDoor(app.wsgi_app, collector)  # type: ignore[method-assign]
    return app
