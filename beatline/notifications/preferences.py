"""What somebody wants to be told where, and when their devices stay quiet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from psycopg import Connection
from psycopg.rows import class_row

from beatline.notifications.outbox import KINDS, SEVERITIES
from beatline.storage.queries import query

LIVE = "live"  # the live stream, which needs no device
CHANNELS = ("fcm", "apns", "web_push", "email", "webhook", LIVE)
CRITICAL = SEVERITIES[-1]
DAYS = range(1, 8)  # 1 is Monday


@dataclass(frozen=True)
class Preference:
    """Whether a channel has notifications of a kind, and of which severity at least."""

    kind: str
    channel: str
    enabled: bool = True
    minimum_severity: str = SEVERITIES[0]


@dataclass(frozen=True)
class QuietHours:
    """From a time of the day to another one, by the clock of a time zone, on the days on which they begin.

    to_time is on the next day unless it is after from_time. critical_passes: what is critical is sent.
    """

    from_time: time
    to_time: time
    time_zone: str
    days: list[int]
    critical_passes: bool

    @property
    def is_for_ever(self) -> bool:
        """Whether they never end."""
        return self.from_time == self.to_time and set(self.days) == set(DAYS)

    def begun_on(self, day: date) -> tuple[datetime, datetime] | None:
        """Those that begin on a day. Times that the clock skips are as much later; of those that it shows
        twice, quiet hours begin with the first and end with the second."""
        if day.isoweekday() not in self.days:
            return None
        last = day if self.to_time > self.from_time else day + timedelta(days=1)
        zone = ZoneInfo(self.time_zone)
        start, end = (
            [datetime.combine(on, at, zone).replace(fold=fold).astimezone(UTC) for fold in (0, 1)]
            for on, at in ((day, self.from_time), (last, self.to_time))
        )
        return start[0], max(end)


def send_at(quiet: QuietHours | None, severity: str, now: datetime) -> datetime:
    """When a device may be sent something: now, or at the end of the quiet hours."""
    if quiet is None or (quiet.critical_passes and severity == CRITICAL):
        return now
    until = now
    for _ in DAYS:  # one may begin where the other ends
        later = end_of(quiet, until)
        if later == until:
            break
        until = later
    return until


def end_of(quiet: QuietHours, at: datetime) -> datetime:
    """When the quiet hours end that a time lies in; the time itself outside of them."""
    today = at.astimezone(ZoneInfo(quiet.time_zone)).date()
    begun = [quiet.begun_on(day) for day in (today - timedelta(days=1), today)]
    return max([at, *(end for start, end in filter(None, begun) if start <= at < end)])


def read_preferences(connection: Connection, account_id: UUID) -> list[Preference]:
    """What somebody wants, of every kind and channel."""
    with connection.cursor(row_factory=class_row(Preference)) as rows:
        known = rows.execute(query("notification_preferences"), {"account_id": account_id}).fetchall()
    chosen = {(each.kind, each.channel): each for each in known}
    return [chosen.get((kind, channel), Preference(kind, channel)) for kind in KINDS for channel in CHANNELS]


def read_quiet_hours(connection: Connection, account_ids: list[UUID]) -> dict[UUID, QuietHours]:
    """The quiet hours of those accounts that have some."""
    found = connection.execute(query("quiet_hours"), {"account_ids": account_ids})
    return {account_id: QuietHours(*hours) for account_id, *hours in found}


def save_preferences(
    connection: Connection, account_id: UUID, preferences: list[Preference], quiet: QuietHours | None
) -> None:
    """Keep what somebody wants, in the place of all that was kept. In a transaction."""
    account = {"account_id": account_id}
    connection.execute(query("account_hold"), account)
    connection.execute(query("notification_preferences_delete"), account)
    for preference in preferences:
        connection.execute(query("notification_preference_add"), account | vars(preference))
    if quiet is None:
        connection.execute(query("quiet_hours_delete"), account)
    else:
        connection.execute(query("quiet_hours_put"), account | vars(quiet))
