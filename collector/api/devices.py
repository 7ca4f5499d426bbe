"""/api/v1/devices: where one is told (docs/notifications.md). Everybody sees and changes their own only."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from typing import Any, NoReturn
from uuid import UUID

from flask import abort
from marshmallow import Schema, ValidationError, fields, validate, validates_schema
from psycopg import Connection
from werkzeug.exceptions import BadRequest, TooManyRequests

from beatline.accounts import people
from beatline.errors import NotPossible
from beatline.events import utc_now
from beatline.notifications import devices
from beatline.notifications.channels import Target
from beatline.notifications.devices import Device
from beatline.notifications.webhook_secrets import new_secret, secret_bytes
from beatline.outgoing_urls import MAX_URL, UrlRefused, check_url
from collector.api.access import account_of, caller, signed_in
from collector.api.schemas import Area, StrictSchema, limit
from collector.services import reading, services

blueprint = Area("devices", __name__, url_prefix="/api/v1/devices", description="Where one is told")

BIGGEST_ID = 2**63 - 1
TEST_EVERY_SECONDS = 60
STATES = ["waiting", "sending", "sent", "failed", "dropped", "expired"]
OUTCOMES = ["sent", "unregistered", "refused", "unavailable", "unknown", None]
# What a device of each channel has to have, and what it may have beside it.
PARTS: dict[str, tuple[set[str], set[str]]] = {
    "fcm": ({"token"}, set()),
    "apns": ({"token"}, {"sandbox"}),
    "web_push": ({"endpoint", "p256dh", "auth"}, set()),
    "email": (set(), {"address"}),
    "webhook": ({"url"}, {"secret"}),
}
KEY_BYTES = {"p256dh": 65, "auth": 16}  # RFC 8291, 3.1 and 3.2
PRINTABLE = validate.Regexp(r"[!-~]*\Z", error="Has characters that do not belong here.")


def text(most: int, about: str, least: int = 1) -> fields.String:
    """A part of a target: printable ASCII."""
    return fields.String(validate=[validate.Length(least, most), PRINTABLE], metadata={"description": about})


class DeviceBody(StrictSchema):
    """A device. fcm needs token; apns token; web_push endpoint, p256dh and auth, as PushSubscription has
    them; email nothing, and goes to the account's own address; webhook url, and makes a secret when none is
    given."""

    channel = fields.String(required=True, validate=validate.OneOf(list(PARTS)))
    name = fields.String(
        validate=[validate.Length(1, 100), validate.ContainsNoneOf("\0", error="Holds NUL.")]
    )
    token = text(4_096, "Of the app: FCM's registration token, or APNs' device token in hex.", least=16)
    sandbox = fields.Boolean(metadata={"description": "The iOS app is a development build."})
    endpoint = text(MAX_URL, "PushSubscription.endpoint")
    p256dh = text(100, "Its key of that name, in base64url.")
    auth = text(30, "Its key of that name, in base64url.")
    address = fields.Email(validate=validate.Length(3, 254))
    url = text(MAX_URL, "Called by POST, signed (Standard Webhooks).")
    secret = fields.String(
        load_only=True, validate=validate.Length(1, 200), metadata={"description": "whsec_ and base64."}
    )

    @validates_schema(skip_on_field_errors=True)
    def check_parts(self, data: dict[str, Any], **_: Any) -> None:
        """The parts that the channel has, and no others."""
        needed, possible = PARTS[data["channel"]]
        given = data.keys() - {"channel", "name"}
        faults = {name: ["Missing data for required field."] for name in needed - given}
        faults |= {name: [f"Not of {data['channel']}."] for name in given - needed - possible}
        if faults:
            raise ValidationError(faults)

    @validates_schema(skip_on_field_errors=True)
    def check_keys(self, data: dict[str, Any], **_: Any) -> None:
        """Keys that can be used."""
        if data["channel"] == "apns" and not is_hex(data.get("token", "")):
            raise ValidationError("Not hexadecimal, at most 200 characters.", "token")
        for name, length in KEY_BYTES.items():
            if name in data and byte_count(data[name]) != length:
                raise ValidationError(f"Not {length} bytes in base64url.", name)
        if "secret" in data:
            try:
                secret_bytes(data["secret"])
            except ValueError:
                raise ValidationError("Not whsec_ and 24 to 64 bytes in base64.", "secret") from None


class DeviceSchema(Schema):
    """A device. address: enough of its target to tell it from others. failures: deliveries in a row that
    failed, last_error why; unregistered_at: since when the provider says that it is gone."""

    device_id = fields.UUID(required=True)
    channel = fields.String(required=True, metadata={"enum": list(PARTS)})
    name = fields.String(required=True)
    address = fields.String(required=True)
    registered_at = fields.DateTime(required=True)
    last_seen_at = fields.DateTime(required=True)
    failures = fields.Integer(required=True)
    last_error = fields.String(required=True, allow_none=True)
    unregistered_at = fields.DateTime(required=True, allow_none=True)


class RegisteredDeviceSchema(DeviceSchema):
    """A device that was registered. secret: of a webhook, when it was made now; shown this once."""

    secret = fields.String(required=True, allow_none=True)


class DevicesSchema(Schema):
    """The latest registered first."""

    devices = fields.List(fields.Nested(DeviceSchema), required=True)


class TestDeliverySchema(Schema):
    """What was queued."""

    delivery_id = fields.UUID(required=True)


class DeliveryPageParameters(StrictSchema):
    """A page; cursor is the answer's next_cursor."""

    limit = limit(50, 200)
    cursor = fields.Integer(load_default=None, validate=validate.Range(0, BIGGEST_ID))


class DeliveryAttemptSchema(Schema):
    """A call of the provider. outcome is null while it lasts, and when it was cut short."""

    attempt = fields.Integer(required=True)
    attempted_at = fields.String(required=True, metadata={"format": "date-time"})
    outcome = fields.String(required=True, allow_none=True, metadata={"enum": OUTCOMES})
    message = fields.String(required=True, allow_none=True)
    provider_id = fields.String(required=True, allow_none=True)
    seconds = fields.Float(required=True, allow_none=True)


class DeliverySchema(Schema):
    """A notification on its way to the device, with its last 20 attempts. reason: why it failed or was
    dropped, or the last error while it waits."""

    delivery_id = fields.UUID(required=True)
    notification_id = fields.Integer(required=True)
    kind = fields.String(required=True)
    severity = fields.String(required=True)
    title = fields.String(required=True)
    created_at = fields.DateTime(required=True)
    state = fields.String(required=True, metadata={"enum": STATES})
    reason = fields.String(required=True, allow_none=True)
    attempt_count = fields.Integer(required=True)
    next_attempt_at = fields.DateTime(required=True)
    ended_at = fields.DateTime(required=True, allow_none=True)
    attempts = fields.List(fields.Nested(DeliveryAttemptSchema), required=True)


class DeliveriesSchema(Schema):
    """A page, the newest first."""

    deliveries = fields.List(fields.Nested(DeliverySchema), required=True)
    next_cursor = fields.Integer(required=True, allow_none=True)


@blueprint.get("")
@signed_in
@blueprint.response(200, DevicesSchema)
def get_devices() -> dict[str, Any]:
    """One's devices"""
    with reading() as connection:
        return {"devices": devices.list_devices(connection, account_of(caller()))}


@blueprint.post("")
@signed_in
@blueprint.arguments(DeviceBody)
@blueprint.response(200, RegisteredDeviceSchema)
@blueprint.alt_response(201, schema=RegisteredDeviceSchema, description="It is new")
@blueprint.alt_response(409, description="There are too many devices")
def post_device(body: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """Register a device, or again; an app's or a browser's that was somebody else's becomes one's own"""
    check_place(body)
    account_id, name = account_of(caller()), body.pop("name", None)
    with reading() as connection, connection.transaction():
        target, secret = target_of(connection, account_id, body)
        try:
            device, is_new = devices.register(
                connection, account_id, target, name or body["channel"], utc_now()
            )
        except NotPossible as error:
            abort(409, str(error))
    return vars(device) | {"address": device.address, "secret": secret}, 201 if is_new else 200


@blueprint.delete("/<uuid:device_id>")
@signed_in
@blueprint.response(204)
def delete_device(device_id: UUID) -> None:
    """Forget a device, and what waits for it"""
    with reading() as connection:
        if not devices.delete_device(connection, account_of(caller()), device_id):
            abort(404, "There is no such device.")


@blueprint.post("/<uuid:device_id>/test")
@signed_in
@blueprint.response(202, TestDeliverySchema)
@blueprint.alt_response(429, description="It was tried within the minute")
def test_device(device_id: UUID) -> dict[str, Any]:
    """Send a notification to a device to try it, once a minute; quiet hours do not count"""
    with reading() as connection, connection.transaction():
        known_device(connection, device_id)
        delivery_id = devices.queue_test(connection, device_id, utc_now())
    if delivery_id is None:
        raise TooManyRequests("This device was tried within the minute.", retry_after=TEST_EVERY_SECONDS)
    return {"delivery_id": delivery_id}


@blueprint.get("/<uuid:device_id>/deliveries")
@signed_in
@blueprint.arguments(DeliveryPageParameters, location="query")
@blueprint.response(200, DeliveriesSchema)
def get_deliveries(page: dict[str, Any], device_id: UUID) -> dict[str, Any]:
    """What was sent to a device, with every attempt"""
    with reading() as connection:
        known_device(connection, device_id)
        found = devices.read_deliveries(connection, device_id, page["cursor"], page["limit"])
    last = found[-1]["notification_id"] if len(found) == page["limit"] else None
    return {"deliveries": found, "next_cursor": last}


def known_device(connection: Connection, device_id: UUID) -> Device:
    """A device of the caller's, or 404."""
    found = devices.find_device(connection, account_of(caller()), device_id)
    return found or abort(404, "There is no such device.")


def check_place(body: dict[str, Any]) -> None:
    """400 for a URL that nothing would be sent to. Looks its name up, and so comes before the database."""
    name = "endpoint" if body["channel"] == "web_push" else "url"
    if name in body:
        try:
            check_url(body[name], services().settings)
        except UrlRefused as error:
            refuse({name: [str(error)]})


def target_of(connection: Connection, account_id: UUID, body: dict[str, Any]) -> tuple[Target, str | None]:
    """The target of a body, and the secret that was made for it. 400 for an address of somebody else's."""
    given, made = dict(body), None
    if given["channel"] == "email":
        account = people.find_account(connection, account_id) or abort(404)
        if given.setdefault("address", account.email).lower() != account.email:
            refuse({"address": ["Only the account's own address can be used."]})
        given["address"] = account.email
    if given["channel"] == "webhook" and "secret" not in given:
        known = devices.known_webhook(connection, account_id, given["url"])
        if known is None:
            made = new_secret()
        given["secret"] = known.secret if known else made
    return devices.target_of(given), made


def refuse(errors: dict[str, list[str]]) -> NoReturn:
    """400 with what is wrong."""
    refusal = BadRequest("The request was refused.")
    refusal.data = {"messages": {"json": errors}}  # type: ignore[attr-defined]
    raise refusal


def is_hex(token: str) -> bool:
    """Whether it can be an APNs device token."""
    return len(token) <= 200 and all(each in "0123456789abcdefABCDEF" for each in token)


def byte_count(encoded: str) -> int:
    """How many bytes base64url stands for; -1 for what is none."""
    try:
        return len(urlsafe_b64decode(encoded.rstrip("=") + "=" * (-len(encoded.rstrip("=")) % 4)))
    except ValueError:
        return -1
