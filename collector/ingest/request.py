"""An ingest request as the protocols see it, and the answers that refuse one."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from beatline.events import Reason, utc_now
from beatline.projects import Project
from beatline.rate_limits import Verdict
from collector.answers import Answer, error_body, json_answer

MAX_QUERY_FIELDS = 100


@dataclass
class Refused(Exception):  # noqa: N818 - an answer on its way out
    """The request as a whole is refused."""

    status: int
    code: str
    message: str
    errors: dict[str, Any] | None = None
    retry_after: int | None = None
    allow: str | None = None


class Request:
    """One request: method, path, query, headers, raw body; and what is found out about it on the way in."""

    __slots__ = (
        "_query", "allowed_origins", "body", "environ", "method", "path", "project", "received_at",
        "verdicts", "write_key",
    )  # fmt: skip

    def __init__(self, environ: dict[str, Any]) -> None:
        self.environ = environ
        self.method: str = environ["REQUEST_METHOD"]
        self.path: str = environ["PATH_INFO"]
        self.received_at: datetime = utc_now()
        self.body = b""
        self.project: Project | None = None
        self.write_key = ""
        self.allowed_origins: frozenset[str] | None = None
        self.verdicts: list[Verdict] = []
        self._query: dict[str, str] | None = None

    @property
    def query(self) -> dict[str, str]:
        """The query's fields, the first of each name."""
        if self._query is None:
            self._query = parse_fields(self.environ.get("QUERY_STRING") or "")
        return self._query

    def header(self, name: str) -> str | None:
        """A header by its name."""
        value = self.environ.get("HTTP_" + name.upper().replace("-", "_"))
        return str(value) if value is not None else None

    @property
    def is_chunked(self) -> bool:
        """Whether the length of the body was not said beforehand."""
        return not self.environ.get("CONTENT_LENGTH") and bool(self.environ.get("HTTP_TRANSFER_ENCODING"))

    @property
    def media_type(self) -> str:
        """The declared media type, without parameters; empty when there is none."""
        declared: str = self.environ.get("CONTENT_TYPE") or ""
        return declared.partition(";")[0].strip().lower()

    def address(self, trusted_proxies: int) -> str:
        """The client's IP address: the peer's, or what the outermost trusted proxy says of its own peer."""
        forwarded = self.header("X-Forwarded-For")
        if not trusted_proxies or not forwarded:
            return str(self.environ.get("REMOTE_ADDR") or "")
        hops = [hop.strip() for hop in forwarded.split(",")]
        return hops[-min(trusted_proxies, len(hops))]

    def own_key(self) -> str | None:
        """The write key of the Authorization header's user, or of X-Write-Key. An empty password is usual
        and a missing colon happens (CONTRACTS, section 11, pitfall 6)."""
        scheme, _, value = (self.header("Authorization") or "").partition(" ")
        if scheme.lower() == "basic":
            return basic_user(value.strip())
        return self.header("X-Write-Key")

    def bearer(self) -> str | None:
        """The bearer token, if any."""
        scheme, _, value = (self.header("Authorization") or "").partition(" ")
        return value.strip() if scheme.lower() == "bearer" else None

    def query_key(self) -> str | None:
        """The write key in the query, under any of its names."""
        query = self.query
        return query.get("writeKey") or query.get("write_key") or query.get("token") or query.get("api_key")


def parse_fields(text: str) -> dict[str, str]:
    """The fields of a query or form, the first of each name. Raises Refused when there are too many."""
    if not text:
        return {}
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MAX_QUERY_FIELDS)
    except ValueError as error:
        raise Refused(400, "bad_request", f"The query or form cannot be read: {error}.") from None
    return dict(reversed(pairs))


def basic_user(credentials: str) -> str | None:
    """The user of Basic credentials; None when they cannot be read."""
    try:
        return base64.b64decode(credentials, validate=False).decode().partition(":")[0]
    except (binascii.Error, ValueError):
        return None


def too_large(max_bytes: int) -> Refused:
    """The answer to a body beyond the limit."""
    message = f"Larger than {max_bytes} bytes."
    return Refused(413, Reason.TOO_LARGE, "The request was refused.", {"body": [message]})


def length_required() -> Refused:
    """The answer to a chunked body that would look whole when the connection breaks in the middle: servers do
    not tell the two apart."""
    message = "Send a Content-Length, or gzip: a file that is cut off could not be told from a whole one."
    return Refused(411, "length_required", message)


def malformed(message: str) -> Refused:
    """The answer to a body that cannot be read."""
    return Refused(400, Reason.MALFORMED, "The body cannot be read.", {"body": [message]})


def refusal(refused: Refused, request_id: str, *, detail: bool = False) -> Answer:
    """The answer that tells a client why it was refused; with detail, `detail` repeats the message."""
    content = error_body(refused.code, refused.message, request_id, refused.errors)
    if detail:
        content["detail"] = refused.message
    answer = json_answer(refused.status, content)
    if refused.retry_after:
        answer.headers["Retry-After"] = str(refused.retry_after)
    if refused.allow:
        answer.headers["Allow"] = refused.allow
    return answer
