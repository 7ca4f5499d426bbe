"""Prometheus and Grafana beside the stack, where they are installed, with this repository's provisioning.

They are extras: what is missing, or cannot be started, is said, and the stack runs without it. Both listen on
the loopback address only. Secrets are made once, kept in the data folder, and passed in the environment.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from beatline import embedded
from beatline.settings import Settings

ROOT = Path(__file__).parents[1]
PROMETHEUS, GRAFANA = "prometheus", "grafana"
TOKEN_FILE, DATABASE_PASSWORD_FILE = "grafana-token", "grafana-database-password"
ADMIN_PASSWORD_FILE = "grafana-password"  # noqa: S105 - a file's name
SECRET_KEY_FILE = "grafana-secret-key"  # noqa: S105 - with it Grafana encrypts passwords that it stores
DATABASE_ROLE = "beatline_grafana"
PROVISIONING = ROOT / "grafana" / "provisioning"
HOME_BOARD = PROVISIONING / "dashboards" / "definitions" / "product" / "live.json"
SSL_MODES = ("disable", "require", "verify-ca", "verify-full")  # what Grafana knows of libpq's
# The error budget is of 30 days (prometheus/rules/service_levels.yml).
RETENTION = ("--storage.tsdb.retention.time=35d", "--storage.tsdb.retention.size=2GB")
OWN_PAGES = rf"https?://({re.escape(embedded.LOOPBACK)}|localhost)(:\d+)?"
HOW_TO_GET = {
    PROMETHEUS: "not installed: `apt install prometheus`, or https://prometheus.io/download/",
    GRAFANA: "not installed: https://grafana.com/grafana/download",
}


@dataclass(frozen=True)
class Extra:
    """A program to start beside the stack. about: where it is, or why it is not started, then without a
    command; environ: its whole environment."""

    name: str
    about: str
    command: tuple[str, ...] = ()
    environ: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Stack:
    """What the extras need to know of it. targets: host:port of each job that Prometheus scrapes."""

    settings: Settings
    data: Path
    database_url: str
    collector_url: str
    targets: Mapping[str, str]


def settle(settings: Settings, data: Path) -> Settings:
    """The settings with the secrets that collector and database share with a Grafana to be started."""
    if not settings.observability or find_grafana() is None:
        return settings
    token = settings.grafana_token or embedded.keep_secret(data / TOKEN_FILE)
    password = settings.grafana_database_password or embedded.keep_secret(data / DATABASE_PASSWORD_FILE)
    return replace(settings, grafana_token=token, grafana_database_password=password)


def extras(stack: Stack) -> list[Extra]:
    """Prometheus and Grafana, with the files they need written; none when they are switched off."""
    return [prometheus(stack), grafana(stack)] if stack.settings.observability else []


def port_in_use(name: str, port: int) -> str:
    """Why a program is not started whose port is in use; empty when it is free."""
    if embedded.port_is_free(port):
        return ""
    variable = f"BEATLINE_{name.upper()}_PORT"
    return f"not started: port {port} is in use; choose another one with {variable}"


def prometheus(stack: Stack) -> Extra:
    """Prometheus, with its configuration in the data folder."""
    port = stack.settings.prometheus_port
    program = shutil.which(PROMETHEUS)
    reason = port_in_use(PROMETHEUS, port) if program else HOW_TO_GET[PROMETHEUS]
    if program is None or reason:
        return Extra(PROMETHEUS, reason)
    address = f"{embedded.LOOPBACK}:{port}"
    folder = embedded.private_folder(stack.data / PROMETHEUS)
    write_configuration(folder / "configuration", {**stack.targets, PROMETHEUS: address})
    command = (
        program,
        f"--config.file={folder / 'configuration' / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'storage'}",
        f"--web.listen-address={address}",
        f"--web.cors.origin={OWN_PAGES}",
        *RETENTION,
    )
    return Extra(PROMETHEUS, f"http://{address}/", command, inherited())


def write_configuration(folder: Path, targets: Mapping[str, str]) -> None:
    """Copy Prometheus' configuration and rules, with targets (host:port by job) in place of Compose's."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(ROOT / "prometheus", folder, ignore=shutil.ignore_patterns("targets", "tests"))
    groups = [{"labels": {"job": job}, "targets": [address]} for job, address in targets.items()]
    (folder / "targets").mkdir()
    (folder / "targets" / "up.yml").write_text(json.dumps(groups, indent=2) + "\n")  # JSON is YAML


def grafana(stack: Stack) -> Extra:
    """Grafana, with the provisioning of the repository."""
    found = find_grafana()
    if found is None:
        return Extra(GRAFANA, HOW_TO_GET[GRAFANA])
    program, words = found
    home = grafana_home(program)
    if home is None:
        return Extra(GRAFANA, f"not started: the files that belong to {program} are not beside it")
    reason = port_in_use(GRAFANA, stack.settings.grafana_port)
    if reason:
        return Extra(GRAFANA, reason)
    place = f"http://{embedded.LOOPBACK}:{stack.settings.grafana_port}/"
    about = f"{place} as admin, with the password in {stack.data / ADMIN_PASSWORD_FILE}"
    command = (str(program), *words, f"--homepath={home}")
    environ = inherited() | grafana_settings(stack) | provisioned(stack)
    return Extra(GRAFANA, about, command, environ)


def find_grafana() -> tuple[Path, tuple[str, ...]] | None:
    """Grafana's program on the PATH and the words that start its server; None: not installed."""
    for name, words in (("grafana", ("server",)), ("grafana-server", ())):
        if program := shutil.which(name):
            return Path(program).resolve(), words
    return None


def grafana_home(program: Path) -> Path | None:
    """The folder with the pages and defaults of a Grafana; None when it is not in a usual place.

    It is above bin/ in the archive from grafana.com, and share/grafana in Homebrew and in distributions.
    """
    prefix = program.parents[1]
    places = (prefix, prefix / "share" / "grafana", Path("/usr/share/grafana"))
    return next((place for place in places if (place / "conf" / "defaults.ini").is_file()), None)


def inherited() -> dict[str, str]:
    """Our environment without what is Beatline's own, or would be taken for a setting of Grafana."""
    return {name: text for name, text in os.environ.items() if not name.startswith(("BEATLINE_", "GF_"))}


def grafana_settings(stack: Stack) -> dict[str, str]:
    """Grafana's settings, as GF_<SECTION>_<KEY>."""
    folder = embedded.private_folder(stack.data / GRAFANA)
    return {
        "GF_PATHS_DATA": str(folder),
        "GF_PATHS_LOGS": str(folder / "log"),
        "GF_PATHS_PLUGINS": str(folder / "plugins"),
        "GF_PATHS_PROVISIONING": str(PROVISIONING),
        "GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH": str(HOME_BOARD),
        "GF_LOG_MODE": "console",
        "GF_SERVER_HTTP_ADDR": embedded.LOOPBACK,
        "GF_SERVER_HTTP_PORT": str(stack.settings.grafana_port),
        "GF_SECURITY_ADMIN_USER": "admin",
        "GF_SECURITY_ADMIN_PASSWORD": embedded.keep_secret(stack.data / ADMIN_PASSWORD_FILE),
        "GF_SECURITY_SECRET_KEY": embedded.keep_secret(stack.data / SECRET_KEY_FILE),
        "GF_SECURITY_DISABLE_GRAVATAR": "true",
        "GF_AUTH_ANONYMOUS_ENABLED": "false",
        "GF_USERS_ALLOW_SIGN_UP": "false",
        "GF_ANALYTICS_REPORTING_ENABLED": "false",
        "GF_ANALYTICS_CHECK_FOR_UPDATES": "false",
        "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES": "false",
        "GF_NEWS_NEWS_FEED_ENABLED": "false",
        "GF_PLUGINS_PREINSTALL_DISABLED": "true",
    }


def provisioned(stack: Stack) -> dict[str, str]:
    """The variables in grafana/provisioning."""
    database = conninfo_to_dict(stack.database_url)
    host = str(database.get("host") or embedded.LOOPBACK)
    return {
        "BEATLINE_GRAFANA_DATABASE_HOST": host_and_port(host, str(database.get("port") or 5432)),
        "BEATLINE_GRAFANA_DATABASE_NAME": str(database.get("dbname") or database.get("user") or ""),
        "BEATLINE_GRAFANA_DATABASE_USER": DATABASE_ROLE,
        "BEATLINE_GRAFANA_DATABASE_PASSWORD": str(stack.settings.grafana_database_password),
        "BEATLINE_GRAFANA_DATABASE_SSLMODE": ssl_mode(host, database.get("sslmode")),
        "BEATLINE_GRAFANA_TOKEN": str(stack.settings.grafana_token),
        "BEATLINE_PROMETHEUS_URL": f"http://{embedded.LOOPBACK}:{stack.settings.prometheus_port}",
        "BEATLINE_COLLECTOR_URL": stack.collector_url,
    }


def host_and_port(host: str, port: str) -> str:
    """host:port, an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def ssl_mode(host: str, asked: object) -> str:
    """How Grafana connects: as the database's URL says, else encrypted unless it is on this machine."""
    if asked in SSL_MODES:
        return str(asked)
    return "disable" if host in (embedded.LOOPBACK, "localhost", "::1") else "require"
