"""Pages: views of all pages, the most viewed ones, and one page with who viewed it."""

from __future__ import annotations

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.models import common, units

from grafana.boards import parts

WHOLE = (
    "Counted are the minutes that begin in the time range, in more than two days its hours, in more than "
    "62 days its UTC days; the period before has the same width."
)
STEPS = (
    "Whole minutes, hours or days, so the first point may begin before the time range and the last one "
    "still grows."
)
CHOOSE = "Choose a page: type its URL above, or click one in the table."


def board() -> dashboard.Dashboard:
    """The board."""
    made = parts.new_board("pages", "What is viewed, by how many, and how that changes.", since="now-24h")
    made = made.with_variable(parts.project())
    made = made.with_variable(parts.typed("page", "Page", "URL as it was sent, in full."))
    made = made.with_panel(totals()).with_panel(over_time()).with_panel(top())
    made = made.with_row(dashboard.Row("One page: ${page}").id(4))
    return made.with_panel(one_page()).with_panel(one_page_over_time()).with_panel(viewers())


def totals() -> parts.AnyPanel:
    """Views of all pages."""
    counts = parts.count_panel(
        1,
        "All pages",
        f"Views of all pages, how many pages had any, and views of the period before the time range. {WHOLE}",
        parts.rows("pages_total"),
    )
    counts = parts.override(counts, "previous_views", {"displayName": "views before"})
    return change(counts.span(8).height(8), "change")


def over_time() -> parts.AnyPanel:
    """Views of all pages."""
    drawn = parts.time_series_panel(
        2,
        "Views",
        f"Views of all pages a step of the time axis. {STEPS}",
        parts.series("pages_over_time"),
    )
    return drawn.interval("1m").span(16)


def top() -> parts.AnyPanel:
    """The most viewed pages."""
    grid = parts.table_panel(
        3,
        "Top pages",
        "The 100 most viewed pages: views, their share of all views, and the change against the period "
        f"before (empty: not viewed then). A click on a page shows it below. {WHOLE}",
        parts.rows("pages_top"),
    ).height(12)
    grid = parts.column(grid, "page", link=parts.board_address("pages", page=parts.CLICKED))
    grid = parts.column(grid, "views", width=120)
    grid = parts.column(grid, "share", unit=units.PercentUnit, width=200)
    grid = parts.override(
        grid, "share", {"custom.cellOptions": common.TableBarGaugeCellOptions(), "min": 0, "max": 1}
    )
    grid = parts.override(grid, "previous_views", {"displayName": "views before", "custom.width": 120})
    grid = parts.override(grid, "change", {"custom.cellOptions": common.TableColorTextCellOptions()})
    return change(parts.column(grid, "change", width=120), "change")


def change(drawn: parts.AnyPanel, name: str) -> parts.AnyPanel:
    """A column of relative change: red below zero, green above."""
    colours = parts.levels((0, parts.GREEN), below=parts.RED).build()
    return parts.override(drawn, name, {"unit": units.PercentUnit, "decimals": 1, "thresholds": colours})


def one_page() -> parts.AnyPanel:
    """What one page had."""
    return (
        parts.count_panel(
            5,
            "Views, users, sessions",
            "Views of the page in the time range, exact to its ends, with the users (or anonymous "
            "visitors) and the sessions that made them. They are counted from the events of the time "
            "range: choose days, not months.",
            parts.rows("pages_one_total"),
        )
        .span(8)
        .height(8)
    )


def one_page_over_time() -> parts.AnyPanel:
    """The page's history."""
    drawn = parts.time_series_panel(
        6,
        "Views of the page",
        f"Views of the page a step of the time axis. {STEPS}",
        parts.series("pages_one_over_time"),
    )
    return drawn.interval("1m").span(16).no_value(CHOOSE)


def viewers() -> parts.AnyPanel:
    """Who viewed the page."""
    grid = parts.table_panel(
        7,
        "Who viewed it",
        "The 50 users (or anonymous visitors) with the most views of the page in the time range, from its "
        "events.",
        parts.rows("pages_one_users"),
    ).no_value(CHOOSE)
    grid = parts.column(grid, "user", link=parts.board_address("users", user=parts.CLICKED))
    return parts.column(grid, "last view", width=190)
