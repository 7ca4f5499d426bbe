"""The ways to a person: what each needs to know of a device, and what it is given to send.

workers/channels/<name>/send.py has one function each:
send(target, message, settings) -> the provider's id of what was sent, or None.
It raises Unregistered, Refused or Unavailable, and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import msgspec

from beatline.errors import BeatlineError


@dataclass(frozen=True)
class Message:
    """What one device is sent.

    delivery_id is the same in every attempt, so that a provider or a device can tell a repetition.
    collapse: a later message with the same text takes this one's place. url: of the console's page, None
    where the address of the console is not known. expires_at: of no use later.
    """

    delivery_id: UUID
    kind: str
    severity: str
    title: str
    body: str
    url: str | None
    collapse: str
    created_at: datetime
    expires_at: datetime


class Unregistered(BeatlineError):  # noqa: N818 - said by the provider
    """The provider says that there is no such device any more: it is to be forgotten."""


class Refused(BeatlineError):  # noqa: N818 - said by the provider
    """The provider will never take this message: the message, the target or our credentials are wrong."""


class Unavailable(BeatlineError):  # noqa: N818 - a state
    """It may work later. retry_after: seconds that the provider asked for; None: it did not say.

    unknown: the message may have been sent, since the connection was cut before the answer.
    """

    def __init__(self, message: str, retry_after: float | None = None, *, unknown: bool = False) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.unknown = unknown


class FcmTarget(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="channel", tag="fcm"):
    """An Android app's registration token."""

    token: str


class ApnsTarget(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="channel", tag="apns"):
    """An iOS app's device token, in hex. sandbox: of a development build."""

    token: str
    sandbox: bool = False


class WebPushTarget(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="channel", tag="web_push"
):
    """A browser's PushSubscription: its endpoint, p256dh and auth keys in base64url."""

    endpoint: str
    p256dh: str
    auth: str


class EmailTarget(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="channel", tag="email"):
    """An e-mail address."""

    address: str


class WebhookTarget(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="channel", tag="webhook"
):
    """A URL that is called. secret signs what is sent."""

    url: str
    secret: str


Target = FcmTarget | ApnsTarget | WebPushTarget | EmailTarget | WebhookTarget
