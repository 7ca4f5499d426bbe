"""A mail server: real SMTP by aiosmtpd, with STARTTLS, TLS and accounts, and answers as it is told."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

USER, PASSWORD = "beatline", "p@ss:w/rd"


class MailServer:
    """Keeps what it takes. Each answer may be replaced; DROP closes the connection instead."""

    DROP = "drop"

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.encrypted: list[bool] = []
        self.users: list[str | None] = []
        self.mail_answer = self.rcpt_answer = self.data_answer = ""
        self.takes_before_it_drops = False

    async def handle_MAIL(  # noqa: N802 - as aiosmtpd names it
        self, server: SMTP, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if not self.mail_answer:
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return self.mail_answer or "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if not self.rcpt_answer:
            envelope.rcpt_tos.append(address)
        return self.rcpt_answer or "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.data_answer == self.DROP:
            if self.takes_before_it_drops:
                self.keep(server, session, envelope)
            server.transport.abort()
            return "421 never heard"
        if not self.data_answer:
            self.keep(server, session, envelope)
        return self.data_answer or "250 2.0.0 taken as 4711"

    def keep(self, server: SMTP, session: Any, envelope: Any) -> None:
        """Take a mail."""
        mail = message_from_bytes(envelope.original_content, policy=default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        self.recipients.append(envelope.rcpt_tos)
        self.encrypted.append(server.transport.get_extra_info("cipher") is not None)
        self.users.append(session.auth_data)

    def sign_in(self, server: SMTP, session: Any, envelope: Any, mechanism: str, given: Any) -> AuthResult:
        """Whoever knows the password."""
        right = isinstance(given, LoginPassword) and given.password == PASSWORD.encode()
        return AuthResult(success=right, handled=False, auth_data=given.login.decode() if right else None)


class LoopController(Controller):
    """On any free port, which is known once it listens."""

    def _trigger_server(self) -> None:
        """The port is 0 until then."""
        assert self.server
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def running(
    server: MailServer,
    starttls: ssl.SSLContext | None = None,
    tls: ssl.SSLContext | None = None,
    **options: Any,
) -> Iterator[int]:
    """The port of a mail server until the end of the block."""
    controller = LoopController(
        server,
        hostname="127.0.0.1",
        port=0,
        loop=asyncio.new_event_loop(),
        ssl_context=tls,
        tls_context=starttls,
        authenticator=server.sign_in,
        **options,
    )
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()
