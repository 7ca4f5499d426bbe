"""E-mail by a real SMTP server: what arrives, by which way, and what the server's answers mean."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from contextlib import AbstractContextManager
from email.message import EmailMessage
from functools import partial
from typing import Any
from urllib.parse import quote

import pytest

from beatline.notifications.channels import EmailTarget, Refused, Unavailable, Unregistered
from beatline.settings import Settings
from tests.fixtures.collectors import free_port
from tests.providers.certificates import Authority
from tests.providers.mail_server import PASSWORD, USER, MailServer, running
from tests.providers.messages import MESSAGE, message
from workers.channels.email.send import send

ANN = EmailTarget("ann@example.com")
SIGNED_IN = f"{USER}:{quote(PASSWORD, safe='')}@"
Running = Callable[..., AbstractContextManager[int]]


@pytest.fixture
def server() -> MailServer:
    """A mail server that is not started yet."""
    return MailServer()


@pytest.fixture
def certified(trusted: Authority) -> ssl.SSLContext:
    """TLS of a server that clients of this test trust."""
    return trusted.server_context("localhost")


def settings(url: str, **changes: Any) -> Settings:
    """Settings with a mail server."""
    return Settings(smtp_url=url, mail_from="Beatline <events@example.org>", **changes)


def parts(mail: EmailMessage) -> dict[str, str]:
    """The parts of a mail by their types."""
    return {part.get_content_type(): part.get_content() for part in mail.iter_parts()}


def test_given_a_message_then_the_mail_says_it_in_text_and_html(server: MailServer) -> None:
    with running(server) as port:
        given = settings(f"smtp://localhost:{port}", console_url="https://beatline.example.org/")
        message_id = send(ANN, MESSAGE, given)

    (mail,) = server.mails
    assert server.recipients == [["ann@example.com"]]
    assert mail["From"] == "Beatline <events@example.org>"
    assert mail["To"] == "ann@example.com"
    assert mail["Subject"] == MESSAGE.title
    assert mail["Message-ID"] == message_id == f"<{MESSAGE.delivery_id}@example.org>"
    assert mail["Date"].datetime == MESSAGE.created_at
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["List-Unsubscribe"] == "<https://beatline.example.org/settings/notifications>"
    text, html = parts(mail)["text/plain"], parts(mail)["text/html"]
    for part in (MESSAGE.title, MESSAGE.body, str(MESSAGE.url), "critical", "/settings/notifications"):
        assert part in text
    assert "No &quot;purchase&quot; for 10 minutes — Käufe fehlen 🔔" in html
    assert f'href="{MESSAGE.url}"' in html


def test_given_news_of_one_subject_then_they_are_one_thread(server: MailServer) -> None:
    with running(server) as port:
        for collapse in ("watch:17", "watch:17", "watch:18"):
            send(ANN, message(collapse=collapse), settings(f"smtp://localhost:{port}"))

    threads = [mail["References"] for mail in server.mails]
    assert threads[0] == threads[1] != threads[2]
    assert [mail["List-Unsubscribe"] for mail in server.mails] == [None] * 3


HOSTILE = {
    "a header": "Sale\r\nBcc: everybody@example.com",
    "a body": "Sale\r\n\r\n<h1>Pay here</h1>",
    "other breaks": "Sale\x0bBcc: x@example.com\u2028Bcc: y@example.com\x85Bcc: z@example.com\0",
    "long": "Sale " * 60,
    "empty": " \r\n",
}


@pytest.mark.parametrize("title", HOSTILE.values(), ids=HOSTILE)
def test_given_a_hostile_title_then_it_stays_a_subject(server: MailServer, title: str) -> None:
    with running(server) as port:
        send(ANN, message(title=title, body="<script>x</script>"), settings(f"smtp://localhost:{port}"))

    (mail,) = server.mails
    assert server.recipients == [["ann@example.com"]]
    assert mail["Bcc"] is None
    known = {"From", "To", "Subject", "Date", "Message-ID", "References", "Auto-Submitted", "Importance"}
    assert set(mail.keys()) == known | {"MIME-Version", "Content-Type"}
    assert "<script>" not in parts(mail)["text/html"]
    assert "<h1>" not in parts(mail)["text/html"]


@pytest.mark.parametrize("address", ["ann,eve@example.com", "ann@example.com, eve@example.com", "a b", ""])
def test_given_an_address_that_is_none_then_nothing_is_sent(server: MailServer, address: str) -> None:
    with running(server) as port, pytest.raises(Refused):
        send(EmailTarget(address), MESSAGE, settings(f"smtp://localhost:{port}"))
    assert server.mails == []


# The URL's beginning and end, what the server offers, and whether the mail is encrypted and signed in.
WAYS: dict[str, tuple[str, str, list[str], tuple[bool, str | None]]] = {
    "plain": ("smtp://", "", [], (False, None)),
    "STARTTLS as it is offered": ("smtp://", "", ["starttls"], (True, None)),
    "STARTTLS is needed": ("smtp://", "?tls=required", ["starttls"], (True, None)),
    "STARTTLS is not wanted": ("smtp://", "?tls=off", ["starttls"], (False, None)),
    "TLS": ("smtps://", "", ["tls"], (True, None)),
    "a password by STARTTLS": (f"smtp://{SIGNED_IN}", "", ["starttls"], (True, USER)),
    "a password by TLS": (f"smtps://{SIGNED_IN}", "", ["tls", "auth"], (True, USER)),
}


@pytest.mark.parametrize(("start", "end", "offered", "expected"), WAYS.values(), ids=WAYS)
def test_given_a_url_then_mail_goes_that_way(
    server: MailServer,
    certified: ssl.SSLContext,
    start: str,
    end: str,
    offered: list[str],
    expected: tuple[bool, str | None],
) -> None:
    options: dict[str, Any] = {name: certified for name in ("starttls", "tls") if name in offered}
    if "auth" in offered:  # aiosmtpd counts STARTTLS as encryption only
        options["auth_require_tls"] = False
    with running(server, **options) as port:
        send(ANN, MESSAGE, settings(f"{start}localhost:{port}{end}"))

    assert (server.encrypted, server.users) == ([expected[0]], [expected[1]])


def test_given_no_starttls_then_no_password_is_sent(server: MailServer) -> None:
    with running(server, auth_require_tls=False) as port, pytest.raises(Refused, match="STARTTLS"):
        send(ANN, MESSAGE, settings(f"smtp://{SIGNED_IN}localhost:{port}"))
    assert server.mails == []


@pytest.mark.parametrize(("name", "port_of"), [("starttls", "smtp"), ("tls", "smtps")])
def test_given_a_certificate_of_another_host_then_nothing_is_sent(
    server: MailServer, trusted: Authority, name: str, port_of: str
) -> None:
    other = trusted.server_context("mail.example.net")
    with running(server, **{name: other}) as port, pytest.raises(Unavailable, match="certificate"):
        send(ANN, MESSAGE, settings(f"{port_of}://localhost:{port}"))
    assert server.mails == []


def test_given_a_wrong_password_then_it_is_refused_and_not_told(
    server: MailServer, certified: ssl.SSLContext
) -> None:
    with running(server, starttls=certified) as port, pytest.raises(Refused, match="535") as refused:
        send(ANN, MESSAGE, settings(f"smtp://{USER}:wr0ng@localhost:{port}"))
    assert "wr0ng" not in str(refused.value)


# What the server says to a command, and what it means.
ANSWERS: list[tuple[str, str, type[Exception]]] = [
    ("rcpt", "550 5.1.1 No such user here", Unregistered),
    ("rcpt", "553 5.1.3 Bad address", Unregistered),
    ("rcpt", "550 5.2.1 Mailbox disabled", Unregistered),
    ("rcpt", "550 5.7.1 Relaying denied", Refused),
    ("rcpt", "550 You are on our list", Refused),
    ("rcpt", "450 4.2.1 Greylisted, try 5.1.1 later", Unavailable),
    ("rcpt", "452 4.2.2 Mailbox full", Unavailable),
    ("mail", "550 5.7.1 Sender refused", Refused),
    ("mail", "451 4.3.0 Not now", Unavailable),
    ("data", "554 5.6.0 Spam", Refused),
    ("data", "452 4.3.1 Disk full", Unavailable),
]


@pytest.mark.parametrize(("command", "answer", "expected"), ANSWERS)
def test_given_an_answer_then_it_is_told_apart(
    server: MailServer, command: str, answer: str, expected: type[Exception]
) -> None:
    setattr(server, f"{command}_answer", answer)
    with running(server) as port, pytest.raises(expected) as raised:
        send(ANN, MESSAGE, settings(f"smtp://localhost:{port}"))
    assert answer in str(raised.value)
    assert server.mails == []


@pytest.mark.parametrize("taken", [False, True])
def test_given_the_connection_breaks_then_nobody_knows_and_a_repetition_has_the_same_id(
    server: MailServer, taken: bool
) -> None:
    server.data_answer, server.takes_before_it_drops = MailServer.DROP, taken
    with running(server) as port:
        again = partial(send, ANN, MESSAGE, settings(f"smtp://localhost:{port}"))
        with pytest.raises(Unavailable) as broken:
            again()
        server.data_answer = ""
        again()

    assert broken.value.unknown
    assert len({mail["Message-ID"] for mail in server.mails}) == 1
    assert len(server.mails) == 1 + taken


def test_given_nobody_listens_then_it_is_tried_later() -> None:
    with pytest.raises(Unavailable) as raised:
        send(ANN, MESSAGE, settings(f"smtp://127.0.0.1:{free_port()}"))
    assert not raised.value.unknown


def test_given_a_server_that_says_nothing_then_it_is_not_waited_for(server: MailServer) -> None:

    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(Unavailable, match="imed out"):
        send(ANN, MESSAGE, settings(f"smtp://127.0.0.1:{silent.getsockname()[1]}"), seconds=0.2)


@pytest.mark.parametrize(
    "url", ["", "mail.example.com", "http://mail.example.com", "smtp://", "smtp://h:99999", "smtp://h?tls=on",
            "smtp://h?ttl=1", "smtp://h?tls"],
)  # fmt: skip
def test_given_a_url_that_is_none_then_it_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(Refused, match="BEATLINE_SMTP_URL"):
        send(ANN, MESSAGE, settings(url))


@pytest.mark.parametrize("sender", ["nobody", "a b c", "x@y, z@y"])
def test_given_a_sender_that_is_none_then_it_is_refused(sender: str) -> None:
    with pytest.raises(Refused, match="BEATLINE_MAIL_FROM"):
        send(ANN, MESSAGE, Settings(smtp_url="smtp://localhost", mail_from=sender))


def test_given_no_mail_server_then_it_is_refused() -> None:
    with pytest.raises(Refused, match="BEATLINE_SMTP_URL is not set"):
        send(ANN, MESSAGE, Settings())
