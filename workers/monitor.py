"""The workers' HTTP server: GET /metrics and GET /health, for Prometheus and health checks."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from threading import Thread
from typing import Any
from uuid import uuid4

import msgspec
import structlog
from dramatiq import Worker
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from beatline import __version__
from beatline.errors import StartError
from beatline.own_network import REFUSAL, may_read_metrics
from beatline.settings import Settings
from workers.broker import is_rabbitmq, read_queue_lengths
from workers.metrics import database_answers, valkey_answers
from workers.pulse import Pulse
from workers.tasks import QUEUES

log = structlog.get_logger()

LATE_SECONDS = 15.0  # more than the schedule waits for a database that is away
SLOWEST_CLIENT_SECONDS = 5.0

Health = tuple[bool, dict[str, Any]]


def read_health(settings: Settings, workers: list[Worker], pulse: Pulse | None) -> Health:
    """Whether all is well, and how the parts are. No workers, and pulse None: another process has them."""
    checks: dict[str, Any] = {
        "database": {"status": "ok" if database_answers(settings) else "away"},
        "valkey": {"status": "ok" if valkey_answers(settings) else "away"},
    }
    if is_rabbitmq(settings):
        lengths = read_queue_lengths(settings, QUEUES)
        checks["rabbitmq"] = {"status": "ok" if lengths is not None else "away"}
    if workers:
        threads = [thread for worker in workers for thread in (*worker.workers, *worker.consumers.values())]
        alive = sum(thread.is_alive() for thread in threads)
        checks["threads"] = {"status": "ok" if 0 < alive == len(threads) else "dead", "alive": alive}
    if pulse:
        on_time = time.monotonic() - pulse.beat_at < LATE_SECONDS
        checks["schedule"] = {"status": "ok" if on_time else "late", "leads": pulse.leads}
    well = all(check["status"] == "ok" for check in checks.values())
    return well, {"status": "ok" if well else "down", "version": __version__, "checks": checks}


def serve(settings: Settings, registry: CollectorRegistry, health: Callable[[], Health]) -> None:
    """Answer from now on, in threads that end with the process. Raises StartError when the port is taken."""

    class Handler(Monitor):
        routes = {
            "/metrics": lambda handler: handler.send_metrics(registry),
            "/health": lambda handler: handler.send_health(*health()),
        }

    class Server(ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True
        address_family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET

        def handle_error(self, request: object, client_address: object) -> None:
            log.warning("answer not sent", exc_info=True)

    try:
        server = Server((settings.host, settings.workers_port), Handler)
    except OSError as error:
        where = f"BEATLINE_HOST={settings.host} and BEATLINE_WORKERS_PORT={settings.workers_port}"
        raise StartError(f"cannot listen on {where}: {error.strerror}.") from error
    Thread(target=server.serve_forever, name="monitor", daemon=True).start()


class Monitor(BaseHTTPRequestHandler):
    """One request."""

    timeout = SLOWEST_CLIENT_SECONDS
    server_version = "beatline"
    sys_version = ""
    routes: dict[str, Callable[[Monitor], None]]

    def do_GET(self) -> None:
        """Answer."""
        answer = self.routes.get(self.path.partition("?")[0])
        if answer:
            answer(self)
        else:
            self.send_refusal(404, "not_found", "There are only /metrics and /health here.")

    def send_metrics(self, registry: CollectorRegistry) -> None:
        """Prometheus metrics, for this machine and its own network."""
        if may_read_metrics(self.client_address[0], self.headers.get):
            self.send_body(200, generate_latest(registry), CONTENT_TYPE_LATEST)
        else:
            self.send_refusal(403, "forbidden", REFUSAL)

    def send_health(self, well: bool, health: dict[str, Any]) -> None:
        """How the parts are; 503 unless all is well."""
        self.send_body(200 if well else 503, msgspec.json.encode(health))

    def send_refusal(self, status: int, code: str, message: str) -> None:
        """An error in the one JSON shape."""
        content = {"code": code, "message": message, "errors": {}, "request_id": uuid4().hex}
        self.send_body(status, msgspec.json.encode(content))

    def send_body(self, status: int, body: bytes, content_type: str = "application/json") -> None:
        """An answer."""
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """The library's own errors; what it has not implemented, the client need not ask for."""
        status = {501: 405, 505: 400}.get(code, code)
        phrase = HTTPStatus(status).phrase
        self.send_refusal(status, phrase.lower().replace(" ", "_").replace("-", "_"), f"{phrase}.")

    def log_message(self, format: str, *args: Any) -> None:
        """Health checks are not worth a line."""
