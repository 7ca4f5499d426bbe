"""The built console at /, when it was built; its hashed assets may be cached for ever."""

from __future__ import annotations

from pathlib import Path

from flask import Flask, Response, abort, request, send_from_directory

from collector.api.access import public
from collector.api.live_place import live_url
from collector.security_headers import as_page
from collector.services import services

DIST = Path(__file__).resolve().parents[1] / "console" / "dist"
NOT_BUILT = "The console is not built; `make up` builds it where Node 20 is installed. The API is at /docs."

# The first part of each page's path, as in console/src/pages/index.ts; what lies below is the console's.
PAGES = (
    "event-log", "users", "reports", "alerts", "catalogue", "rejected-events", "sources", "settings",
    "sign-in",
)  # fmt: skip


def init_console(app: Flask) -> None:
    """Serve the console from the app."""
    app.add_url_rule("/", view_func=console_page)
    for page in PAGES:
        app.add_url_rule(f"/{page}", view_func=console_page)
        app.add_url_rule(f"/{page}/<path:rest>", view_func=console_page)
    app.add_url_rule("/assets/<path:name>", view_func=console_asset)
    app.add_url_rule("/favicon.svg", view_func=console_favicon)
    app.add_url_rule("/push-worker.js", view_func=console_push_worker)
    app.after_request(no_such_page)


@public
def console_page(rest: str = "") -> Response:
    """The page itself, never cached: it names the assets of this build. Its script reads the path."""
    if not (DIST / "index.html").exists():
        abort(404, NOT_BUILT)
    response = send_from_directory(DIST, "index.html")
    response.headers["Cache-Control"] = "no-cache"
    return as_console(response)


def as_console(response: Response) -> Response:
    """Let an answer be a page of the console, which reads the live preview on another port too."""
    return as_page(response, live_url(services().settings, request.host_url))


def no_such_page(response: Response) -> Response:
    """A browser that was led to no page at all is shown the console's own words instead of JSON."""
    browser = request.method == "GET" and "text/html" in request.headers.get("Accept", "")
    found = response.status_code != 404 or request.url_rule is not None or request.path.startswith("/api/")
    if found or not browser or not (DIST / "index.html").exists():
        return response
    page = Response((DIST / "index.html").read_bytes(), 404, mimetype="text/html")
    return as_console(page)


@public
def console_asset(name: str) -> Response:
    """A script or style; its name changes with its content."""
    response = send_from_directory(DIST / "assets", name)
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


@public
def console_favicon() -> Response:
    """The icon of the page."""
    return send_from_directory(DIST, "favicon.svg")


@public
def console_push_worker() -> Response:
    """The service worker that shows what is pushed to a browser; at the root, since it opens every page."""
    response = send_from_directory(DIST, "push-worker.js")
    response.headers["Cache-Control"] = "no-cache"
    return response
