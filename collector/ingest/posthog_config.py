"""What PostHog's SDKs ask before or beside capturing: remote configuration and feature flags (CONTRACTS,
sections 6.3 and 7). There are no flags and no add-ons, and the answers say so."""

from __future__ import annotations

from typing import Any

from beatline.events import uuid7
from collector.answers import Answer, json_answer
from collector.ingest.collect import Collector
from collector.ingest.posthog import route
from collector.ingest.request import Refused, Request
from collector.ingest.routes import Handler, Route

CONFIGURATION: dict[str, Any] = {
    "supportedCompression": ["gzip-js"],
    "hasFeatureFlags": True,
    "analytics": {"endpoint": "/i/v0/e/"},
    "sessionRecording": False,
    "surveys": False,
    "heatmaps": False,
    "siteApps": [],
    "isAuthenticated": False,
    "toolbarParams": {},
    "captureDeadClicks": False,
    "capturePerformance": False,
    "autocapture_opt_out": False,
    "config": {"enable_collect_everything": True},  # the same for posthog-js up to about 1.100
}
NO_FLAGS: dict[str, Any] = {
    "flags": {},
    "featureFlags": {},
    "featureFlagPayloads": {},
    "errorsWhileComputingFlags": False,
}
NO_ADD_ONS = {
    "/api/surveys": "surveys",
    "/api/web_experiments": "experiments",
    "/api/early_access_features": "earlyAccessFeatures",
    "/api/product_tours": "product_tours",
}


def configuration(collector: Collector, request: Request) -> Answer:
    """How posthog-js is to behave."""
    return json_answer(200, CONFIGURATION)


def configuration_script(collector: Collector, request: Request) -> Answer:
    """The configuration as a script, which sets none: posthog-js then asks for the JSON."""
    return Answer(
        200, b"/* There is none here: ask for config. */", {"Content-Type": "text/javascript; charset=utf-8"}
    )


def flags(collector: Collector, request: Request) -> Answer:
    """No flags, in the shapes of all generations."""
    answer = NO_FLAGS | {
        "requestId": str(uuid7()),
        "evaluatedAt": int(request.received_at.timestamp() * 1000),
    }
    if request.path.startswith("/decide") or request.query.get("config") == "true":
        answer |= CONFIGURATION
    return json_answer(200, answer)


def nothing_of(name: str) -> Handler:
    """The handler of an add-on's route: an empty list under its name."""

    def handle(collector: Collector, request: Request) -> Answer:
        return json_answer(200, {name: []})

    return handle


def not_served(collector: Collector, request: Request) -> Answer:
    """The scripts of add-ons."""
    raise Refused(404, "not_found", "This is not served here.")


GET = ("GET",)
ROUTES: dict[str, Route] = {
    "/array/{}/config": route(configuration, GET),
    "/array/{}/config.js": route(configuration_script, GET),
    "/flags": route(flags),
    "/decide": route(flags),
    **{path: route(nothing_of(name), GET) for path, name in NO_ADD_ONS.items()},
    "/static/{}": route(not_served, GET),
    "/static/{}/{}": route(not_served, GET),
}
