"""Who may read: the token, the page that asks, and how many readers there are."""

from __future__ import annotations

import hmac
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from urllib.parse import urlsplit

from aiohttp import hdrs, web

from beatline.own_network import FORWARDED, REFUSAL, may_read_metrics
from beatline.settings import Settings
from collector.answers import error_body, request_id_of


class Refused(Exception):  # noqa: N818 - an answer on its way out
    """The request is refused."""

    def __init__(self, status: int, code: str, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def refusal(request: web.Request, status: int, code: str, message: str, **errors: object) -> web.Response:
    """An error in the one JSON shape."""
    request_id = request_id_of(request.headers.get("X-Request-Id"))
    return web.json_response(error_body(code, message, request_id, errors), status=status)


def check_origin(request: web.Request) -> None:
    """Refuse a page of another host: browsers let any page open a WebSocket to us."""
    if hdrs.ORIGIN in request.headers and not is_our_page(request):
        raise Refused(403, "forbidden", "Pages of other hosts may not read live events.")


def is_our_page(request: web.Request) -> bool:
    """Whether a page of the host that the request was sent to asks; the port may differ."""
    try:
        page = urlsplit(request.headers.get(hdrs.ORIGIN, "")).hostname
        return page is not None and page == urlsplit(f"//{request.headers.get(hdrs.HOST, '')}").hostname
    except ValueError:
        return False


async def let_page_read(request: web.Request, answer: web.StreamResponse) -> None:
    """Tell a browser that a page of ours, which comes from the collector's port, may read the answer."""
    if is_our_page(request):
        answer.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = request.headers[hdrs.ORIGIN]
        answer.headers[hdrs.ACCESS_CONTROL_ALLOW_HEADERS] = hdrs.AUTHORIZATION
    answer.headers[hdrs.VARY] = hdrs.ORIGIN


def check_token(request: web.Request, settings: Settings) -> None:
    """Refuse who does not know the token: in the header, or in the query for browsers, whose WebSocket and
    EventSource cannot set headers. Without a token only this machine may read."""
    if settings.admin_token is None:
        if not is_local(request):
            raise Refused(403, "forbidden", "Reading is closed: BEATLINE_ADMIN_TOKEN is not set.")
        return
    scheme, _, header = request.headers.get("Authorization", "").partition(" ")
    given = header.strip() if scheme.lower() == "bearer" else request.query.get("token", "")
    if not hmac.compare_digest(given.encode(errors="replace"), settings.admin_token.encode()):
        raise Refused(401, "unauthorized", "The admin token is needed.", WWW_Authenticate="Bearer")


def is_local(request: web.Request) -> bool:
    """Whether the request comes from this machine, and not through a proxy on it."""
    try:
        peer = ip_address(request.remote or "")
    except ValueError:
        return False
    return peer.is_loopback and not any(name in request.headers for name in FORWARDED)


def check_own_network(request: web.Request) -> None:
    """Refuse who may not read metrics."""
    if not may_read_metrics(request.remote or "", request.headers.get):
        raise Refused(403, "forbidden", REFUSAL)


class Seats:
    """How many readers there may be, in all and from one address."""

    def __init__(self, settings: Settings) -> None:
        self.most = settings.live_readers
        self.most_per_address = settings.live_readers_per_address
        self.taken: Counter[str] = Counter()

    @contextmanager
    def take(self, address: str) -> Iterator[None]:
        """Hold a seat for the block. Raises Refused when there is none."""
        if self.taken.total() >= self.most:
            raise Refused(503, "overloaded", "There are too many readers.", Retry_After="10")
        if self.taken[address] >= self.most_per_address:
            message = "There are too many readers from this address."
            raise Refused(429, "too_many_requests", message, Retry_After="10")
        self.taken[address] += 1
        try:
            yield
        finally:
            self.taken[address] -= 1
            if not self.taken[address]:
                del self.taken[address]
