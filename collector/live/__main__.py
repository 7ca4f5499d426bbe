"""`python -m collector.live`: the live server, on the settings' address and the live port."""

from __future__ import annotations

import sys

from aiohttp import web
from prometheus_client import disable_created_metrics

import beatline.logs
from beatline.errors import StartError
from beatline.settings import Settings
from collector.live.server import LiveServer

STOP_SECONDS = 3.0


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    try:
        settings = Settings.from_env()
        if settings.redis_url is None:
            raise StartError("BEATLINE_REDIS_URL is not set; `beatline up` sets it")
    except StartError as error:
        sys.exit(str(error))
    beatline.logs.configure(settings.log_level)
    disable_created_metrics()  # type: ignore[no-untyped-call]
    web.run_app(
        make_app(settings), host=settings.host, port=settings.live_port, print=None, access_log=None,
        handler_cancellation=True, shutdown_timeout=STOP_SECONDS,
    )  # fmt: skip


async def make_app(settings: Settings) -> web.Application:
    """The application, made inside of the loop that runs it."""
    return LiveServer(settings).app()


if __name__ == "__main__":
    main()
