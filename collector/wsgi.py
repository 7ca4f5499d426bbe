"""What the web server loads, once in each process."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from multiprocessing.process import BaseProcess as Parent

import beatline.logs
from beatline.settings import Settings
from collector import create_app
from collector.metrics import forget_dead_processes

STOP_SECONDS = 10.0


def stop_with_parent(parent: Parent) -> None:
    """Stop this process in order when granian's main process is gone, killed for example: nobody would stop
    or replace it any more, and it would keep the port."""
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(STOP_SECONDS)
    os._exit(1)


def watch_parent() -> None:
    """Tie a process of granian to its main process. (Gunicorn's look after themselves.)

    Until granian sets its own handler, a signal ends the process at once; the inherited one would ignore it.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    threading.Thread(target=stop_with_parent, args=[parent], name="parent", daemon=True).start()


watch_parent()
settings = Settings.from_env()
beatline.logs.configure(settings.log_level)
forget_dead_processes()
app = create_app(settings)
