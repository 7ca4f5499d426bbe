"""A receiver of webhooks that checks signatures as Standard Webhooks tells it to."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import ssl
import time
from typing import Any

from tests.providers.https import HttpServer, Received, Reply

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
TOLERANCE = 300  # seconds


class WebhookReceiver(HttpServer):
    """server_names: those that clients have asked for in TLS."""

    def __init__(self, tls: ssl.SSLContext | None) -> None:
        super().__init__(tls)
        self.events: list[dict[str, Any]] = []
        self.server_names: list[str | None] = []
        if tls:
            tls.sni_callback = lambda _socket, name, _context: self.server_names.append(name)

    def answer(self, request: Received) -> Reply:
        if not is_signed(request):
            return Reply(401, {}, b"the signature does not match")
        self.events.append(json.loads(request.body))
        return Reply(200, {}, b"thanks")


def is_signed(request: Received) -> bool:
    """Whether one of the signatures is right, and of now."""
    headers = request.headers
    timestamp = headers["webhook-timestamp"]
    if abs(time.time() - int(timestamp)) > TOLERANCE:
        return False
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    signed = f"{headers['webhook-id']}.{timestamp}.".encode() + request.body
    right = "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    return any(hmac.compare_digest(right, given) for given in headers["webhook-signature"].split(" "))
