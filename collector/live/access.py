"""What is asked of a request before its proof: the page that asks, the network, a free seat."""

from __future__ import annotations

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
    """Tell a browser that a page of ours, which comes from the collector's port, may read the answer and send
    its cookies, which go to every port of a host."""
    if is_our_page(request):
        answer.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = request.headers[hdrs.ORIGIN]
        answer.headers[hdrs.ACCESS_CONTROL_ALLOW_CREDENTIALS] = "true"
        answer.headers[hdrs.ACCESS_CONTROL_ALLOW_HEADERS] = hdrs.AUTHORIZATION
    answer.headers[hdrs.VARY] = hdrs.ORIGIN


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
