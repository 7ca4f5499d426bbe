"""Writes the .env of docker-compose.yml, with random secrets: python3 deploy/make_env.py [DOMAIN]

A file that is there is never touched. With a DOMAIN the stack is for the world: reachable at every address of
the machine, and closed to events without a write key. Only Python's own library is needed.
"""

from __future__ import annotations

import os
import re
import secrets
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOMAIN = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", re.IGNORECASE)

TEXT = """\
# Settings and secrets of docker-compose.yml, written by `make env`. Keep it to yourself, and in your backup.
# docs/deploy-compose.md says how to change a secret later.

# The name that people and SDKs use. For a name of the public DNS a public CA gives the certificate;
# for localhost, an address or *.internal Caddy's own.
BEATLINE_DOMAIN={domain}
# The address of this machine at which it answers; 0.0.0.0: every one.
BEATLINE_ADDRESS={address}
# Whether events without a write key go to the default project.
BEATLINE_OPEN_INGEST={open_ingest}
# Days after which raw events are dropped; empty: never.
BEATLINE_RETENTION_DAYS=

# The address of the first account; its password is in `docker compose logs migrate`, once.
BEATLINE_ADMIN_EMAIL=admin@localhost

# Who administers Beatline gives this token, and signs in to Grafana as admin with this password.
BEATLINE_ADMIN_TOKEN={admin_token}
BEATLINE_GRAFANA_ADMIN_PASSWORD={grafana_admin_password}

# Between the services: nobody has to type them.
BEATLINE_POSTGRES_PASSWORD={postgres_password}
BEATLINE_DATABASE_PASSWORD={database_password}
BEATLINE_COLLECTOR_DATABASE_PASSWORD={collector_database_password}
BEATLINE_WORKERS_DATABASE_PASSWORD={workers_database_password}
BEATLINE_GRAFANA_DATABASE_PASSWORD={grafana_database_password}
BEATLINE_VALKEY_PASSWORD={valkey_password}
BEATLINE_RABBITMQ_PASSWORD={rabbitmq_password}
BEATLINE_GRAFANA_TOKEN={grafana_token}
# What Grafana encrypts its own secrets with: it cannot be changed later.
BEATLINE_GRAFANA_SECRET_KEY={grafana_secret_key}
"""
SECRETS = (
    "admin_token", "grafana_admin_password", "postgres_password", "database_password",
    "collector_database_password", "workers_database_password", "grafana_database_password",
    "valkey_password", "rabbitmq_password", "grafana_token", "grafana_secret_key",
)  # fmt: skip


def env_text(domain: str) -> str:
    """The content of the file. The secrets have 192 bits, and only characters that any URL or shell takes."""
    public = bool(domain)
    return TEXT.format(
        domain=domain or "localhost",
        address="0.0.0.0" if public else "127.0.0.1",  # noqa: S104 - that is what a domain is for
        open_ingest="off" if public else "on",
        **{name: secrets.token_hex(24) for name in SECRETS},
    )


def write_env(path: Path, domain: str) -> None:
    """Write the file, readable by its owner only. Raises FileExistsError, and leaves what is there."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(env_text(domain))


def main(path: Path, domain: str = "") -> None:
    """Write the file, or say why not."""
    if domain and not DOMAIN.fullmatch(domain):
        sys.exit(f"{domain!r} is no domain: give the name only, such as events.example.org")
    try:
        write_env(path, domain)
    except FileExistsError:
        sys.exit(f"{path} is there already, and stays as it is. To begin anew, move it away first.")
    print(f"Wrote {path}, readable by you only. Next: docker compose up -d")


if __name__ == "__main__":
    main(ROOT / ".env", *sys.argv[1:2])
