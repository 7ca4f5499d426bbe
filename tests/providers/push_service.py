"""A push service (RFC 8030) and the browser behind it: checks VAPID (RFC 8292), decrypts (RFC 8291)."""

from __future__ import annotations

import base64
import json
import re
import ssl
import time
from typing import Any

import http_ece
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import Vapid02

from beatline.notifications.channels import WebPushTarget
from tests.providers.https import HttpServer, Received, Reply

PATH = "/wpush/v2/gAAAAABkFcJ0"
DAY = 86_400


class PushService(HttpServer):
    """application_server_key: the one that the browser has subscribed with."""

    def __init__(self, tls: ssl.SSLContext, application_server_key: str) -> None:
        super().__init__(tls)
        self.application_server_key = application_server_key
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.secret = b"sixteen bytes...."[:16]
        self.shown: list[dict[str, Any]] = []

    @property
    def subscription(self) -> WebPushTarget:
        """What the browser gives its page."""
        point = self.key.public_key().public_bytes(
            serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
        )
        return WebPushTarget(endpoint=self.url + PATH, p256dh=base64url(point), auth=base64url(self.secret))

    def answer(self, request: Received) -> Reply:
        refusal = self.refused(request)
        if refusal:
            return Reply(*refusal)
        self.shown.append(json.loads(self.decrypt(request.body)))
        return Reply(201, {"Location": f"{self.url}/m/{len(self.shown)}"})

    def refused(self, request: Received) -> tuple[int, dict[str, str], bytes] | None:
        """What is wrong with a request."""
        headers = request.headers
        checks = [
            (request.path == PATH, 404, b"no such subscription"),
            ("authorization" in headers, 401, b"no VAPID"),
            (self.is_vapid(headers.get("authorization", "")), 403, b"VAPID is not that of the subscription"),
            (re.fullmatch(r"\d{1,10}", headers.get("ttl", "")), 400, b"TTL"),
            (headers.get("urgency") in ("very-low", "low", "normal", "high"), 400, b"Urgency"),
            (re.fullmatch(r"[\w-]{1,32}", headers.get("topic", "x")), 400, b"Topic"),
            (headers.get("content-encoding") == "aes128gcm", 400, b"Content-Encoding"),
            (len(request.body) <= 4_096, 413, b"too large"),
        ]
        return next(((status, {}, why) for right, status, why in checks if not right), None)

    def is_vapid(self, header: str) -> bool:
        """Whether the subscription's application server has signed for this origin, for a day at most."""
        parts = dict(part.split("=", 1) for part in header.removeprefix("vapid ").split(","))
        claims = json.loads(unbase64url(parts["t"].split(".")[1]))
        return bool(
            parts["k"] == self.application_server_key
            and Vapid02.verify(header)
            and claims["aud"] == self.url
            and time.time() < claims["exp"] <= time.time() + DAY
            and re.match("mailto:|https:", claims["sub"])
        )

    def decrypt(self, body: bytes) -> bytes:
        """What the browser sees."""
        plain = http_ece.decrypt(body, private_key=self.key, auth_secret=self.secret, version="aes128gcm")
        return bytes(plain)


def base64url(data: bytes) -> str:
    """As JavaScript writes it, without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unbase64url(text: str) -> bytes:
    """The bytes of that."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
