"""Apple Push Notification service: what it demands of a request, and its answers.

A request that Apple would refuse gets the reason that Apple's table of errors has for it.
"""

from __future__ import annotations

import json
import re
import ssl
from datetime import datetime, timedelta
from uuid import UUID

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.providers.http2 import Http2Server
from tests.providers.https import Received, Reply, json_reply

KEY_ID, TEAM_ID, TOPIC = "ABC123DEFG", "DEF123GHIJ", "org.example.beatline"
DEVICE = "00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0"
OLDEST_TOKEN = timedelta(hours=1)
PUSH_TYPES = {"alert", "background", "voip"}


class Apns(Http2Server):
    """now: the time of Apple's clock."""

    def __init__(self, tls: ssl.SSLContext, now: datetime) -> None:
        super().__init__(tls)
        self.now = now
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.provider_tokens: list[str] = []

    @property
    def p8(self) -> str:
        """The key as Apple gives it out."""
        return self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()

    def answer(self, request: Received) -> Reply:
        refusal = self.refused_token(request.headers) or refused_request(request)
        if refusal:
            return reason(*refusal)
        return Reply(200, {"apns-id": request.headers["apns-id"]})

    def refused_token(self, headers: dict[str, str]) -> tuple[int, str] | None:
        """What is wrong with the provider token."""
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme != "bearer":
            return 403, "MissingProviderToken"
        try:
            key_id = jwt.get_unverified_header(token).get("kid")
            claims = jwt.decode(
                token,
                self.key.public_key(),
                algorithms=["ES256"],
                options={"require": ["iss", "iat"], "verify_iat": False},
            )
        except jwt.InvalidTokenError:
            return 403, "InvalidProviderToken"
        if (key_id, claims["iss"]) != (KEY_ID, TEAM_ID):
            return 403, "InvalidProviderToken"
        if abs(self.now.timestamp() - claims["iat"]) > OLDEST_TOKEN.total_seconds():
            return 403, "ExpiredProviderToken"
        if token not in self.provider_tokens:
            self.provider_tokens.append(token)
        return None


def refused_request(request: Received) -> tuple[int, str] | None:
    """What is wrong with a request, as Apple's table of errors orders it."""
    headers = request.headers
    path = re.fullmatch(r"/3/device/([0-9a-f]*)", request.path)
    checks = [
        (request.method == "POST", (405, "MethodNotAllowed")),
        (path, (404, "BadPath")),
        (path and len(path[1]) == 64, (400, "BadDeviceToken")),
        ("apns-topic" in headers, (400, "MissingTopic")),
        (headers.get("apns-topic") == TOPIC, (400, "DeviceTokenNotForTopic")),
        (is_uuid(headers.get("apns-id", "")), (400, "BadMessageId")),
        (len(headers.get("apns-collapse-id", "").encode()) <= 64, (400, "BadCollapseId")),
        (headers.get("apns-priority", "10") in ("1", "5", "10"), (400, "BadPriority")),
        (re.fullmatch(r"\d+", headers.get("apns-expiration", "0")), (400, "BadExpirationDate")),
        (headers.get("apns-push-type") in PUSH_TYPES, (400, "InvalidPushType")),
        (len(request.body) <= 4_096, (413, "PayloadTooLarge")),
        (is_payload(request.body), (400, "PayloadEmpty")),
    ]
    return next((refusal for right, refusal in checks if not right), None)


def is_uuid(text: str) -> bool:
    """Whether it is a UUID in its canonical form of 36 characters."""
    return bool(re.fullmatch(r"[0-9a-f-]{36}", text)) and str(UUID(text)) == text


def is_payload(body: bytes) -> bool:
    """Whether it is JSON with a dictionary aps that has an alert."""
    payload = json.loads(body)
    return isinstance(payload, dict) and "alert" in payload.get("aps", {})


def reason(status: int, word: str, **headers: str) -> Reply:
    """An error in Apple's shape."""
    content = {"reason": word} | ({"timestamp": 1_700_000_000_000} if status == 410 else {})
    return json_reply(status, content, **headers)
