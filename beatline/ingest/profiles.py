"""What events say of their users: `$identify`, `$alias`, `$group`, and `$set`/`$set_once` on any event."""

from __future__ import annotations

from typing import Any

import msgspec

from beatline.events import Event, Group, Profile
from beatline.ingest.wire import ID_LENGTH

IDENTIFY, ALIAS, GROUP = "$identify", "$alias", "$group"
CALLS = {IDENTIFY, ALIAS, GROUP}
DEFAULT_GROUP_TYPE = "group"


def tell_profile(event: Event, properties: dict[str, Any]) -> None:
    """Set the event's profile, when it says anything of its user.

    Traits are `$set` and `$set_once` where there are such; otherwise the properties of an `$identify`
    (CONTRACTS, sections 3, 6.0 and 9). `$identify` and `$alias` merge the anonymous id into the user.
    `$group` has the properties group_type and group_id, and the group's traits in `$group_set` or else beside
    them.
    """
    if event.event_type not in CALLS and "$set" not in properties and "$set_once" not in properties:
        return
    profile = Profile()
    if event.user_id is not None:
        profile.set = traits(properties.get("$set"))
        profile.set_once = traits(properties.get("$set_once"))
        if event.event_type == IDENTIFY and "$set" not in properties:
            profile.set = plain(properties) or None
        if event.event_type in (IDENTIFY, ALIAS) and event.anonymous_id != event.user_id:
            profile.merge = event.anonymous_id
    if event.event_type == GROUP:
        profile.group = group(properties)
    if profile != Profile():
        event.profile = msgspec.Raw(msgspec.json.encode(profile))


def traits(value: Any) -> dict[str, Any] | None:
    """A non-empty object, else None."""
    return value if isinstance(value, dict) and value else None


def plain(properties: dict[str, Any]) -> dict[str, Any]:
    """The properties that are no protocol's own: all but those with a $."""
    return {name: value for name, value in properties.items() if not name.startswith("$")}


def group(properties: dict[str, Any]) -> Group | None:
    """The group that a `$group` event describes; None when it names none."""
    key = properties.get("group_id")
    if not isinstance(key, str | int) or not 1 <= len(str(key)) <= ID_LENGTH:
        return None
    described = properties.get("$group_set")
    if not isinstance(described, dict):
        described = {k: v for k, v in plain(properties).items() if k not in {"group_id", "group_type"}}
    group_type = str(properties.get("group_type") or DEFAULT_GROUP_TYPE)[:ID_LENGTH]
    return Group(group_type, str(key), described)
