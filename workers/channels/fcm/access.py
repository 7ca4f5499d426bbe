"""The token with which Google knows us: of a service account, for an hour (RFC 7523)."""

from __future__ import annotations

import threading
from functools import cache
from typing import Any

import msgspec
from google.auth.exceptions import GoogleAuthError
from google.oauth2.service_account import Credentials

from beatline.notifications.channels import Refused, Unavailable
from beatline.outgoing_http import Client
from workers.channels.answers import json_object, post, reason

SCOPE = "https://www.googleapis.com/auth/firebase.messaging"


class Access:
    """The tokens of one service account, shared by the threads of a process."""

    def __init__(self, account: dict[str, Any]) -> None:
        self.project_id = str(account["project_id"])
        self.credentials = Credentials.from_service_account_info(  # type: ignore[no-untyped-call]
            account, scopes=[SCOPE]
        )
        self.lock = threading.Lock()

    def token(self, client: Client, seconds: float) -> str:
        """A token that is valid for some minutes more.

        Raises Refused when Google does not know the account, and Unavailable when it cannot be asked.
        """
        if not self.lock.acquire(timeout=seconds):
            raise Unavailable("another thread is waiting for a token of Google's")
        try:
            if not self.credentials.valid:
                self.credentials.refresh(lambda **request: asked(client, seconds, **request))
            return str(self.credentials.token)
        except GoogleAuthError as error:
            raise Refused(f"Google gives no token: {error.args[0] if error.args else error}"[:300]) from error
        finally:
            self.lock.release()

    def forget_token(self) -> None:
        """Let the next call get a new one."""
        with self.lock:
            self.credentials.token = None


class TokenAnswer:
    """An answer as google-auth reads it."""

    def __init__(self, status: int, headers: dict[str, str], data: bytes) -> None:
        self.status = status
        self.headers = headers
        self.data = data


def asked(
    client: Client, seconds: float, *, url: str, headers: dict[str, str], body: bytes, **_: Any
) -> TokenAnswer:
    """The token endpoint's answer. An error that may pass is not left to google-auth, which would wait here.

    Nothing is lost when the answer is: a token more does no harm.
    """
    try:
        answer = post(client, url, headers, body, seconds)
    except Unavailable as error:
        raise Unavailable(str(error)) from error
    if answer.status >= 500 or answer.status in (408, 429):
        raise Unavailable(f"Google gives no token: {reason(answer)}")
    if answer.status == 200 and "access_token" not in json_object(answer.body):
        raise Unavailable(f"Google gives no token: {reason(answer)}")
    return TokenAnswer(answer.status, answer.headers, answer.body)


@cache
def access_of(account: str) -> Access:
    """The access of a service account, in JSON as Google gives it out. Raises Refused for another text."""
    try:
        return Access(msgspec.json.decode(account, type=dict[str, Any]))
    except (msgspec.DecodeError, GoogleAuthError, ValueError, KeyError) as error:
        raise Refused(f"BEATLINE_FCM_SERVICE_ACCOUNT is no service account of Google's: {error}") from error
