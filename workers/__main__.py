"""`python -m workers`: the schedule and the threads that work off its jobs, in one process or in two."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from functools import partial

from dramatiq import Worker
from prometheus_client import disable_created_metrics

import beatline.logs
from beatline.errors import StartError
from beatline.settings import Settings
from workers.actors import Work, make_actors, make_workers, sending_broker
from workers.broker import broker_url
from workers.leader import run_schedule
from workers.metrics import make_registry
from workers.monitor import read_health, serve
from workers.pulse import Pulse
from workers.tasks import QUEUES

STOP_MS = 25_000  # that work may go on for after SIGTERM; closing takes a few seconds more
SCHEDULE, JOBS = "schedule", "jobs"


def main() -> None:
    """Work until SIGTERM or SIGINT, then finish what is running."""
    parser = argparse.ArgumentParser(prog="python -m workers", description=__doc__)
    parser.add_argument("part", nargs="?", choices=[SCHEDULE, JOBS], help="only this part; else both")
    parser.add_argument(
        "--queues", nargs="+", choices=QUEUES, default=QUEUES, help="work off these only; else all"
    )
    given = parser.parse_args()
    queues = () if given.part == SCHEDULE else tuple(given.queues)
    try:
        settings = Settings.from_env()
        require(settings)
        beatline.logs.configure(settings.log_level)
        run(settings, Work(), schedule=given.part != JOBS, queues=queues)
    except StartError as error:
        sys.exit(str(error))


def run(settings: Settings, work: Work, *, schedule: bool, queues: tuple[str, ...]) -> None:
    """Run the schedule, the jobs of some queues, or both until SIGTERM or SIGINT. Raises StartError."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    disable_created_metrics()  # type: ignore[no-untyped-call]
    pulse = Pulse()
    registry = make_registry(settings, QUEUES, pulse)
    actors = make_actors(settings, registry, work)
    broker = sending_broker(actors)
    workers = make_workers(actors, queues)
    serve(settings, registry, partial(read_health, settings, workers, pulse if schedule else None))
    for worker in workers:
        worker.start()
    if schedule:
        run_schedule(settings, work, broker, stop, pulse)
    stop.wait()
    stop_all(workers)
    broker.close()


def stop_all(workers: list[Worker]) -> None:
    """Let the workers finish what they are at, all at the same time. What takes longer is begun again
    elsewhere."""
    stopping = [threading.Thread(target=worker.stop, args=[STOP_MS]) for worker in workers]
    for thread in stopping:
        thread.start()
    for thread in stopping:
        thread.join()
    for worker in workers:
        worker.broker.close()


def require(settings: Settings) -> None:
    """Raise StartError unless the database and Valkey are named, and the broker is of a known kind."""
    for name in ("database_url", "redis_url"):
        if getattr(settings, name) is None:
            raise StartError(f"BEATLINE_{name.upper()} is not set; `beatline up` sets it")
    broker_url(settings)


if __name__ == "__main__":
    main()
