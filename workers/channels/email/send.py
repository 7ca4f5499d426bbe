"""Sends an e-mail, by the mail server of the settings."""

from __future__ import annotations

import re
import smtplib
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as WIRE
from email.utils import format_datetime, getaddresses
from html import escape

from beatline.notifications.channels import EmailTarget, Message, Refused, Unavailable, Unregistered
from beatline.settings import Settings
from workers.channels.answers import collapse_id
from workers.channels.email.server import mail_server, session

SECONDS = 20.0  # for each step of the conversation
SETTINGS_PAGE = "/settings/notifications"
# Enhanced status codes (RFC 3463, 3.2 and 3.3; RFC 7505): the address does not exist or takes no mail.
NO_SUCH_ADDRESS = re.compile(r"\b5\.(1\.(1|2|3|6|10)|2\.1)\b")


def send(
    target: EmailTarget,
    message: Message,
    settings: Settings,
    *,
    seconds: float = SECONDS,
) -> str | None:
    """Send a message; returns its Message-ID, which is the same in a repetition."""
    if settings.smtp_url is None:
        raise Refused("e-mail is not set up: BEATLINE_SMTP_URL is not set")
    server = mail_server(settings.smtp_url)
    mail = composed(target, message, settings)
    try:
        with session(server, seconds) as smtp:
            hand_in(smtp, mail)
    except smtplib.SMTPResponseException as error:
        raise refusal(error.smtp_code, said(error.smtp_error)) from error
    except smtplib.SMTPNotSupportedError as error:
        raise Refused(f"the mail server cannot do what is needed: {error}") from error
    except (smtplib.SMTPException, OSError) as error:
        raise Unavailable(f"{server.host}: {described(error)}") from error
    return str(mail["Message-ID"])


def hand_in(smtp: smtplib.SMTP, mail: EmailMessage) -> None:
    """Give a mail to the server. Raises Unregistered for an address that is none, Unavailable when the
    connection broke, and smtplib's errors."""
    try:
        smtp.send_message(mail)
    except smtplib.SMTPRecipientsRefused as error:
        ((code, words),) = error.recipients.values()
        if code >= 500 and NO_SUCH_ADDRESS.search(said(words)):
            raise Unregistered(f"{code} {said(words)}") from error
        raise refusal(code, said(words)) from error
    except (smtplib.SMTPResponseException, smtplib.SMTPNotSupportedError):
        raise
    except OSError as error:  # smtplib's are among them: the connection broke, perhaps after the mail
        raise Unavailable(described(error), unknown=True) from error


def refusal(code: int, words: str) -> Refused | Unavailable:
    """What a negative answer means: 4xx may work later, 5xx never (RFC 5321, 4.2.1)."""
    text = f"{code} {words}"
    return Refused(text) if code >= 500 else Unavailable(text)


def composed(target: EmailTarget, message: Message, settings: Settings) -> EmailMessage:
    """The mail. One subject is one thread: later mails refer to what collapse makes an id of."""
    sender = sender_of(settings)
    mail = EmailMessage(policy=WIRE)
    mail["From"] = sender
    mail["To"] = address_of("", target.address, "The device's address")
    mail["Subject"] = one_line(message.title)
    mail["Date"] = format_datetime(message.created_at.astimezone(UTC))
    mail["Message-ID"] = f"<{message.delivery_id}@{sender.domain}>"
    mail["References"] = f"<{collapse_id(message.collapse)}@{sender.domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    if message.severity == "critical":
        mail["Importance"] = "high"
    settings_url = page(settings, SETTINGS_PAGE)
    if settings_url:
        mail["List-Unsubscribe"] = f"<{settings_url}>"
    mail.set_content(as_text(message, settings_url))
    mail.add_alternative(as_html(message, settings_url), subtype="html")
    return mail


def as_text(message: Message, settings_url: str | None) -> str:
    """The mail for those who read plain text."""
    parts = [message.title, message.body, message.url, f"{message.severity}, {when(message.created_at)}"]
    foot = f"-- \nWhat you are told, and where: {settings_url}" if settings_url else None
    return "\n\n".join(part for part in (*parts, foot) if part) + "\n"


def as_html(message: Message, settings_url: str | None) -> str:
    """The same in HTML."""
    title, body = escape(message.title), escape(message.body).replace("\n", "<br>\n")
    link = f'<p><a href="{escape(message.url)}">Open in Beatline</a></p>\n' if message.url else ""
    foot = (
        f'<p><small><a href="{escape(settings_url)}">What you are told, and where</a></small></p>\n'
        if settings_url
        else ""
    )
    return (
        f"<!doctype html>\n<html><head><title>{title}</title></head><body>\n"
        f"<h2>{title}</h2>\n<p>{body}</p>\n{link}"
        f"<p><small>{escape(message.severity)}, {when(message.created_at)}</small></p>\n"
        f"{foot}</body></html>\n"
    )


def when(at: datetime) -> str:
    """A time in words."""
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def one_line(text: str) -> str:
    """A text for a header: no line breaks or other control characters."""
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())


def sender_of(settings: Settings) -> Address:
    """Who writes. Raises Refused for a setting that is no address."""
    named = getaddresses([settings.mail_from or f"Beatline <{settings.admin_email}>"])
    name, address = named[0] if len(named) == 1 else ("", "")
    return address_of(name, address, "BEATLINE_MAIL_FROM")


def address_of(name: str, address: str, whose: str) -> Address:
    """An address as headers take it. Raises Refused for one that is none."""
    try:
        return Address(display_name=name, addr_spec=address)
    except (ValueError, IndexError, HeaderParseError) as error:
        raise Refused(f"{whose} is no e-mail address: {address!r}") from error


def page(settings: Settings, path: str) -> str | None:
    """A page of the console, where its address is known."""
    return f"{settings.console_url.rstrip('/')}{path}" if settings.console_url else None


def said(words: bytes | str) -> str:
    """A server's words, to be read by whoever looks after it."""
    text = words.decode(errors="replace") if isinstance(words, bytes) else words
    return one_line(text)[:300]


def described(error: Exception) -> str:
    """What happened, in a few words."""
    return f"{type(error).__name__} {error}".strip()[:200]
