"""The collector: create_app() is the only place where its parts meet."""

from __future__ import annotations

from functools import partial

from flask import Flask
from prometheus_client import CollectorRegistry
from prometheus_flask_exporter import PrometheusMetrics

from beatline.settings import Settings
from collector.api import (
    account,
    accounts,
    admin_reads,
    alerts,
    archive,
    audit_log,
    auth,
    catalogue,
    devices,
    event_counts,
    event_log,
    exports,
    health,
    imports,
    jobs,
    live_place,
    notifications,
    openapi,
    projects,
    property_indexes,
    rejected_events,
    reports,
    rolling,
    users,
    watches,
    webhook_sources,
)  # fmt: skip
from collector.api.access import init_access
from collector.api.tokens import init_tokens
from collector.console import init_console
from collector.docs_page import init_docs_page
from collector.errors import init_errors
from collector.ingest.collect import Collector
from collector.ingest.front_door import FrontDoor
from collector.ingest.limits import IngestLimits
from collector.metrics import IngestMetrics, for_own_network
from collector.security_headers import init_security_headers
from collector.services import pooled, start_services
from collector.tracker import init_tracker

AREAS = (
    rolling.blueprint, event_counts.blueprint, catalogue.blueprint, rejected_events.blueprint,
    alerts.blueprint, devices.blueprint, notifications.blueprint,
    imports.blueprint, live_place.blueprint, auth.blueprint, auth.jwks_blueprint, account.blueprint,
    accounts.blueprint, accounts.members, audit_log.blueprint, projects.blueprint,
    webhook_sources.blueprint, event_log.blueprint, admin_reads.blueprint, users.blueprint,
    property_indexes.blueprint, reports.blueprint, exports.blueprint, exports.downloads,
    watches.blueprint,
    jobs.blueprint, archive.blueprint, health.blueprint,
)  # fmt: skip
OPEN_ENDPOINTS = frozenset({"api-docs.openapi_json", "prometheus_metrics"})  # of extensions


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
    init_security_headers(app, settings)
    init_errors(app)
    for blueprint in AREAS:
        api.register_blueprint(blueprint)
    openapi.document_ingestion(api)
    init_docs_page(app)
    init_console(app)
    init_tracker(app)
    init_tokens(app, settings)
    init_access(app, OPEN_ENDPOINTS)

    limits = IngestLimits(settings, services.rate_limits, metrics)
    database = partial(pooled, services.pool)
    collector = Collector(settings, services.writer, metrics, services.projects, limits, database)
    app.extensions["beatline_collector"] = collector
    app.wsgi_app = FrontDoor(app.wsgi_app, collector)  # type: ignore[method-assign]
    return app
