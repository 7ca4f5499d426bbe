"""The built tracker and its example page.

/tracker.js is what pages load: cached for minutes, so that a new version reaches everybody soon.
/tracker/<version>/tracker.js is one version, for ever: the version is a hash of the content, so a CDN and
browsers may keep it. Both are for pages of any origin.
"""

from __future__ import annotations

import gzip
import hashlib
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from flask import Flask, Response, abort, request, send_from_directory

from collector.api.access import public
from collector.security_headers import as_page

TRACKER = Path(__file__).resolve().parents[1] / "tracker"
SCRIPT = TRACKER / "dist" / "tracker.js"
NOT_BUILT = "The tracker is not built; `make up` builds it where Node 20 is installed."
NO_SUCH_VERSION = (
    "The tracker has no such version here; /tracker.js names the current one in Content-Location."
)

MINUTES = "public, max-age=300"
FOR_EVER = "public, max-age=31536000, immutable"


class Script(NamedTuple):
    """The built script as it is and compressed; version is 16 hex digits of the SHA-256 of its content."""

    content: bytes
    compressed: bytes
    version: str


def init_tracker(app: Flask) -> None:
    """Serve the tracker and its example from the app."""
    app.add_url_rule("/tracker.js", view_func=current_tracker)
    app.add_url_rule("/tracker/<version>/tracker.js", view_func=tracker_version)
    # A service worker rules over the folder that it is in, so its page needs the slash.
    app.add_url_rule("/example/", view_func=example_page, strict_slashes=True)
    app.add_url_rule("/example/<path:name>", view_func=example_file)


@public
def current_tracker() -> Response:
    """The script as it is now. Content-Location names the address of this version."""
    script = read_script()
    response = script_answer(script, MINUTES)
    response.headers["Content-Location"] = f"/tracker/{script.version}/tracker.js"
    return response


@public
def tracker_version(version: str) -> Response:
    """One version of the script."""
    script = read_script()
    if version != script.version:
        abort(404, NO_SUCH_VERSION)
    return script_answer(script, FOR_EVER)


def read_script() -> Script:
    """The built script; aborts with 404 when there is none."""
    try:
        built_at = SCRIPT.stat().st_mtime_ns
    except FileNotFoundError:
        abort(404, NOT_BUILT)
    return load_script(SCRIPT, built_at)


@lru_cache(maxsize=1)
def load_script(path: Path, built_at: int) -> Script:
    """Read the script; built_at tells one build of it from the next."""
    content = path.read_bytes()
    return Script(content, gzip.compress(content, mtime=0), hashlib.sha256(content).hexdigest()[:16])


def script_answer(script: Script, cache_control: str) -> Response:
    """The script, compressed for those who take it, or 304 for those who have it."""
    response = Response(script.content, content_type="text/javascript; charset=utf-8")
    if request.accept_encodings.quality("gzip") > 0:
        response.set_data(script.compressed)
        response.headers["Content-Encoding"] = "gzip"
    response.headers["Vary"] = "Accept-Encoding"
    response.headers["Cache-Control"] = cache_control
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.set_etag(script.version, weak=True)
    response.make_conditional(request)
    return response


@public
def example_page() -> Response:
    """The example page."""
    return example_file("index.html")


@public
def example_file(name: str) -> Response:
    """A file of the example page."""
    response = send_from_directory(TRACKER / "example", name)
    response.headers["Cache-Control"] = "no-cache"
    return as_page(response, geolocation=True)
