"""Users and sessions: how many are active and new, how long sessions are, and one user's timeline."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models import units

from grafana.boards import parts

WHOLE = (
    "Counted are the hours that the time range touches, in more than 93 days the UTC days that begin in it."
)
STEPS = "The first point may begin before the time range, the last one still grows."
SESSION = (
    "A session that two users share counts for each of them; events without a session id belong to no "
    "session here."
)
EVENTS = parts.board_address("events", user="${user:percentencode}", session=parts.CLICKED)
CHOOSE = "Choose a user: type an id above, or click one in the table."


def board() -> dashboard.Dashboard:
    """The board."""
    made = parts.new_board(
        "users", "Who is there: active and new users, their sessions, and one user.", since="now-7d"
    )
    made = made.with_variable(parts.project())
    made = made.with_variable(parts.typed("user", "User", "User or anonymous id, in full."))
    for shown in (users(), new_users(), sessions()):
        made = made.with_panel(shown)
    for shown in (
        active(),
        active_days(),
        new_over_time(),
        sessions_over_time(),
        lengths(),
        session_events(),
    ):
        made = made.with_panel(shown)
    made = made.with_panel(most_active()).with_row(dashboard.Row("One user: ${user}").id(11))
    return (
        made.with_panel(one_user())
        .with_panel(one_over_time())
        .with_panel(last_sessions())
        .with_panel(timeline())
    )


def users() -> parts.AnyPanel:
    """Distinct users."""
    about = f"Distinct users, and anonymous visitors, with an event in the time range. {WHOLE}"
    return parts.count_panel(1, "Users", about, parts.rows("users_in_range"))


def new_users() -> parts.AnyPanel:
    """Users first seen."""
    about = (
        "Users first seen in the time range, exact to its ends. Visitors without a user id are not among "
        "them."
    )
    return parts.count_panel(2, "New users", about, parts.rows("users_new"))


def sessions() -> parts.AnyPanel:
    """How many sessions, how long, with how many events."""
    counts = parts.count_panel(
        3,
        "Sessions",
        "Sessions that began in the time range, exact to its ends: how many, their median length from the "
        f"first event to the last, and their events on average. {SESSION}",
        parts.rows("users_sessions"),
    ).span(12)
    counts = parts.override(counts, "length", {"displayName": "median length", "unit": units.Seconds})
    return parts.override(counts, "events", {"displayName": "events per session", "decimals": 1})


def active() -> parts.AnyPanel:
    """Distinct users per hour."""
    about = (
        "Distinct users, and anonymous visitors, of each hour, or of each step where the time range is so "
        "wide that steps are longer. Distinct counts do not add up: an hour's users are many of the next "
        f"one's. {STEPS}"
    )
    drawn = parts.time_series_panel(4, "Active users per hour", about, parts.series("users_active"))
    return drawn.interval("1h")


def active_days() -> parts.AnyPanel:
    """Distinct users per day."""
    about = (
        "Distinct users, and anonymous visitors, of each UTC day, or of each step where the time range is "
        f"so wide that steps are longer. They are not the sum of the hours. {STEPS}"
    )
    drawn = parts.time_series_panel(5, "Active users per day", about, parts.series("users_active_days"))
    return parts.bars(drawn.interval("1d"))


def new_over_time() -> parts.AnyPanel:
    """Users first seen."""
    about = (
        "Users by the step in which they were first seen. Visitors without a user id are not among them. "
        f"{STEPS}"
    )
    drawn = parts.time_series_panel(6, "New users", about, parts.series("users_new_over_time"))
    return parts.bars(drawn.interval("1h"))


def sessions_over_time() -> parts.AnyPanel:
    """Sessions begun."""
    about = f"Sessions by the step in which they began. {SESSION} {STEPS}"
    drawn = parts.time_series_panel(7, "Sessions begun", about, parts.series("users_sessions_over_time"))
    return parts.bars(drawn.interval("1m"))


def lengths() -> parts.AnyPanel:
    """Distribution of lengths."""
    about = (
        "Sessions that began in the time range by their length from the first event to the last. Those "
        f"that go on still grow. {SESSION}"
    )
    return parts.bar_chart_panel(8, "Length of sessions", about, parts.rows("users_session_lengths")).x_field(
        "length"
    )


def session_events() -> parts.AnyPanel:
    """Distribution of events."""
    about = f"Sessions that began in the time range by the number of their events. {SESSION}"
    drawn = parts.bar_chart_panel(9, "Events per session", about, parts.rows("users_session_events"))
    return drawn.x_field("events")


def most_active() -> parts.AnyPanel:
    """The table of users."""
    about = (
        "The 50 users, or anonymous visitors, with the most events, and on how many UTC days they had any. "
        f"A click on a user shows them below. {WHOLE}"
    )
    grid = parts.table_panel(10, "Most active users", about, parts.rows("users_most_active"))
    return parts.column(grid, "user", link=parts.board_address("users", user=parts.CLICKED))


def one_user() -> parts.AnyPanel:
    """First and last seen."""
    about = (
        "When the user was first and last seen, to a minute. Anonymous visitors have no entry of their own."
    )
    grid = parts.table_panel(12, "Known since", about, parts.rows("users_one")).span(8).height(8)
    return grid.no_value("No user of this id; an anonymous visitor, perhaps.")


def one_over_time() -> parts.AnyPanel:
    """The user's events."""
    about = (
        "Events of the user per hour, or per step where the time range is so wide that steps are longer. "
        f"{STEPS}"
    )
    drawn = parts.time_series_panel(13, "Events of the user", about, parts.series("users_one_over_time"))
    return parts.bars(drawn.interval("1h")).span(16).no_value(CHOOSE)


def last_sessions() -> parts.AnyPanel:
    """The user's sessions."""
    about = (
        "The last 50 sessions of the user that lie in the time range, or partly so. A click on one shows "
        "its events. The one without an id holds the events that were sent without a session."
    )
    grid = parts.table_panel(14, "Last sessions", about, parts.rows("users_one_sessions")).no_value(CHOOSE)
    grid = parts.column(grid, "session", link=EVENTS)
    for name in ("started", "last seen"):
        grid = parts.column(grid, name, width=190)
    return parts.column(grid, "length", unit=units.Seconds, width=120)


def timeline() -> parts.AnyPanel:
    """The user's events."""
    about = (
        "The last 200 events of the user in the time range; properties are cut after 4,000 characters. It "
        "reads the events of the time range until it has them: choose days, not months."
    )
    grid = (
        parts.table_panel(15, "Timeline", about, parts.rows("users_one_events")).height(14).no_value(CHOOSE)
    )
    grid = parts.column(parts.column(grid, "time", width=190), "type", width=150)
    grid = parts.column(grid, "session", width=180, link=EVENTS)
    grid = parts.column(grid, "page", width=260, link=parts.board_address("pages", page=parts.CLICKED))
    return parts.json_column(grid, "properties")
