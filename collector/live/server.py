"""The live server: WebSocket and SSE on one port."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial

import structlog
from aiohttp import WSCloseCode, WSMsgType, hdrs, web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, generate_latest

from beatline import __version__
from beatline.build_info import export_version
from beatline.settings import Settings
from collector.live.access import (
    Refused,
    Seats,
    check_origin,
    check_own_network,
    let_page_read,
    refusal,
)
from collector.live.callers import Callers, Proof
from collector.live.filters import BadFilter, Filter, filter_of_message, filter_of_query
from collector.live.hub import Hub
from collector.live.notices import Notices
from collector.live.reader import HEARTBEAT, Message, Reader

log = structlog.get_logger()

HEARTBEAT_SECONDS = 15.0
LOOK_AGAIN_SECONDS = 60.0  # how long a reader whose session or token was ended goes on at most
LARGEST_REQUEST = 16 * 2**10  # bytes of a message on a WebSocket
SEND_BUFFER = 256 * 2**10  # of a reader's socket: who does not read is noticed early and costs little
BAD_FILTER, NOT_VALID = 4400, 4401  # close codes
ENDED = Message.of("error", code="unauthorized", message="You may not read this any more.", errors={})
SSE = "text/event-stream"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Send = Callable[[Message], Awaitable[None]]
Hear = Callable[[str | bytes], Awaitable[None]]


class LiveServer:
    """What the routes share."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.hub = Hub(str(settings.redis_url))
        self.notices = Notices(str(settings.redis_url))
        self.callers = Callers(settings)
        self.seats = Seats(settings)
        self.registry = CollectorRegistry()
        export_version(self.registry)
        self.shown = Counter(
            "beatline_live_shown_events_total", "Events sent to readers.", registry=self.registry
        )
        self.left_out = Counter(
            "beatline_live_left_out_events_total",
            "Events that readers were not shown, since they are too slow or the project too fast.",
            ["reason"], registry=self.registry,
        )  # fmt: skip
        self.stuck = Counter(
            "beatline_live_stuck_readers_total", "Readers disconnected since they took nothing.",
            registry=self.registry,
        )  # fmt: skip
        self.readers = Gauge("beatline_live_readers", "Readers that are connected.", registry=self.registry)
        self.readers.set_function(self.seats.taken.total)

    def app(self) -> web.Application:
        """The aiohttp application."""
        app = web.Application(middlewares=[errors_as_json])
        app.router.add_get("/api/v1/live", self.get_live, allow_head=False)
        app.router.add_get("/api/v1/live/events", self.get_events, allow_head=False)
        app.router.add_get("/api/v1/live/notifications", self.get_notifications, allow_head=False)
        app.router.add_get("/health", self.get_health)
        app.router.add_get("/metrics", self.get_metrics)
        app.router.add_options("/api/v1/live{rest:.*}", self.may_ask)
        app.on_response_prepare.append(let_page_read)
        app.cleanup_ctx.append(self.running)
        app.on_shutdown.append(self.say_goodbye)
        return app

    async def running(self, _: web.Application) -> AsyncIterator[None]:
        """The heartbeats, while the server runs."""
        heartbeats = asyncio.create_task(self.beat())
        yield
        heartbeats.cancel()
        await self.hub.close()
        await self.notices.close()
        await self.callers.close()

    async def beat(self) -> None:
        """Send something where there is nothing to send, so that nobody takes the connection for dead."""
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            for reader in self.all_readers():
                if reader.idle:
                    reader.notify(HEARTBEAT)

    def all_readers(self) -> list[Reader]:
        """Those of events and those of notifications."""
        return [*self.hub.readers(), *self.notices.readers()]

    async def say_goodbye(self, _: web.Application) -> None:
        """End every reader's connection."""
        for reader in self.all_readers():
            reader.end()

    async def may_ask(self, _: web.Request) -> web.Response:
        """The answer to a browser that asks whether a page may send the token."""
        return web.Response(status=204)

    async def get_health(self, _: web.Request) -> web.Response:
        """Whether the process answers, and Valkey."""
        connected = await self.hub.is_connected()
        return web.json_response({
            "status": "ok" if connected else "degraded",
            "version": __version__,
            "checks": {"valkey": {"status": "ok" if connected else "away"}},
            "readers": self.seats.taken.total(),
        })  # fmt: skip

    async def get_metrics(self, request: web.Request) -> web.Response:
        """Prometheus metrics, for this machine and its own network."""
        check_own_network(request)
        return web.Response(
            body=generate_latest(self.registry), headers={"Content-Type": CONTENT_TYPE_LATEST}
        )

    async def get_live(self, request: web.Request) -> web.StreamResponse:
        """The WebSocket; SSE for who asks for it; for all others where it is."""
        if request.headers.get(hdrs.UPGRADE, "").lower() == "websocket":
            return await self.get_socket(request)
        if SSE in request.headers.get(hdrs.ACCEPT, ""):
            return await self.get_events(request)
        return web.json_response({"url": self.settings.live_url or str(request.url.origin())})

    async def get_socket(self, request: web.Request) -> web.StreamResponse:
        """Live events as WebSocket messages; the reader's messages change its filter."""
        check_origin(request)
        answer = web.WebSocketResponse(compress=False, max_msg_size=LARGEST_REQUEST)
        try:
            chosen = filter_of_query(request.query)
        except BadFilter as bad:
            self.callers.proof(request)
            await answer.prepare(request)
            await answer.send_str(told(bad).json.decode())
            await answer.close(code=BAD_FILTER, message=str(bad).encode())
            return answer
        proof = await self.callers.admit(request, chosen.project_id)
        async with self.reading(request, chosen, proof) as reader:
            await answer.prepare(request)
            await self.converse(request, answer, reader, partial(self.hear, reader, proof))
        return answer

    async def converse(
        self, request: web.Request, answer: web.WebSocketResponse, reader: Reader, hear: Hear
    ) -> None:
        """Send what there is and listen, until either side ends it."""

        async def send(message: Message) -> None:
            if message is HEARTBEAT:
                await answer.ping()
            else:
                await answer.send_frame(message.json, WSMsgType.TEXT)
            if message is ENDED:
                await answer.close(code=NOT_VALID)

        async def send_all() -> None:
            if await self.send_all(request, reader, send):
                await answer.close(code=WSCloseCode.GOING_AWAY, message=b"The server is stopping.")

        sending = asyncio.create_task(send_all())
        try:
            async for message in answer:
                if message.type in (WSMsgType.TEXT, WSMsgType.BINARY):
                    await hear(message.data)
        finally:
            sending.cancel()
            with suppress(asyncio.CancelledError):
                await sending

    async def hear(self, reader: Reader, proof: Proof, text: str | bytes) -> None:
        """Take a message of a reader: another filter, or why not told."""
        try:
            chosen = filter_of_message(text, reader.filter.project_id)
        except BadFilter as bad:
            reader.notify(told(bad))
            return
        if await self.callers.may_still(proof, chosen.project_id):
            await self.hub.change(reader, chosen)
        else:
            message = f"You may not read the events of project {chosen.project_id}."
            reader.notify(Message.of("error", code="forbidden", message=message, errors={}))

    async def get_events(self, request: web.Request) -> web.StreamResponse:
        """Live events as server-sent events."""
        check_origin(request)
        try:
            chosen = filter_of_query(request.query)
        except BadFilter as bad:
            self.callers.proof(request)
            return refusal(request, 400, "invalid", str(bad), **bad.errors)
        proof = await self.callers.admit(request, chosen.project_id)
        async with self.reading(request, chosen, proof) as reader:
            return await self.stream(request, reader)

    async def stream(self, request: web.Request, reader: Reader) -> web.StreamResponse:
        """Send what there is as server-sent events, until either side ends it."""
        answer = web.StreamResponse(headers={
            "Content-Type": SSE, "Cache-Control": "no-cache", "X-Accel-Buffering": "no",
        })  # fmt: skip

        async def send(message: Message) -> None:
            await answer.write(b": heartbeat\n\n" if message is HEARTBEAT else message.sse)

        await answer.prepare(request)
        await self.send_all(request, reader, send)
        return answer

    async def get_notifications(self, request: web.Request) -> web.StreamResponse:
        """The notifications of whoever is signed in, by WebSocket or as server-sent events."""
        check_origin(request)
        proof, account_id = await self.callers.admit_account(request)
        reader = Reader(Filter())
        async with self.attended(request, reader, partial(self.callers.is_valid, proof)):
            try:
                await self.notices.join(account_id, reader)
                if request.headers.get(hdrs.UPGRADE, "").lower() != "websocket":
                    return await self.stream(request, reader)
                answer = web.WebSocketResponse(compress=False, max_msg_size=LARGEST_REQUEST)
                await answer.prepare(request)
                await self.converse(request, answer, reader, ignore)
                return answer
            finally:
                self.notices.leave(account_id, reader)

    @asynccontextmanager
    async def reading(self, request: web.Request, chosen: Filter, proof: Proof) -> AsyncIterator[Reader]:
        """A reader that gets every event from now on, with its seat, until its proof is ended. Raises
        Refused."""
        reader = Reader(chosen, self.count_left_out)

        async def may_still() -> bool:
            return await self.callers.may_still(proof, reader.filter.project_id)

        async with self.attended(request, reader, may_still):
            try:
                await self.hub.join(reader)
                yield reader
            finally:
                self.hub.leave(reader)

    @asynccontextmanager
    async def attended(
        self, request: web.Request, reader: Reader, may_still: Callable[[], Awaitable[bool]]
    ) -> AsyncIterator[None]:
        """A reader's seat, and somebody who looks whether it still may read. Raises Refused."""
        with self.seats.take(request.remote or ""):
            bound_buffers(request, self.settings.live_stuck_seconds)
            looking = asyncio.create_task(look_again(reader, may_still))
            try:
                yield
            finally:
                looking.cancel()

    def count_left_out(self, reason: str, events: int) -> None:
        """Count events that a reader was not shown."""
        self.left_out.labels(reason).inc(events)

    async def send_all(self, request: web.Request, reader: Reader, send: Send) -> bool:
        """Send until the reader is gone, or stuck: then it is cut off. True when no more messages come."""
        with suppress(ConnectionError):
            while (message := await reader.get()) is not None:
                try:
                    async with asyncio.timeout(self.settings.live_stuck_seconds):
                        await send(message)
                except TimeoutError:
                    self.stuck.inc()
                    cut(request)
                    return False
                self.shown.inc(message.events)
            return True
        return False


async def look_again(reader: Reader, may_still: Callable[[], Awaitable[bool]]) -> None:
    """End a reader once its session or token is ended, or its role taken away."""
    while True:
        await asyncio.sleep(LOOK_AGAIN_SECONDS)
        if not await may_still():
            reader.end(ENDED)


async def ignore(_: str | bytes) -> None:
    """Hear nothing of what a reader says."""


@web.middleware
async def errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every error in the one JSON shape, and the page's right to read an answer of another port."""
    try:
        return await handler(request)
    except Refused as refused:
        answer = refusal(request, refused.status, refused.code, str(refused))
        answer.headers.update(refused.headers)
        return answer
    except web.HTTPException as error:
        answer = refusal(request, error.status, error.reason.lower().replace(" ", "_"), error.reason)
        if hdrs.ALLOW in error.headers:
            answer.headers[hdrs.ALLOW] = error.headers[hdrs.ALLOW]
        return answer
    except Exception:
        log.exception("request failed", path=request.path)
        message = "Something went wrong here; it has been logged."
        return refusal(request, 500, "internal_server_error", message)


def told(bad: BadFilter) -> Message:
    """A filter's errors as a message."""
    return Message.of("error", code="invalid", message=str(bad), errors=bad.errors)


def bound_buffers(request: web.Request, stuck_seconds: int) -> None:
    """Keep little in the kernel for a reader, and notice there when it is gone without a word."""
    connection = request.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, stuck_seconds * 1_000)


def cut(request: web.Request) -> None:
    """End a connection at once, with what waits in it."""
    if request.transport is not None:
        request.transport.abort()
