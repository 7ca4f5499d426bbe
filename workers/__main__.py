"""`python -m workers`: the schedule and the threads that work off its jobs, in one process."""

from __future__ import annotations

import signal
import sys
import threading
from functools import partial

import dramatiq

import beatline.logs
from beatline.errors import StartError
from beatline.settings import Settings
from workers.actors import make_broker, send
from workers.schedule import run_schedule

THREADS = 4
STOP_MS = 30_000


def main() -> None:
    """Work until SIGTERM or SIGINT, then finish what is running."""
    try:
        settings = Settings.from_env()
        require(settings)
    except StartError as error:
        sys.exit(str(error))
    beatline.logs.configure(settings.log_level)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    broker = make_broker(settings)
    worker = dramatiq.Worker(broker, worker_threads=THREADS)
    worker.start()
    run_schedule(settings, partial(send, broker), stop)
    worker.stop(timeout=STOP_MS)
    broker.close()


def require(settings: Settings) -> None:
    """Raise StartError unless the database and Valkey are named."""
    for name in ("database_url", "redis_url"):
        if getattr(settings, name) is None:
            raise StartError(f"BEATLINE_{name.upper()} is not set; `beatline up` sets it")


if __name__ == "__main__":
    main()
