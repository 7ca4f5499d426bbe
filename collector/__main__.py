"""`python -m collector`: the web server with its processes, on the settings' address."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from beatline.errors import StartError
from beatline.settings import Settings


def main() -> None:
    """Become the web server. Its processes share one folder of metrics, emptied here."""
    try:
        settings = Settings.from_env()
    except StartError as error:
        sys.exit(str(error))
    folder = settings.data / "metrics" / "collector"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder.resolve())
    command = server_command(settings)
    os.execv(command[0], command)  # noqa: S606 - our own arguments, no shell


def server_command(settings: Settings) -> list[str]:
    """The command line of the chosen server (docs/benchmarks.md compares them)."""
    executables = Path(sys.executable).parent
    address = f"{settings.host}:{settings.port}"
    workers, threads = str(settings.workers), str(settings.threads)
    if settings.server == "granian":
        return [
            str(executables / "granian"), "--interface", "wsgi", "--no-ws",
            "--host", settings.host, "--port", str(settings.port),
            "--workers", workers, "--blocking-threads", threads, "--backpressure", "1024",
            "--runtime-mode", "st", "--workers-kill-timeout", "10", "--respawn-failed-workers",
            "--no-access-log", "--log-level", "error", "collector.wsgi:app",
        ]  # fmt: skip
    worker = ["gevent", "--worker-connections", "1000"]
    if settings.server == "gthread":
        worker = ["gthread", "--threads", threads]
    return [
        str(executables / "gunicorn"), "--bind", address, "--workers", workers,
        "--worker-class", *worker, "--keep-alive", "75", "--graceful-timeout", "20",
        "--log-level", "warning", "collector.wsgi:app",
    ]  # fmt: skip


if __name__ == "__main__":
    main()
