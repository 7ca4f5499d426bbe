"""Firebase Cloud Messaging: Google's token endpoint (RFC 7523) and the API HTTP v1.

A message that is not as the reference of v1 wants it gets Google's 400.
"""

from __future__ import annotations

import json
import re
import ssl
import time
from functools import cache
from typing import Any
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.providers.https import HttpServer, Received, Reply, json_reply

PROJECT = "beatline-demo"
EMAIL = f"pushes@{PROJECT}.iam.gserviceaccount.com"
SCOPE = "https://www.googleapis.com/auth/firebase.messaging"
AUDIENCE = "https://oauth2.googleapis.com/token"  # wherever token_uri leads
GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
BAD_REQUEST = "type.googleapis.com/google.rpc.BadRequest"
FIELDS = {"token", "notification", "data", "android"}
ANDROID = {"collapse_key", "priority", "ttl", "notification"}


@cache
def account_key() -> rsa.RSAPrivateKey:
    """The account's key; making one takes long."""
    return rsa.generate_private_key(65_537, 2_048)


class Fcm(HttpServer):
    """Both servers of Google in one; token_faults are for the token endpoint, faults for messages."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        super().__init__(tls)
        self.key = account_key()
        self.tokens: list[str] = []
        self.messages: list[dict[str, Any]] = []

    @property
    def account(self) -> str:
        """The service account as Google's console gives it out."""
        pem = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return json.dumps(
            {
                "type": "service_account",
                "project_id": PROJECT,
                "private_key_id": "0123456789abcdef",
                "private_key": pem.decode(),
                "client_email": EMAIL,
                "client_id": "1",
                "token_uri": f"{self.url}/token",
            }
        )

    def answer(self, request: Received) -> Reply:
        if request.path == "/token":
            return self.give_token(request)
        if request.path != f"/v1/projects/{PROJECT}/messages:send":
            return Reply(404, {"Content-Type": "text/html"}, b"<!DOCTYPE html>That's an error.")
        return self.take_message(request)

    def give_token(self, request: Received) -> Reply:
        """An access token for an assertion that this account has signed."""
        form = parse_qs(request.body.decode())
        if form.get("grant_type") != [GRANT]:
            return json_reply(400, {"error": "unsupported_grant_type"})
        try:
            claims = jwt.decode(
                form["assertion"][0],
                self.key.public_key(),
                algorithms=["RS256"],
                audience=AUDIENCE,
                issuer=EMAIL,
                options={"require": ["iss", "aud", "iat", "exp", "scope"]},
            )
        except jwt.InvalidTokenError as error:
            return json_reply(400, {"error": "invalid_grant", "error_description": str(error)})
        if (
            claims["scope"] != SCOPE
            or claims["exp"] - claims["iat"] > 3_600
            or claims["iat"] > time.time() + 60
        ):
            return json_reply(400, {"error": "invalid_scope"})
        self.tokens.append(f"ya29.{len(self.tokens)}")
        return json_reply(200, {"access_token": self.tokens[-1], "expires_in": 3_599, "token_type": "Bearer"})

    def take_message(self, request: Received) -> Reply:
        """The message's name, if all is right."""
        if not self.tokens or request.headers.get("authorization") != f"Bearer {self.tokens[-1]}":
            return error(401, "UNAUTHENTICATED")
        if request.headers.get("content-type") != "application/json":
            return error(400, "INVALID_ARGUMENT", field="content-type")
        content = json.loads(request.body)
        if wrong := wrong_field(content):
            return error(400, "INVALID_ARGUMENT", field=wrong)
        self.messages.append(content["message"])
        return json_reply(200, {"name": f"projects/{PROJECT}/messages/0:{len(self.messages)}"})


def wrong_field(content: dict[str, Any]) -> str | None:
    """The first field that v1 would not take."""
    message = content.get("message", {})
    android = message.get("android", {})
    checks = {
        "message": content.keys() == {"message"} and message.keys() <= FIELDS,
        "message.token": re.fullmatch(r"[\w:-]{20,}", message.get("token", "")),
        "message.notification": message.get("notification", {}).keys() <= {"title", "body", "image"},
        "message.data": all(type(value) is str for value in message.get("data", {}).values())
        and not any(re.match("from$|message_type$|google|gcm", name) for name in message.get("data", {})),
        "message.android": android.keys() <= ANDROID,
        "message.android.ttl": re.fullmatch(r"\d+s", android.get("ttl", "0s"))
        and int(android.get("ttl", "0s")[:-1]) <= 2_419_200,
        "message.android.priority": android.get("priority", "NORMAL") in ("NORMAL", "HIGH"),
        "message.android.notification": android.get("notification", {}).keys() <= {"tag"},
        "message.size": len(json.dumps(message["notification"], ensure_ascii=False).encode()) <= 4_096,
    }
    return next((name for name, right in checks.items() if not right), None)


def error(
    status: int, general: str, code: str | None = None, field: str | None = None, **headers: str
) -> Reply:
    """An error in Google's shape."""
    details: list[dict[str, Any]] = []
    if code:
        details.append({"@type": FCM_ERROR, "errorCode": code})
    if field:
        violation = {"field": field, "description": "Invalid"}
        details.append({"@type": BAD_REQUEST, "fieldViolations": [violation]})
    content = {"code": status, "message": "Request failed.", "status": general, "details": details}
    return json_reply(status, {"error": content}, **headers)
