"""`python -m workers`: the schedule and the threads that work off its jobs, in one process or in two."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from functools import partial

import dramatiq
from prometheus_client import disable_created_metrics

import beatline.logs
from beatline.errors import StartError
from beatline.settings import Settings
from workers.actors import QUEUE, make_broker, send
from workers.metrics import make_registry
from workers.monitor import read_health, serve
from workers.schedule import Pulse, run_schedule

THREADS = 4
STOP_MS = 30_000
SCHEDULE, JOBS = "schedule", "jobs"


def main() -> None:
    """Work until SIGTERM or SIGINT, then finish what is running."""
    parser = argparse.ArgumentParser(prog="python -m workers", description=__doc__)
    parser.add_argument("part", nargs="?", choices=[SCHEDULE, JOBS], help="only this part; else both")
    part = parser.parse_args().part
    try:
        settings = Settings.from_env()
        require(settings)
        beatline.logs.configure(settings.log_level)
        run(settings, schedule=part != JOBS, jobs=part != SCHEDULE)
    except StartError as error:
        sys.exit(str(error))


def run(settings: Settings, *, schedule: bool, jobs: bool) -> None:
    """Run the schedule, the jobs or both until SIGTERM or SIGINT. Raises StartError."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    disable_created_metrics()  # type: ignore[no-untyped-call]
    pulse = Pulse()
    registry = make_registry(settings, [QUEUE], pulse)
    broker = make_broker(settings, registry)
    worker = dramatiq.Worker(broker, worker_threads=THREADS) if jobs else None
    serve(settings, registry, partial(read_health, settings, worker, pulse if schedule else None))
    if worker:
        worker.start()
    if schedule:
        run_schedule(settings, partial(send, broker), stop, pulse)
    stop.wait()
    if worker:
        worker.stop(timeout=STOP_MS)
    broker.close()


def require(settings: Settings) -> None:
    """Raise StartError unless the database and Valkey are named."""
    for name in ("database_url", "redis_url"):
        if getattr(settings, name) is None:
            raise StartError(f"BEATLINE_{name.upper()} is not set; `beatline up` sets it")


if __name__ == "__main__":
    main()
