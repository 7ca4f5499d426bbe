"""Places: where events of type location happened."""

from __future__ import annotations

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard, geomap
from grafana_foundation_sdk.models import common, units
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models import geomap as geomap_models

from grafana.boards import parts

CELLS, LATEST = "A", "B"
LOCATED = (
    "Located are events of type location whose latitude and longitude are numbers within the globe (WGS 84)."
)
RAW = "It reads the events of the time range: choose days, not months."


def board() -> dashboard.Dashboard:
    """The board."""
    made = parts.new_board("places", "Where events happened, as clients told it.", since="now-6h")
    for variable in (parts.project(), parts.typed("user", "User", "User or anonymous id, in full."), cell()):
        made = made.with_variable(variable)
    return made.with_panel(world()).with_panel(totals()).with_panel(over_time()).with_panel(latest())


def cell() -> dashboard.CustomVariable:
    """How coarse the cells of the heat map are: decimal places of the degrees."""
    variable = dashboard.CustomVariable("cell").label("Cells of")
    variable = variable.values("1° (111 km) : 0, 0.1° (11 km) : 1, 0.01° (1 km) : 2, 0.001° (100 m) : 3")
    return variable.current(models.VariableOption(selected=True, text="0.1° (11 km)", value="1"))


def world() -> parts.AnyPanel:
    """The map: warm where much happened, a circle for each of the latest events."""
    described = parts.panel(
        geomap.Panel(),
        1,
        "Map",
        "Warm: cells of degrees by the number of events in them, the 2,000 fullest. Circles: the 500 "
        f"latest events, larger where they are less accurate. {LOCATED} {RAW}",
        (parts.rows("places_cells", CELLS), parts.rows("places_latest", LATEST)),
    )
    view = geomap.MapViewConfig().id(geomap_models.MapCenterID.FIT).all_layers(True).zoom(12).padding(10)
    controls = (
        geomap.ControlsOptions()
        .show_zoom(True)
        .mouse_wheel_zoom(False)
        .show_scale(True)
        .show_attribution(True)
    )
    details = geomap.TooltipOptions().mode(geomap_models.TooltipMode.DETAILS)
    basemap = common_builders.MapLayerOptions().type("default").name("Map")
    mapped = described.span(24).height(18).view(view).controls(controls).tooltip(details)
    return in_units(mapped.basemap(basemap).layers([heat(), circles()]))


def heat() -> common_builders.MapLayerOptions:
    """The cells, weighted by their events."""
    weight = {"field": "events", "fixed": 1, "min": 0, "max": 1}
    return (
        layer("heatmap", "Events by cell", CELLS)
        .config({"weight": weight, "radius": 12, "blur": 18})
        .tooltip(False)
    )


def circles() -> common_builders.MapLayerOptions:
    """The latest events, sized by their accuracy."""
    style = {
        "size": {"field": "accuracy", "fixed": 5, "min": 4, "max": 14},
        "color": {"fixed": "dark-blue"},
        "opacity": 0.4,
        "symbol": {"mode": "fixed", "fixed": "img/icons/marker/circle.svg"},
    }
    return (
        layer("markers", "Latest events", LATEST).config({"style": style, "showLegend": False}).tooltip(True)
    )


def layer(kind: str, name: str, ref_id: str) -> common_builders.MapLayerOptions:
    """A layer of the rows of one query."""
    place = common_builders.FrameGeometrySource().mode(common.FrameGeometrySourceMode.COORDS)
    place = place.latitude("latitude").longitude("longitude")
    chosen = {"id": "byRefId", "options": ref_id}
    return common_builders.MapLayerOptions().type(kind).name(name).location(place).filter_data(chosen)


def totals() -> parts.AnyPanel:
    """Events, users, accuracy."""
    counts = parts.count_panel(
        2,
        "Located",
        "Located events of the time range, exact to its ends, whom they located, and the median of the "
        f"accuracy that they told. {LOCATED} {RAW}",
        parts.rows("places_total"),
    )
    counts = parts.override(
        counts, "accuracy", {"displayName": "median accuracy", "unit": units.Meter, "decimals": 0}
    )
    colours = parts.levels((50, parts.YELLOW), (500, parts.RED)).build()
    return parts.override(counts, "accuracy", {"thresholds": colours}).span(8).height(8)


def over_time() -> parts.AnyPanel:
    """Events of type location."""
    drawn = parts.time_series_panel(
        3,
        "Events of type location",
        "Events of type location a step of the time axis, of all users, with or without a place that is "
        "understood. Whole minutes, hours or days, so the first point may begin before the time range and "
        "the last one still grows.",
        parts.series("places_over_time"),
    )
    return drawn.interval("1m").span(16)


def latest() -> parts.AnyPanel:
    """The table."""
    grid = parts.table_panel(
        4,
        "Latest places",
        "The 500 latest located events of the time range; accuracy in metres, empty where it is not told. "
        f"{LOCATED}",
        parts.rows("places_latest"),
    )
    grid = parts.column(grid, "time", width=190)
    grid = parts.column(grid, "user", link=parts.board_address("users", user=parts.CLICKED))
    grid = parts.column(grid, "session", link=parts.board_address("events", session=parts.CLICKED))
    return in_units(grid)


def in_units(drawn: parts.AnyPanel) -> parts.AnyPanel:
    """Degrees with their digits, accuracy in metres."""
    for name in ("latitude", "longitude"):
        drawn = parts.override(drawn, name, {"unit": units.Degrees, "decimals": 5})
    return parts.column(drawn, "accuracy", unit=units.Meter)
