"""What the boards share: targets, panels, variables and links, in Beatline's defaults.

A panel's number is its id: alert rules and links point to it, so it never changes once given. Panels are
builders of the SDK: unit(), span() (of 24 columns), height() (times 38 pixels) and the like go on from here.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from grafana_foundation_sdk.builders import (
    barchart,
    bargauge,
    dashboard,
    prometheus,
    stat,
    table,
    timeseries,
)
from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.cog.runtime import UnknownDataquery
from grafana_foundation_sdk.models import common, units
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models import prometheus as prometheus_models

SQL = Path(__file__).parents[2] / "sql" / "dashboards"
DATABASE = models.DataSourceRef(type_val="grafana-postgresql-datasource", uid="beatline-timescaledb")
PROMETHEUS = models.DataSourceRef(type_val="prometheus", uid="beatline-prometheus")
GREEN, YELLOW, RED = "green", "yellow", "red"
ALL = "$__all"
CLICKED = "${__value.raw:percentencode}"  # in the address that a column's cells link to: the cell's value

AnyPanel = Any  # the builders have no common type for panels
Target = Builder[Any]
Targets = tuple[Target, ...]

BOARDS = {
    "live": "Live",
    "events": "Events",
    "pages": "Pages",
    "users": "Users and sessions",
    "places": "Places",
    "collector": "Collector",
    "workers": "Workers",
    "database": "Database",
    "service_levels": "Service levels",
}


class SqlTarget(Builder[UnknownDataquery]):
    """A query of the database, as Grafana's own editor saves it: the SDK knows no PostgreSQL query."""

    def __init__(self, name: str, ref_id: str, frame: str) -> None:
        self.fields = {
            "refId": ref_id,
            "datasource": DATABASE.to_json(),
            "editorMode": "code",
            "format": frame,
            "rawQuery": True,
            "rawSql": sql(name),
        }

    def build(self) -> UnknownDataquery:
        """The target."""
        return UnknownDataquery(self.fields)


def sql(name: str) -> str:
    """The text of sql/dashboards/<name>.sql, with Grafana's macros and variables in it."""
    return (SQL / f"{name}.sql").read_text(encoding="utf-8").strip()


def rows(name: str, ref_id: str = "A") -> SqlTarget:
    """A statement of sql/dashboards whose rows are shown as they are."""
    return SqlTarget(name, ref_id, "table")


def series(name: str, ref_id: str = "A") -> SqlTarget:
    """A statement of sql/dashboards that answers (time, [metric text,] value…), in order of time."""
    return SqlTarget(name, ref_id, "time_series")


def promql(expression: str, legend: str = "", ref_id: str = "A") -> prometheus.Dataquery:
    """A PromQL expression over the time range; legend may hold {{label}}."""
    return (
        prometheus.Dataquery()
        .ref_id(ref_id)
        .datasource(PROMETHEUS)
        .editor_mode(prometheus_models.QueryEditorMode.CODE)
        .expr(expression)
        .legend_format(legend or "__auto")
        .range()
    )


def promql_now(expression: str, legend: str = "", ref_id: str = "A") -> prometheus.Dataquery:
    """A PromQL expression at the end of the time range, one row a series."""
    query = prometheus.Dataquery().ref_id(ref_id).datasource(PROMETHEUS)
    query = query.editor_mode(prometheus_models.QueryEditorMode.CODE)
    query = query.expr(expression).legend_format(legend or "__auto").instant()
    return query.format(prometheus_models.PromQueryFormat.TABLE)


def new_board(
    name: str, description: str, *, since: str = "now-6h", refresh: str = "1m"
) -> dashboard.Dashboard:
    """An empty board, with links to all others that keep the time and the variables they share."""
    board = (
        dashboard.Dashboard(BOARDS[name])
        .uid(board_uid(name))
        .description(description)
        .tags(["beatline"])
        .readonly()
        .timezone("browser")
        .time(since, "now")
        .refresh(refresh)
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
    )
    others = dashboard.DashboardLink("Boards").type(models.DashboardLinkType.DASHBOARDS).tags(["beatline"])
    return board.link(others.as_dropdown(True).include_vars(True).keep_time(True))


def board_uid(name: str) -> str:
    """The uid of a board, as alert rules and links name it."""
    return f"beatline-{name.replace('_', '-')}"


def panel(kind: AnyPanel, number: int, title: str, description: str, targets: Targets) -> AnyPanel:
    """A panel of a kind (a builder of the SDK) with what every panel of ours has."""
    source = DATABASE if isinstance(targets[0], SqlTarget) else PROMETHEUS
    described = kind.id(number).title(title).description(description)
    return described.datasource(source).targets(list(targets)).unit(units.Short)


def time_series_panel(number: int, title: str, description: str, *targets: Target) -> timeseries.Panel:
    """Lines over time, half the board's width."""
    drawn = panel(timeseries.Panel(), number, title, description, targets).span(12).height(8)
    drawn = drawn.line_width(1).fill_opacity(10).show_points(common.VisibilityMode.NEVER).min(0)
    legend = common_builders.VizLegendOptions().show_legend(True).placement(common.LegendPlacement.BOTTOM)
    drawn = drawn.legend(legend.display_mode(common.LegendDisplayMode.LIST))
    tooltip = common_builders.VizTooltipOptions().mode(common.TooltipDisplayMode.MULTI)
    return drawn.tooltip(tooltip.sort(common.SortOrder.DESCENDING))


def stacked(drawn: timeseries.Panel) -> timeseries.Panel:
    """The panel with its series on top of each other: their sum is of interest too."""
    stacking = common_builders.StackingConfig().mode(common.StackingMode.NORMAL)
    return drawn.stacking(stacking).fill_opacity(40)


def stat_panel(number: int, title: str, description: str, *targets: Target) -> stat.Panel:
    """One large number, the newest, a quarter of the board's width."""
    drawn = panel(stat.Panel(), number, title, description, targets).span(6).height(4)
    newest = common_builders.ReduceDataOptions().calcs(["lastNotNull"]).values(False)
    drawn = drawn.reduce_options(newest).graph_mode(common.BigValueGraphMode.AREA)
    return drawn.color_mode(common.BigValueColorMode.VALUE).thresholds(levels())


def bar_gauge_panel(number: int, title: str, description: str, *targets: Target) -> bargauge.Panel:
    """A horizontal bar for each row of (text, number), half the board's width."""
    drawn = panel(bargauge.Panel(), number, title, description, targets).span(12).height(8)
    every_row = common_builders.ReduceDataOptions().calcs([]).values(True)
    drawn = drawn.reduce_options(every_row).orientation(common.VizOrientation.HORIZONTAL)
    return drawn.display_mode(common.BarGaugeDisplayMode.BASIC).min(0).thresholds(levels())


def table_panel(number: int, title: str, description: str, *targets: Target) -> table.Panel:
    """A table, the board's width; column() says what a column is."""
    return panel(table.Panel(), number, title, description, targets).span(24).height(10)


def column(grid: AnyPanel, name: str, *, unit: str = "", width: int = 0, link: str = "") -> AnyPanel:
    """The table with a column's unit, width in pixels, and the address that its cells link to."""
    settings = {"unit": unit, "custom.width": width, "links": link and [{"title": "Open", "url": link}]}
    properties = [models.DynamicConfigValue(setting, value) for setting, value in settings.items() if value]
    return grid.override_by_name(name, properties)


def levels(*steps: tuple[float, str], below: str = GREEN) -> dashboard.ThresholdsConfig:
    """Thresholds: a colour from each value upwards, and one below them all."""
    first = models.Threshold(value=None, color=below)
    others = [models.Threshold(value=value, color=color) for value, color in steps]
    mode = models.ThresholdsMode.ABSOLUTE
    return dashboard.ThresholdsConfig().mode(mode).steps([first, *others])


def board_address(name: str, **variables: str) -> str:
    """The address of a board, for links: with time and project of this one, and other variables given."""
    given = "".join(f"&var-{variable}={text}" for variable, text in variables.items())
    return f"/d/{board_uid(name)}?${{__url_time_range}}&${{project:queryparam}}{given}"


def chosen(name: str, label: str, statement: str, *, several: bool = False) -> dashboard.QueryVariable:
    """A variable whose values a statement of sql/dashboards answers; several: any number, All at first."""
    variable = dashboard.QueryVariable(name).label(label).datasource(DATABASE).query(sql(statement))
    variable = variable.refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
    if several:
        everything = models.VariableOption(selected=True, text="All", value=ALL)
        return variable.multi(True).include_all(True).current(everything)
    return variable


def typed(name: str, label: str, description: str = "") -> dashboard.TextBoxVariable:
    """A variable that people type; empty at first, which means: no filter."""
    nothing = models.VariableOption(selected=True, text="", value="")
    return (
        dashboard.TextBoxVariable(name)
        .label(label)
        .description(description)
        .default_value("")
        .current(nothing)
    )


def project() -> dashboard.QueryVariable:
    """The project that a board shows. Statements read it as ${project:sqlstring}."""
    return chosen("project", "Project", "projects")


def quantiles(histogram: str, selector: str = "") -> Targets:
    """The median, the 95th and the 99th percentile of a Prometheus histogram over time."""
    buckets = f"sum by (le) (rate({histogram}_bucket{{{selector}}}[$__rate_interval]))"
    named = {"A": (0.5, "p50"), "B": (0.95, "p95"), "C": (0.99, "p99")}
    return tuple(
        promql(f"histogram_quantile({share}, {buckets})", legend, ref_id)
        for ref_id, (share, legend) in named.items()
    )


def label_values(name: str, label: str, selector: str, label_name: str) -> dashboard.QueryVariable:
    """A variable with the values of a label, of the series of a selector: any number, All at first.

    In a selector it is a regular expression: label=~"$name".
    """
    query = {
        "qryType": 1,
        "query": f"label_values({selector}, {label_name})",
        "refId": "PrometheusVariableQueryEditor-VariableQuery",
    }
    everything = models.VariableOption(selected=True, text="All", value=ALL)
    variable = dashboard.QueryVariable(name).label(label).datasource(PROMETHEUS).query(query)
    variable = variable.refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
    variable = variable.sort(models.VariableSort.ALPHABETICAL_ASC)
    return variable.multi(True).include_all(True).all_value(".+").current(everything)


def limit(drawn: timeseries.Panel, *steps: tuple[float, str]) -> timeseries.Panel:
    """The panel with a dashed line at each value, in a colour."""
    style = common_builders.GraphThresholdsStyleConfig().mode(common.GraphThresholdsStyleMode.DASHED)
    return drawn.thresholds(levels(*steps)).thresholds_style(style)


def link_to(name: str, title: str = "") -> dashboard.DashboardLink:
    """A panel's link to another board, with this one's time range."""
    link = dashboard.DashboardLink(title or BOARDS[name]).type(models.DashboardLinkType.LINK)
    return link.url(f"/d/{board_uid(name)}?${{__url_time_range}}")


def override(drawn: AnyPanel, name: str, settings: dict[str, object]) -> AnyPanel:
    """The panel with settings of one column or series, under Grafana's names for them."""
    properties = [models.DynamicConfigValue(setting, value) for setting, value in settings.items()]
    return drawn.override_by_name(name, properties)


def json_column(grid: table.Panel, name: str) -> table.Panel:
    """The table with a column of JSON, to be opened in full."""
    return override(
        grid, name, {"custom.cellOptions": common.TableJsonViewCellOptions(), "custom.inspect": True}
    )


def bar_chart_panel(number: int, title: str, description: str, *targets: Target) -> barchart.Panel:
    """A vertical bar for each row of (text, number), half the board's width."""
    drawn = panel(barchart.Panel(), number, title, description, targets).span(12).height(8)
    legend = common_builders.VizLegendOptions().show_legend(False)
    return drawn.orientation(common.VizOrientation.VERTICAL).legend(legend).fill_opacity(60).min(0)


def count_panel(number: int, title: str, description: str, *targets: Target) -> stat.Panel:
    """The columns of one row, each as a large number, without colour unless it is overridden."""
    drawn = stat_panel(number, title, description, *targets).thresholds(levels(below="text"))
    drawn = drawn.graph_mode(common.BigValueGraphMode.NONE)
    return drawn.text_mode(common.BigValueTextMode.VALUE_AND_NAME).no_value("-")


def bars(drawn: timeseries.Panel) -> timeseries.Panel:
    """The panel with a bar for each point: what is counted anew in each step."""
    return drawn.draw_style(common.GraphDrawStyle.BARS).fill_opacity(60)
