"""The built console at /, when it was built; its hashed assets may be cached for ever."""

from __future__ import annotations

from pathlib import Path

from flask import Flask, Response, abort, send_from_directory

DIST = Path(__file__).resolve().parents[1] / "console" / "dist"
NOT_BUILT = "The console is not built; `make up` builds it where Node 20 is installed. The API is at /docs."

CONTENT_POLICY = "default-src 'self'; base-uri 'none'; object-src 'none'; frame-ancestors 'none'"


def init_console(app: Flask) -> None:
    """Serve the console from the app."""
    app.add_url_rule("/", view_func=console_page)
    app.add_url_rule("/assets/<path:name>", view_func=console_asset)
    app.add_url_rule("/favicon.svg", view_func=console_favicon)


def console_page() -> Response:
    """The page itself, never cached: it names the assets of this build."""
    if not (DIST / "index.html").exists():
        abort(404, NOT_BUILT)
    response = send_from_directory(DIST, "index.html")
    response.headers["Cache-Control"] = "no-cache"
    response.headers["Content-Security-Policy"] = CONTENT_POLICY
    return response


def console_asset(name: str) -> Response:
    """A script or style; its name changes with its content."""
    response = send_from_directory(DIST / "assets", name)
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


def console_favicon() -> Response:
    """The icon of the page."""
    return send_from_directory(DIST, "favicon.svg")
