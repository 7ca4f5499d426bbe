"""PostgreSQL and Valkey out of Python wheels, run as child processes that we own.

Every child holds an inherited lock file as long as it or one of its own children lives, so the lock
says reliably whether something still runs on a data folder, also after a kill -9 of its parent:

    BEATLINE_DATA/run/<name>.lock   locked while <name> lives; holds its process id
    BEATLINE_DATA/logs/<name>.log   what <name> writes
    BEATLINE_DATA/<name>.url        address and password of an embedded server, for its owner only
"""

from __future__ import annotations

import errno
import fcntl
import importlib.util
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from beatline.errors import StartError

LOOPBACK = "127.0.0.1"
Account = tuple[int, int]  # user id, group id
# Below the ephemeral ports of Linux and macOS: an outgoing connection can never sit on a port that
# a killed server wants back.
PORTS = range(20_000, 32_000)
STOP_SECONDS = 10.0
LOG_BYTES = 10 * 2**20
POLL_SECONDS = 0.05
NO_SETPRIV = (
    "PostgreSQL refuses to run as root, and setpriv (of util-linux 2.33 or newer), which would "
    "run it as nobody, is missing: install util-linux, or start as a user."
)
DAC_READ_SEARCH = 2  # number of the capability in linux/capability.h
SETPCAP = 8


def private_folder(path: Path) -> Path:
    """The absolute path of a folder, made when missing and then closed to other users."""
    path = path.absolute()
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def package_folder(name: str) -> Path:
    """The folder of an installed package, without running its code."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise StartError(f"The Python package {name} is not installed: run `make setup`.")
    return Path(spec.submodule_search_locations[0])


def port_is_free(port: int, host: str = LOOPBACK) -> bool:
    """Whether a server could listen there now. Raises OSError when the host is not ours."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise
    return True


def free_port() -> int:
    """A loopback port that nobody listens on."""
    while True:
        port = secrets.choice(PORTS)
        if port_is_free(port):
            return port


def keep_url(path: Path, template: str, port: int | None) -> str:
    """The URL of an embedded server, kept in path; template has {password} and {port}.

    The password is made once. Without a port the one of last time is taken, or else a free one.
    Raises StartError when the port given is in use.
    """
    text = path.read_text().strip() if path.exists() else ""
    kept = urlsplit(text)
    if port is None:
        port = kept.port if kept.port and port_is_free(kept.port) else free_port()
    elif not port_is_free(port):
        raise StartError(f"port {port} of {path.stem} is in use.")
    url = template.format(password=kept.password or secrets.token_hex(24), port=port)
    if url != text:
        write_private(path, url)
    return url


def write_private(path: Path, text: str) -> None:
    """Write a file for its owner only, whole or not at all."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text + "\n")
    draft.replace(path)


def keep_secret(path: Path) -> str:
    """The secret in a file, made at random when there is none yet."""
    if not path.exists():
        write_private(path, secrets.token_urlsafe(24))
    return path.read_text().strip()


def lock(data: Path, name: str, wait: float = STOP_SECONDS) -> IO[str]:
    """Take the lock of a service; it is held until every copy of the file is closed.

    Raises StartError, naming the holder, when it is not free within wait seconds.
    """
    file = open_lock(data, name)
    deadline = time.monotonic() + wait
    while not try_lock(file):
        if time.monotonic() >= deadline:
            holder = read_holder(file)
            file.close()
            raise StartError(f"{name} already runs on {data} (process {holder}).")
        time.sleep(POLL_SECONDS)
    return file


def open_lock(data: Path, name: str) -> IO[str]:
    """The lock file of a service, not yet locked."""
    path = private_folder(data / "run") / f"{name}.lock"
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+")


def try_lock(file: IO[str]) -> bool:
    """Take the lock of an open file if it is free."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def read_holder(file: IO[str]) -> int:
    """The process id in a lock file: the holder, or the last one; 0 when it never had one."""
    file.seek(0)
    return int(file.read() or 0)


def write_holder(file: IO[str], pid: int) -> None:
    """Note in a lock file who holds it."""
    file.seek(0)
    file.truncate()
    file.write(f"{pid}\n")
    file.flush()


def launch(  # noqa: PLR0913 - each one is a thing to say about a process
    data: Path,
    name: str,
    command: Sequence[str],
    *,
    held: IO[str] | None = None,
    stop_signal: signal.Signals = signal.SIGTERM,
    account: Account | None = None,
    environ: Mapping[str, str] | None = None,
    folder: Path | None = None,
    text: str = "",
) -> subprocess.Popen[bytes]:
    """Start a command in a session of its own, with its lock and its log.

    held: the service's lock, when the caller has taken it already; it is closed here.
    stop_signal: what the child gets when this process dies (where setpriv can arrange it).
    account: user and group id to run as. text: what the child reads on standard input.
    """
    with (
        held or lock(data, name) as mine,
        open_log(data, name) as log,
        tempfile.TemporaryFile() as source,
    ):
        source.write(text.encode())
        source.seek(0)
        process = subprocess.Popen(
            [*run_as(account, stop_signal), *command],
            stdin=source,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=environ,
            cwd=folder,
            pass_fds=[mine.fileno()],
            start_new_session=True,
        )
        write_holder(mine, process.pid)
    return process


def run_as(account: Account | None, parent_death: signal.Signals | None = None) -> list[str]:
    """The setpriv prefix that runs a command as another user and, or, ends it with its parent.

    Linux ends a child with the thread that made it, so only the main thread's children are tied.
    """
    tied = parent_death and threading.current_thread() is threading.main_thread()
    tool = setpriv() if account or tied else None
    if tool is None:
        if account:
            raise StartError(NO_SETPRIV)
        return []
    prefix = [tool]
    if parent_death and tied:
        prefix += ["--pdeathsig", parent_death.name.removeprefix("SIG")]
    if account:
        prefix += [f"--reuid={account[0]}", f"--regid={account[1]}", "--clear-groups"]
        if can_read_anywhere():
            # PostgreSQL looks for its programs with access(2), which forgets capabilities without the bit.
            prefix += ["--securebits=+no_setuid_fixup"]
            prefix += [f"--{kind}-caps=+dac_read_search" for kind in ("inh", "ambient")]
    return prefix


def can_read_anywhere() -> bool:
    """Whether root may let another user pass all folders; in most containers it may not."""
    status = Path("/proc/self/status").read_text()
    effective = next(line for line in status.splitlines() if line.startswith("CapEff:"))
    needed = 1 << DAC_READ_SEARCH | 1 << SETPCAP
    return int(effective.split()[1], 16) & needed == needed


@cache
def setpriv() -> str | None:
    """util-linux's setpriv; None where there is none (macOS) or only BusyBox's small one."""
    path = shutil.which("setpriv")
    if path is None:
        return None
    usage = subprocess.run([path, "--help"], capture_output=True, text=True, check=False)
    return path if "--pdeathsig" in usage.stdout else None


def open_log(data: Path, name: str) -> IO[bytes]:
    """The log of a service, to append to; one that has grown large is set aside first."""
    path = log_path(data, name)
    if path.exists() and path.stat().st_size > LOG_BYTES:
        path.replace(path.with_suffix(".log.old"))
    return open(path, "ab")


def log_path(data: Path, name: str) -> Path:
    """Where the log of a service is."""
    return private_folder(data / "logs") / f"{name}.log"


def wait_ready(
    data: Path,
    name: str,
    process: subprocess.Popen[bytes],
    ready: Callable[[], bool],
    seconds: float,
) -> None:
    """Wait until a server answers; one that ends or stays mute is stopped and a StartError."""
    deadline = time.monotonic() + seconds
    try:
        while has_ended(process) or not ready():
            if process.returncode is not None:
                raise StartError(f"{name} {ending(process)} at its start.{log_end(data, name)}")
            if time.monotonic() > deadline:
                raise StartError(f"{name} is not ready after {seconds} s.{log_end(data, name)}")
            time.sleep(POLL_SECONDS)
    except BaseException:
        terminate(process, signal.SIGTERM)
        raise


def ending(process: subprocess.Popen[bytes]) -> str:
    """How a process that is no more has ended."""
    code = process.returncode
    return f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"


def log_end(data: Path, name: str, lines: int = 15) -> str:
    """The last lines of a log, as the end of an error message."""
    path = log_path(data, name)
    with suppress(OSError):
        tail = path.read_bytes()[-8_000:].decode(errors="replace").splitlines()[-lines:]
        return "\n".join([f" The end of {path}:", *tail])
    return ""


def has_ended(process: subprocess.Popen[bytes]) -> bool:
    """Whether a process has ended; what it has left of its own children is then killed."""
    if process.returncode is None and process.poll() is not None:
        kill_group(process)
    return process.returncode is not None


def kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a process that launch has started, and its children that are in its group still.

    Only while it runs or as soon as it was reaped: later its number may be another's.
    """
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def terminate(
    process: subprocess.Popen[bytes], stop_signal: signal.Signals, seconds: float = STOP_SECONDS
) -> None:
    """Ask a process to stop, kill it and what is left of its group after that time; reap it.

    Also right for a process that is dead already.
    """
    if has_ended(process):
        return
    process.send_signal(stop_signal)
    with suppress(subprocess.TimeoutExpired):
        process.wait(seconds)
    kill_group(process)
    process.wait()


def stop_leftover(data: Path, name: str, stop_signal: signal.Signals, seconds: float = STOP_SECONDS) -> bool:
    """Stop what an earlier, killed parent has left running; whether there was anything.

    Only for who knows that the parent is dead. Raises StartError when it cannot be stopped.
    """
    with open_lock(data, name) as file:
        if try_lock(file):
            return False
        holder = read_holder(file)
    for how, patience in ((stop_signal, seconds), (signal.SIGKILL, STOP_SECONDS)):
        if holder > 1:
            with suppress(ProcessLookupError):
                os.kill(holder, how)
        with suppress(StartError):
            lock(data, name, patience).close()
            return True
    raise StartError(f"{name} of an earlier start (process {holder}) does not stop: end it first.")
