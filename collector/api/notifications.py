"""/api/v1/notifications: one's inbox, preferences and quiet hours (docs/notifications.md)."""

from __future__ import annotations

from typing import Any

from flask import abort
from marshmallow import Schema, ValidationError, fields, validate, validates_schema

from beatline.errors import StartError
from beatline.events import utc_now
from beatline.notifications import inbox
from beatline.notifications.outbox import KINDS, SEVERITIES
from beatline.notifications.preferences import (
    CHANNELS,
    DAYS,
    LIVE,
    Preference,
    QuietHours,
    read_preferences,
    read_quiet_hours,
    save_preferences,
)
from beatline.notifications.vapid_keys import vapid_public_key
from beatline.reports.periods import time_zones
from beatline.settings import Settings
from collector.api.access import account_of, caller, signed_in
from collector.api.schemas import Area, StrictSchema, limit
from collector.services import reading, services

blueprint = Area(
    "notifications",
    __name__,
    url_prefix="/api/v1/notifications",
    description="What one was told, and wants to be told",
)

BIGGEST_ID = 2**63 - 1


class NotificationSchema(Schema):
    """A notification. path: of the console's page about it."""

    notification_id = fields.Integer(required=True)
    kind = fields.String(required=True)
    severity = fields.String(required=True, metadata={"enum": list(SEVERITIES)})
    title = fields.String(required=True)
    body = fields.String(required=True)
    path = fields.String(required=True, allow_none=True)
    project_id = fields.Integer(required=True, allow_none=True)
    collapse = fields.String(required=True, metadata={"description": "The same for news of one subject."})
    created_at = fields.DateTime(required=True)
    read_at = fields.DateTime(required=True, allow_none=True)


class InboxSchema(Schema):
    """A page, the newest first; unread: how many there are in all."""

    notifications = fields.List(fields.Nested(NotificationSchema), required=True)
    unread = fields.Integer(required=True)
    next_cursor = fields.Integer(required=True, allow_none=True)


class InboxParameters(StrictSchema):
    """A page; cursor is the answer's next_cursor. unread: only those."""

    limit = limit(50, 200)
    cursor = fields.Integer(load_default=None, validate=validate.Range(0, BIGGEST_ID))
    unread = fields.Boolean(load_default=False)


class UpToBody(StrictSchema):
    """The newest notification that was read."""

    up_to = fields.Integer(required=True, validate=validate.Range(1, BIGGEST_ID))


class PreferenceSchema(StrictSchema):
    """Whether a channel has notifications of a kind, and of which severity at least."""

    kind = fields.String(required=True, validate=validate.OneOf(KINDS))
    channel = fields.String(required=True, validate=validate.OneOf(CHANNELS))
    enabled = fields.Boolean(required=True)
    minimum_severity = fields.String(load_default=SEVERITIES[0], validate=validate.OneOf(SEVERITIES))


class QuietHoursSchema(StrictSchema):
    """When devices stay quiet. days: on which they begin, 1 is Monday; to is on the next day unless it is
    after from."""

    from_time = fields.Time(required=True, format="%H:%M", data_key="from", metadata={"example": "22:00"})
    to_time = fields.Time(required=True, format="%H:%M", data_key="to", metadata={"example": "07:00"})
    time_zone = fields.String(
        required=True, validate=validate.Length(1, 64), metadata={"example": "Europe/Berlin"}
    )
    days = fields.List(
        fields.Integer(validate=validate.Range(DAYS[0], DAYS[-1])),
        load_default=list(DAYS),
        validate=validate.Length(1, len(DAYS)),
    )
    critical_passes = fields.Boolean(load_default=True)

    @validates_schema(skip_on_field_errors=True)
    def check_hours(self, data: dict[str, Any], **_: Any) -> None:
        """A known time zone, each day once, and an end."""
        if data["time_zone"] not in time_zones():
            raise ValidationError("Not a time zone, such as Europe/Berlin.", "time_zone")
        if len(set(data["days"])) < len(data["days"]):
            raise ValidationError("A day is named twice.", "days")
        if QuietHours(**data).is_for_ever:
            raise ValidationError("They never end: switch channels off instead.", "to")


class PreferencesSchema(StrictSchema):
    """What one wants. A kind and channel that is not named: everything. quiet_hours null: none."""

    preferences = fields.List(
        fields.Nested(PreferenceSchema),
        required=True,
        validate=validate.Length(0, len(KINDS) * len(CHANNELS)),
    )
    quiet_hours = fields.Nested(QuietHoursSchema, required=True, allow_none=True)

    @validates_schema(skip_on_field_errors=True)
    def check_once(self, data: dict[str, Any], **_: Any) -> None:
        """Each kind and channel once."""
        named = [(each["kind"], each["channel"]) for each in data["preferences"]]
        if len(set(named)) < len(named):
            raise ValidationError("A kind is named twice for a channel.", "preferences")


class ChannelSchema(Schema):
    """A channel, and whether this installation can use it."""

    channel = fields.String(required=True, metadata={"enum": list(CHANNELS)})
    configured = fields.Boolean(required=True)


class ChannelsSchema(Schema):
    """The channels; vapid_public_key: what browsers subscribe with (applicationServerKey)."""

    channels = fields.List(fields.Nested(ChannelSchema), required=True)
    kinds = fields.List(fields.String(), required=True)
    vapid_public_key = fields.String(required=True, allow_none=True)


@blueprint.get("")
@signed_in
@blueprint.arguments(InboxParameters, location="query")
@blueprint.response(200, InboxSchema)
def get_inbox(page: dict[str, Any]) -> dict[str, Any]:
    """What one was told"""
    account_id = account_of(caller())
    with reading() as connection:
        found = inbox.read_inbox(connection, account_id, page["cursor"], page["limit"], unread=page["unread"])
        unread = inbox.count_unread(connection, account_id)
    last = found[-1]["notification_id"] if len(found) == page["limit"] else None
    return {"notifications": found, "unread": unread, "next_cursor": last}


@blueprint.post(f"/<int(max={BIGGEST_ID}):notification_id>/read")
@signed_in
@blueprint.response(204)
def mark_read(notification_id: int) -> None:
    """Note that one has read a notification"""
    with reading() as connection:
        if not inbox.mark_read(connection, account_of(caller()), notification_id, utc_now()):
            abort(404, "There is no such notification.")


@blueprint.post("/read")
@signed_in
@blueprint.arguments(UpToBody)
@blueprint.response(204)
def mark_all_read(body: dict[str, Any]) -> None:
    """Note that one has read all notifications up to one"""
    with reading() as connection:
        inbox.mark_all_read(connection, account_of(caller()), body["up_to"], utc_now())


@blueprint.get("/preferences")
@signed_in
@blueprint.response(200, PreferencesSchema)
def get_preferences() -> dict[str, Any]:
    """What one wants to be told where, and when not"""
    account_id = account_of(caller())
    with reading() as connection:
        return {
            "preferences": read_preferences(connection, account_id),
            "quiet_hours": read_quiet_hours(connection, [account_id]).get(account_id),
        }


@blueprint.put("/preferences")
@signed_in
@blueprint.arguments(PreferencesSchema)
@blueprint.response(204)
def put_preferences(body: dict[str, Any]) -> None:
    """Say what one wants, in the place of all that was said before"""
    preferences = [Preference(**each) for each in body["preferences"]]
    quiet = QuietHours(**body["quiet_hours"]) if body["quiet_hours"] else None
    with reading() as connection, connection.transaction():
        save_preferences(connection, account_of(caller()), preferences, quiet)


@blueprint.get("/channels")
@signed_in
@blueprint.response(200, ChannelsSchema)
def get_channels() -> dict[str, Any]:
    """Which channels this installation can use"""
    settings = services().settings
    public_key = browsers_key(settings)
    configured = {
        "fcm": settings.fcm_service_account,
        "apns": settings.apns_key,
        "web_push": public_key,
        "email": settings.smtp_url,
        "webhook": True,
        LIVE: settings.redis_url,
    }
    channels = [{"channel": channel, "configured": bool(configured[channel])} for channel in CHANNELS]
    return {"channels": channels, "kinds": KINDS, "vapid_public_key": public_key}


def browsers_key(settings: Settings) -> str | None:
    """What browsers subscribe with; None when the key of the settings cannot be used."""
    try:
        return vapid_public_key(settings)
    except StartError:
        return None
