"""Swagger UI at /docs, its files served from here.

Its own page starts it by an inline script, which our policy forbids; this one starts it by a file.
"""

from __future__ import annotations

from pathlib import Path

import flask_swagger_ui
from flask import Flask, Response, send_from_directory

from collector.api.access import public
from collector.security_headers import as_page

DIST = Path(flask_swagger_ui.__file__).parent / "dist"
PAGE = """<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Beatline API</title>
    <link rel="stylesheet" href="/docs/index.css" />
    <link rel="stylesheet" href="/docs/swagger-ui.css" />
    <link rel="icon" type="image/png" href="/docs/favicon-32x32.png" />
    <script src="/docs/swagger-ui-bundle.js" defer></script>
    <script src="/docs/start.js" defer></script>
  </head>
  <body>
    <div id="swagger-ui"></div>
  </body>
</html>
"""
START = """window.ui = SwaggerUIBundle({
  dom_id: "#swagger-ui",
  url: "/openapi.json",
  deepLinking: true,
  presets: [SwaggerUIBundle.presets.apis],
})
"""


def init_docs_page(app: Flask) -> None:
    """Serve Swagger UI from the app."""
    app.add_url_rule("/docs/", view_func=docs_page)
    app.add_url_rule("/docs/start.js", view_func=docs_start)
    app.add_url_rule("/docs/<path:name>", view_func=docs_file)


@public
def docs_page() -> Response:
    """The page."""
    return as_page(Response(PAGE, mimetype="text/html"))


@public
def docs_start() -> Response:
    """What starts it."""
    return Response(START, mimetype="text/javascript")


@public
def docs_file(name: str) -> Response:
    """A file of Swagger UI."""
    return as_page(send_from_directory(DIST, name))
