"""What the web server loads, once in each process."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time

import beatline.logs
from beatline.settings import Settings
from collector import create_app

STOP_SECONDS = 10.0


def stop_with_parent() -> None:
    """Stop this process in order when granian's main process is gone, killed for example: nobody would stop
    or replace it any more, and it would keep the port. (Gunicorn's workers look after that themselves.)"""
    parent = multiprocessing.parent_process()
    if parent is None:
        return
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(STOP_SECONDS)
    os._exit(1)


settings = Settings.from_env()
beatline.logs.configure(settings.log_level)
threading.Thread(target=stop_with_parent, name="parent", daemon=True).start()
app = create_app(settings)
