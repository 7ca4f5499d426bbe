"""The mail server that the settings name, and connections to it."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from beatline.notifications.channels import Refused

PORTS = {"smtp": 587, "smtps": 465}
TLS = ("", "required", "off")


@dataclass(frozen=True)
class MailServer:
    """Where mail is handed in. tls: required; off; or empty: STARTTLS if the server offers it."""

    scheme: str
    host: str
    port: int
    user: str
    password: str
    tls: str


@cache
def mail_server(url: str) -> MailServer:
    """The server of a URL, smtp[s]://user:password@host:port?tls=required. Raises Refused for a bad one."""
    try:
        parts = urlsplit(url)
        options = parse_qs(parts.query, strict_parsing=True) if parts.query else {}
        return checked(parts, parts.port, options.pop("tls", [""])[0], options)
    except ValueError as error:
        raise Refused(f"BEATLINE_SMTP_URL cannot be used: {error}") from None


def checked(parts: SplitResult, port: int | None, tls: str, unknown: dict[str, list[str]]) -> MailServer:
    """The server of a URL in its parts. Raises ValueError, whose text has nothing of the URL."""
    if parts.scheme not in PORTS or not parts.hostname:
        raise ValueError("it must begin with smtp:// or smtps:// and a host")
    if tls not in TLS or unknown:
        raise ValueError("the only option is tls=required or tls=off")
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if user and not tls:
        tls = "required"  # a password is not told to whoever listens
    return MailServer(parts.scheme, parts.hostname, port or PORTS[parts.scheme], user, password, tls)


@contextmanager
def session(server: MailServer, seconds: float) -> Iterator[smtplib.SMTP]:
    """A connection, encrypted and signed in as the server's URL says; seconds: for each step.

    Raises what smtplib raises, or OSError.
    """
    context = ssl.create_default_context()
    if server.scheme == "smtps":
        smtp: smtplib.SMTP = smtplib.SMTP_SSL(
            server.host, server.port, own_name(), timeout=seconds, context=context
        )
    else:
        smtp = smtplib.SMTP(server.host, server.port, own_name(), timeout=seconds)
    try:
        smtp.ehlo_or_helo_if_needed()
        if server.scheme == "smtp" and (
            server.tls == "required" or (server.tls == "" and smtp.has_extn("starttls"))
        ):
            smtp.starttls(context=context)
        if server.user:
            smtp.login(server.user, server.password)
        yield smtp
        with suppress(OSError, smtplib.SMTPException):  # it has the mail
            smtp.quit()
    finally:
        smtp.close()


@cache
def own_name() -> str:
    """This machine's name, as it greets with; looked up once, since that may take long."""
    return socket.getfqdn()
