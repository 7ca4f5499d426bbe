"""The shop whose pages the browser SDKs are in: a site of its own, so that every request is cross-origin."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

PAGE = b"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Pricing</title>
<link rel="icon" href="data:,">
<button id="buy">Buy</button>
</html>
"""
PATH = "/pricing?utm_source=newsletter&utm_campaign=spring"


class Shop(BaseHTTPRequestHandler):
    """The same page under every path."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer with the page."""
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def running_shop() -> Iterator[str]:
    """The shop's URL, without a slash at its end. By name: an address would be the collector's own host."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Shop) as server:
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"http://localhost:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
