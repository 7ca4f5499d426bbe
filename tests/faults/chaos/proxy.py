"""A network that fails: TCP connections that are passed on, cut, refused or delayed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from beatline.embedded import LOOPBACK

T = TypeVar("T")
READ_BYTES = 65_536


class Proxy:
    """Passes connections to `port` on to another port of the loopback address.

    delay: seconds that everything waits, in each direction.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self.delay = 0.0
        self.is_cut = False
        self.transports: set[asyncio.BaseTransport] = set()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, name="proxy", daemon=True)
        self.thread.start()
        self.server = self.call(asyncio.start_server(self.accept, LOOPBACK, 0))
        self.port = int(self.server.sockets[0].getsockname()[1])

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something in the proxy's own thread."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(10)

    def cut(self) -> None:
        """Break every connection, and each new one, until `mend`."""
        self.is_cut = True
        self.call(self.break_all())

    def mend(self) -> None:
        """Pass on at once again."""
        self.is_cut = False
        self.delay = 0.0

    async def break_all(self) -> None:
        for transport in list(self.transports):
            abort(transport)

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Connect one client with the target, until one of the two hangs up."""
        try:
            if self.is_cut:
                raise ConnectionRefusedError
            far_reader, far_writer = await asyncio.open_connection(LOOPBACK, self.target)
        except OSError:
            abort(writer.transport)
            return
        ends = {writer.transport, far_writer.transport}
        self.transports |= ends
        await asyncio.gather(self.pass_on(reader, far_writer), self.pass_on(far_reader, writer))
        self.transports -= ends

    async def pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One direction."""
        try:
            while data := await reader.read(READ_BYTES):
                if self.delay:
                    await asyncio.sleep(self.delay)
                writer.write(data)
                await writer.drain()
        except OSError:
            abort(writer.transport)
        else:
            writer.close()

    def stop(self) -> None:
        """Break every connection and listen no more."""
        self.cut()
        self.call(self.close())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()
        self.loop.close()

    async def close(self) -> None:
        self.server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*others, return_exceptions=True)


def abort(transport: asyncio.BaseTransport) -> None:
    """Close a connection without sending what waits."""
    assert isinstance(transport, asyncio.WriteTransport)
    transport.abort()


@contextmanager
def proxy(target: int) -> Iterator[Proxy]:
    """A proxy until the end of the block."""
    running = Proxy(target)
    try:
        yield running
    finally:
        running.stop()
