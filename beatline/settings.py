"""Every setting of Beatline, read from BEATLINE_* variables once, at start.

A variable may instead be given as NAME_FILE, the path of a file that holds the value (for secrets).
docs/configuration.md lists them all, and a test compares.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Any, TypeVar

from beatline.errors import StartError

T = TypeVar("T")


def boolean(text: str) -> bool:
    """1, true, yes, on or 0, false, no, off; anything else is a ValueError."""
    value = {
        "1": True, "true": True, "yes": True, "on": True,
        "0": False, "false": False, "no": False, "off": False,
    }.get(text.lower())  # fmt: skip
    if value is None:
        raise ValueError("must be on or off")
    return value


def whole(minimum: int, maximum: int) -> Callable[[str], int]:
    """A parser for whole numbers between minimum and maximum, both allowed."""

    def parse(text: str) -> int:
        if not minimum <= int(text) <= maximum:
            raise ValueError(f"must be between {minimum} and {maximum}")
        return int(text)

    return parse


def one_of(*choices: str) -> Callable[[str], str]:
    """A parser for one of the given words."""

    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return text

    return parse


def email(text: str) -> str:
    """An e-mail address, in small letters; anything else is a ValueError."""
    if not re.fullmatch(r"[^@\s]{1,64}@[^@\s]{1,189}", text):
        raise ValueError("must be an e-mail address")
    return text.lower()


def networks(text: str) -> tuple[IPv4Network | IPv6Network, ...]:
    """Networks such as 10.0.0.0/8, divided by commas."""
    return tuple(ip_network(part.strip()) for part in text.split(","))


def setting(default: Any, parse: Callable[[str], Any], about: str) -> Any:
    """A field of Settings with its default, its parser and a sentence for the documentation."""
    return field(default=default, metadata={"parse": parse, "about": about})


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one process. Each field is the variable BEATLINE_<NAME IN CAPITALS>."""

    host: str = setting("127.0.0.1", str, "Address that the collector listens on.")
    port: int = setting(8000, whole(1, 65535), "Port that the collector listens on.")
    live_port: int = setting(8001, whole(1, 65535), "Port that the live preview listens on (docs/live.md).")
    workers_port: int = setting(
        8002, whole(1, 65535), "Port on which the workers answer `/metrics` and `/health` (docs/metrics.md)."
    )
    live_url: str | None = setting(
        None, str, "Where browsers reach the live preview; unset: the collector's host with the live port."
    )
    live_readers: int = setting(500, whole(1, 100_000), "Most readers of the live preview at once.")
    live_readers_per_address: int = setting(
        100, whole(1, 100_000), "Most readers of the live preview from one address."
    )
    live_stuck_seconds: int = setting(
        60, whole(1, 3_600), "A reader of the live preview that takes nothing for so long is disconnected."
    )
    data: Path = setting(  # noqa: RUF009 - a path cannot change
        Path(".beatline"), Path, "Folder of the embedded services, logs and temporary files."
    )
    database_url: str | None = setting(
        None, str, "PostgreSQL or TimescaleDB; unset: `beatline up` runs an embedded PostgreSQL."
    )
    redis_url: str | None = setting(
        None, str, "Valkey or Redis; unset: `beatline up` runs an embedded Valkey."
    )
    broker_url: str | None = setting(
        None,
        str,
        "Broker of the workers' messages: redis://… or amqp://… (RabbitMQ); unset: BEATLINE_REDIS_URL.",
    )
    files_url: str | None = setting(
        None, str, "Where exports and reports lie: a folder or s3://bucket/prefix; unset: in BEATLINE_DATA."
    )
    archive: bool = setting(
        False,
        boolean,
        "Days that are over are archived, and retention drops what is archived only (docs/archive.md).",
    )
    archive_url: str | None = setting(
        None,
        str,
        "Where days of events are archived: a folder or s3://bucket/prefix; unset: in BEATLINE_DATA.",
    )
    owner_database_url: str | None = setting(
        None,
        str,
        "The database as its owner, with which workers build indexes and refresh aggregates; "
        "unset: `BEATLINE_DATABASE_URL`.",
    )
    collector_database_password: str | None = setting(
        None,
        str,
        "Password that `beatline migrate` gives the role `beatline_collector` (docs/schema.md); unset: the "
        "role stays as it is.",
    )
    workers_database_password: str | None = setting(None, str, "The same for the role `beatline_workers`.")
    open_ingest: bool = setting(True, boolean, "Events without a write key go to the default project.")
    admin_token: str | None = setting(
        None,
        str,
        "Token that administration and readers of the live preview need; unset: nobody can administer, "
        "only this machine read.",
    )
    admin_email: str = setting(
        "admin@localhost", email, "Address of the first account, which is made while there is none."
    )
    open_reading: bool = setting(
        True, boolean, "Who is not signed in may read the default project's counts, but no events."
    )
    tls: bool = setting(
        False, boolean, "Clients come by HTTPS only: cookies are Secure, and HSTS is sent (docs/accounts.md)."
    )
    signing_keys: str | None = setting(
        None, str, "EC keys in PEM that sign tokens, the first one; unset: one made in the data folder."
    )
    signing_kms_keys: str | None = setting(
        None, str, "AWS KMS keys that sign tokens instead, the first one: names or ARNs, divided by commas."
    )
    demo: bool = setting(True, boolean, "`beatline up` also starts a generator of 100 events/s.")
    observability: bool = setting(
        True, boolean, "`beatline up` also starts Prometheus and Grafana, where they are installed."
    )
    prometheus_port: int = setting(
        9090, whole(1, 65535), "Port of the Prometheus that `beatline up` starts, on the loopback address."
    )
    grafana_port: int = setting(
        3000, whole(1, 65535), "Port of the Grafana that `beatline up` starts, on the loopback address."
    )
    grafana_token: str | None = setting(
        None, str, "Token with which Grafana may send alerts to `/webhooks/grafana`; unset: nobody may."
    )
    grafana_database_password: str | None = setting(
        None,
        str,
        "Password that `beatline migrate` gives the role `beatline_grafana`, with which Grafana reads; "
        "unset: the role stays as it is.",
    )
    log_level: str = setting(
        "info", one_of("debug", "info", "warning", "error"), "Least severe log lines to write."
    )
    server: str = setting(
        "granian", one_of("granian", "gthread", "gevent"), "Web server (docs/benchmarks.md)."
    )
    workers: int = setting(2, whole(1, 64), "Collector processes.")
    threads: int = setting(128, whole(1, 512), "Requests that one collector process answers at once.")
    max_body_bytes: int = setting(
        8 * 2**20, whole(2**10, 2**30), "Largest request body; a larger one is answered 413."
    )
    max_event_bytes: int = setting(2**20, whole(2**10, 2**24), "Largest properties of one event, as JSON.")
    max_batch_events: int = setting(
        10_000, whole(1, 1_000_000), "Most events of one request; more are answered 413."
    )
    key_rate: int = setting(
        50_000, whole(0, 10_000_000), "Events per second of one write key (docs/rate-limits.md); 0: no limit."
    )
    key_burst: int = setting(100_000, whole(1, 100_000_000), "Events of one write key that may come at once.")
    ip_rate: int = setting(
        10_000, whole(0, 10_000_000), "Requests per second of one client address; 0: no limit."
    )
    ip_burst: int = setting(
        20_000, whole(1, 100_000_000), "Requests of one client address that may come at once."
    )
    trusted_proxies: int = setting(
        0, whole(0, 10), "Proxies in front of the collector whose X-Forwarded-* headers are believed."
    )
    max_import_bytes: int = setting(
        2**30, whole(2**10, 2**40), "Largest file of an import, unpacked; a larger one is answered 413."
    )
    max_open_imports: int = setting(
        10, whole(1, 10_000), "Most imports of a project that are not done; more are answered 429."
    )
    import_days: int = setting(
        7, whole(1, 3_650), "Days after its end that an import and its files are kept."
    )
    flush_events: int = setting(2_000, whole(1, 100_000), "Most events of one transaction of the writer.")
    queue_events: int = setting(
        50_000, whole(1, 10_000_000), "Most events that wait in one process; then 503."
    )
    queue_bytes: int = setting(
        128 * 2**20, whole(2**10, 2**36), "Most bytes of events that wait in one process; then 503."
    )
    acknowledge_seconds: int = setting(
        15, whole(1, 300), "Longest wait of a request for its commit; then 503, not acknowledged."
    )
    spill_entries: int = setting(
        100_000,
        whole(1, 10_000_000),
        "Most batches in the spill; then 503 while the database is away.",
    )
    retention_days: int | None = setting(
        None, whole(1, 36_500), "Raw events older than this are dropped; unset: kept for ever."
    )
    rejected_events_kept: int = setting(
        10_000, whole(1, 10_000_000), "Rejected events kept per project, newest first."
    )
    export_events: int = setting(
        1_000_000, whole(1, 1_000_000_000), "Most events of one export of the event log (docs/event-log.md)."
    )
    max_export_events: int = setting(
        100_000_000, whole(1, 100_000_000_000), "Most events of one export to a file (docs/exports.md)."
    )
    max_open_exports: int = setting(
        20, whole(1, 10_000), "Most exports of a project that are not done; more are answered 429."
    )
    max_open_exports_per_account: int = setting(
        5, whole(1, 10_000), "Most exports of an account in a project that are not done; then 429."
    )
    export_days: int = setting(7, whole(1, 3_650), "Days that the file of an export is kept.")
    cache: bool = setting(
        True, boolean, "Rolling metrics and counts are kept for a second, of days that are over for ten."
    )
    alert_history_days: int = setting(
        365, whole(1, 36_500), "Days that an alert is kept after Grafana told of it the last time."
    )
    notification_days: int = setting(
        90, whole(14, 3_650), "Days that notifications and what became of them are kept."
    )
    console_url: str | None = setting(
        None,
        str,
        "Where people reach the console (https://events.example.com); unset: notifications carry no links.",
    )
    smtp_url: str | None = setting(
        None,
        str,
        "Mail server: smtp[s]://user:password@host:port (docs/notifications.md); unset: no e-mail is sent.",
    )
    mail_from: str | None = setting(
        None,
        str,
        "Sender of e-mail, `Name <address>` or an address; unset: the address of the first account.",
    )
    fcm_service_account: str | None = setting(
        None, str, "Google service account that sends to Android apps, as JSON; unset: nothing goes to them."
    )
    fcm_url: str = setting("https://fcm.googleapis.com", str, "Where Firebase Cloud Messaging is.")
    apns_key: str | None = setting(
        None, str, "Apple's key for notifications (.p8, PEM); unset: nothing is sent to iOS apps."
    )
    apns_key_id: str | None = setting(None, str, "The ten characters of that key's id.")
    apns_team_id: str | None = setting(None, str, "The ten characters of the Apple team's id.")
    apns_topic: str | None = setting(None, str, "The iOS app's bundle id.")
    apns_url: str = setting(
        "https://api.push.apple.com", str, "Where Apple's push service is, for released apps."
    )
    apns_sandbox_url: str = setting(
        "https://api.sandbox.push.apple.com", str, "Where Apple's push service is, for development builds."
    )
    vapid_private_key: str | None = setting(
        None, str, "EC key in PEM that signs Web Push (`beatline vapid`); unset: one made in the data folder."
    )
    vapid_subject: str | None = setting(
        None,
        str,
        "Whom push services may write to: mailto:… or https://…; unset: the address of the first account.",
    )
    webhook_networks: tuple[IPv4Network | IPv6Network, ...] | None = setting(
        None,
        networks,
        "Own networks that webhooks may go to, by http too, divided by commas; unset: public addresses by "
        "https only.",
    )

    @classmethod
    def from_env(cls, environ: Mapping[str, str] = os.environ) -> Settings:
        """The settings that the environment asks for.

        Raises StartError with the variable's name for a value that cannot be used.
        """
        values = {}
        for item in fields(cls):
            text = read_variable(environ, f"BEATLINE_{item.name.upper()}")
            if text is not None:
                values[item.name] = parse_variable(item.name, text, item.metadata["parse"])
        return cls(**values)


def read_variable(environ: Mapping[str, str], name: str) -> str | None:
    """The text of a variable, or of the file that NAME_FILE names; None when neither is set."""
    path = environ.get(f"{name}_FILE")
    if path:
        try:
            return Path(path).read_text().strip()
        except OSError as error:
            raise StartError(f"{name}_FILE: cannot read {path}: {error.strerror}") from error
    return environ.get(name) or None


def parse_variable(field_name: str, text: str, parse: Callable[[str], T]) -> T:
    """The value of one variable; StartError names the variable when the text cannot be used."""
    try:
        return parse(text)
    except ValueError as error:
        name = f"BEATLINE_{field_name.upper()}"
        raise StartError(f"{name}={text!r}: {error}") from error
