"""Live: who is here now, what they look at, and how much comes in. Windows are the API's."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models import units

from grafana.boards import parts

NOW = "The window ends where the time range does; it is meant for ranges that end now."


def board() -> dashboard.Dashboard:
    """The board."""
    made = parts.new_board("live", "Who is here now, and what happens.", since="now-15m", refresh="5s")
    made = made.with_variable(parts.project())
    made = made.with_variable(parts.typed("user", "User", "Whose sessions: a user or anonymous id, in full."))
    for shown in (active_users(), active_sessions(), page_views(), events_per_second()):
        made = made.with_panel(shown)
    for shown in (throughput(), by_type(), top_pages(), sessions()):
        made = made.with_panel(shown)
    return made


def active_users() -> parts.AnyPanel:
    """Five minutes."""
    about = f"Distinct users, and anonymous visitors, with an event in the last 5 minutes. {NOW}"
    return parts.count_panel(1, "Active users", about, parts.rows("live_active_users"))


def active_sessions() -> parts.AnyPanel:
    """Five minutes."""
    about = (
        "Sessions with an event in the last 5 minutes, of one user when an id is typed above. A user's "
        f"events without a session id are one session. {NOW}"
    )
    return parts.count_panel(2, "Active sessions", about, parts.rows("live_active_sessions"))


def page_views() -> parts.AnyPanel:
    """Fifteen minutes."""
    about = f"Views of all pages in the last 15 minutes, exact to the microsecond. {NOW}"
    return parts.count_panel(3, "Page views", about, parts.rows("live_page_views"))


def events_per_second() -> parts.AnyPanel:
    """Ten seconds."""
    about = f"Accepted events per second, the mean of the last 10 seconds. {NOW}"
    drawn = parts.count_panel(4, "Events per second", about, parts.rows("live_events_per_second"))
    return drawn.unit(units.EventsPerSecond).decimals(1)


def throughput() -> parts.AnyPanel:
    """The same over fifteen minutes."""
    about = (
        "Accepted events per second in steps of 5 seconds, always of the last 15 minutes of the time range."
    )
    drawn = parts.time_series_panel(5, "Events per second", about, parts.series("live_throughput"))
    return drawn.unit(units.EventsPerSecond)


def by_type() -> parts.AnyPanel:
    """From the counts per minute."""
    about = (
        "Events by type in each minute, or in each longer step of a wide time range. The first one may begin "
        "before the time range, the last one still grows. A click on a type leads to its events."
    )
    drawn = parts.time_series_panel(6, "Events by type", about, parts.series("live_by_type"))
    address = parts.board_address("events", type="${__field.name:percentencode}")
    link = dashboard.DashboardLink("Events of this type").url(address)
    return parts.stacked(parts.bars(drawn)).interval("1m").data_links([link])


def top_pages() -> parts.AnyPanel:
    """Fifteen minutes."""
    about = (
        "The 20 most viewed pages of the last 15 minutes, equal ones by URL, exact to the microsecond. A "
        f"click on one leads to its history. {NOW}"
    )
    grid = parts.table_panel(7, "Top pages", about, parts.rows("live_top_pages")).span(12)
    grid = parts.column(grid, "page", link=parts.board_address("pages", page=parts.CLICKED))
    return parts.column(grid, "views", width=120)


def sessions() -> parts.AnyPanel:
    """Five minutes."""
    about = (
        "The 100 sessions seen last in the last 5 minutes, of one user when an id is typed above: a click on "
        f"a user leads to their board, one on a session to its events. {NOW}"
    )
    grid = parts.table_panel(8, "Sessions", about, parts.rows("live_sessions")).span(12)
    grid = parts.column(grid, "user", link=parts.board_address("users", user=parts.CLICKED))
    grid = parts.column(grid, "session", link=parts.board_address("events", session=parts.CLICKED))
    return parts.column(grid, "length", unit=units.Seconds)
