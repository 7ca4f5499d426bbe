"""The committed dashboards and what provisions them: as generated, with every reference resolved."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from grafana.__main__ import definitions
from tests.grafana.boards import DEFINITIONS, PROVISIONING, Json, boards, datasource, panels, variables
from tests.grafana.variables import names_in

register_default_plugins()  # the types of panels and queries

PRODUCT = ("live", "events", "pages", "users", "places")
OPERATIONS = ("collector", "workers", "database", "service_levels")
FOLDERS = {"beatline-product": ("Product", PRODUCT), "beatline-operations": ("Operations", OPERATIONS)}
UIDS = {name: f"beatline-{name.replace('_', '-')}" for name in (*PRODUCT, *OPERATIONS)}
SOURCES = ("timescaledb", "prometheus")
ENVIRONMENT = {
    "GF_PATHS_PROVISIONING",
    "BEATLINE_GRAFANA_DATABASE_HOST",
    "BEATLINE_GRAFANA_DATABASE_NAME",
    "BEATLINE_GRAFANA_DATABASE_USER",
    "BEATLINE_GRAFANA_DATABASE_PASSWORD",
    "BEATLINE_GRAFANA_DATABASE_SSLMODE",
    "BEATLINE_PROMETHEUS_URL",
}
LINK = re.compile(r"/d/(?P<uid>[\w-]+)(?P<query>\?[^\s\"]*)?")

every_board = pytest.mark.parametrize("name", boards())
every_panel = pytest.mark.parametrize(
    ("name", "panel"),
    [(name, panel) for name, board in boards().items() for panel in panels(board)],
    ids=lambda each: each if isinstance(each, str) else str(each["id"]),
)


def test_the_definitions_are_what_the_boards_generate() -> None:
    """`make dashboards` would change nothing."""
    committed = {path.relative_to(DEFINITIONS): path.read_text() for path in DEFINITIONS.rglob("*.json")}
    generated = definitions()
    assert committed.keys() == generated.keys()
    for path, text in generated.items():
        assert committed[path] == text, f"{path} is stale: run `make dashboards`"


def test_every_board_is_there_under_its_uid() -> None:
    """Alert rules and links name them."""
    assert {name: board["uid"] for name, board in boards().items()} == UIDS


@every_board
def test_boards_are_of_the_sdks_types(name: str) -> None:
    """It knows every field that is set and keeps its value, also panels' options and queries."""
    board = boards()[name]
    loaded = json.loads(json.dumps(Dashboard.from_json(board), cls=JSONEncoder))
    assert not list(lost(board, loaded))


@every_board
def test_boards_are_provisioned_and_described(name: str) -> None:
    """Not editable, with a title, a description, a relative time range and a refresh."""
    board = boards()[name]
    assert board["title"]
    assert len(board["description"]) > 20
    assert board["editable"] is False
    assert board["tags"] == ["beatline"]
    assert board["time"]["to"] == "now"
    assert board["refresh"] == ("5s" if name == "live" else board["refresh"]) != ""


@every_board
def test_panels_have_ids_of_their_own(name: str) -> None:
    """Rows too."""
    shown = boards()[name]["panels"]
    ids = Counter(panel["id"] for row in shown for panel in [row, *(row.get("panels") or [])])
    assert ids.keys() == {number for number, count in ids.items() if count == 1 and number > 0}


@every_board
def test_panels_lie_beside_each_other(name: str) -> None:
    """Within the 24 columns, and none over another."""
    taken: set[tuple[int, int]] = set()
    for panel in boards()[name]["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells


@every_panel
def test_panels_are_described_and_know_their_source(name: str, panel: Json) -> None:
    """A title, a description, a unit for its numbers, and targets that ask a source of ours."""
    assert panel["title"]
    assert len(panel["description"]) > 20
    assert panel["fieldConfig"]["defaults"]["unit"]
    uids = {datasource(source)["uid"]: datasource(source)["type"] for source in SOURCES}
    for target in [panel, *panel["targets"]]:
        assert uids[target["datasource"]["uid"]] == target["datasource"]["type"]
    names = [target["refId"] for target in panel["targets"]]
    assert names
    assert len(set(names)) == len(names)


@every_board
def test_every_variable_is_defined_and_used(name: str) -> None:
    """In statements, titles, links, or the query of another variable."""
    board = boards()[name]
    models = variables(board)
    defined = [model["name"] for model in models]
    used = set().union(*(names_in(text) for text in texts(board["panels"]) if "$" in text))
    for number, model in enumerate(models):
        needed = set().union(*(names_in(text) for text in texts(model.get("query"))))
        assert needed <= set(defined[:number]), "a variable needs those before it only"
        used |= needed
    assert set(defined) == used
    assert len(set(defined)) == len(defined)
    assert all(model["label"] for model in models)


@every_board
def test_links_lead_to_boards_that_have_their_variables(name: str) -> None:
    """With the project kept wherever both boards have one."""
    by_uid = {board["uid"]: board for board in boards().values()}
    for link in links(boards()[name]):
        there = {model["name"] for model in variables(by_uid[link["uid"]])}
        query = link["query"] or ""
        assert "${__url_time_range}" in query
        assert set(re.findall(r"[?&]var-(\w+)=", query)) <= there, query
        assert set(re.findall(r"\$\{(\w+):queryparam\}", query)) <= there, query
        here = {model["name"] for model in variables(boards()[name])}
        if "project" in here & there:
            assert "${project:queryparam}" in query


def test_boards_of_the_product_lead_to_each_other() -> None:
    """From Live to events, pages and users, among others."""
    found = {name: {link["uid"] for link in links(board)} for name, board in boards().items()}
    assert found["live"] >= {"beatline-events", "beatline-pages", "beatline-users"}
    assert all("beatline" in link["tags"] for board in boards().values() for link in board["links"][:1])


def lost(given: Any, kept: Any, where: str = "") -> Iterator[str]:
    """Where JSON has what other JSON has not, or has otherwise."""
    if isinstance(given, dict) and isinstance(kept, dict):
        for name, value in given.items():
            yield from lost(value, kept.get(name), f"{where}/{name}")
    elif isinstance(given, list) and isinstance(kept, list) and len(given) == len(kept):
        for number, pair in enumerate(zip(given, kept, strict=True)):
            yield from lost(*pair, f"{where}/{number}")
    elif given != kept:
        yield where


def links(board: Json) -> Iterator[dict[str, str]]:
    """The uid and query of every address of a board that a board has."""
    for text in texts(board):
        for match in LINK.finditer(text):
            yield match.groupdict()


def texts(value: Any) -> Iterator[str]:
    """Every text in JSON."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from texts(each)


def providers() -> list[Json]:
    """What provisions dashboards."""
    text = (PROVISIONING / "dashboards" / "dashboards.yml").read_text()
    return list(yaml.safe_load(text)["providers"])


def test_each_board_is_provisioned_once_into_its_folder() -> None:
    """A provider reads its whole path; nobody but the files changes a board."""
    found = {}
    for provider in providers():
        path = provider["options"]["path"].replace("$GF_PATHS_PROVISIONING", str(PROVISIONING))
        names = {file.stem for file in Path(path).rglob("*.json")}
        found[provider["folderUid"]] = (provider["folder"], names)
        assert provider["type"] == "file"
        assert provider["allowUiUpdates"] is False
        assert provider["disableDeletion"] is True
    assert found == {uid: (title, set(names)) for uid, (title, names) in FOLDERS.items()}
    assert len({provider["name"] for provider in providers()}) == len(providers())


def test_datasources_are_fixed_and_secret() -> None:
    """Not editable, under the uids that boards and rules name, the password from the environment."""
    found = {name: datasource(name) for name in SOURCES}
    files = {path.stem for path in (PROVISIONING / "datasources").glob("*.yml")}
    assert files == set(SOURCES)
    assert {name: source["uid"] for name, source in found.items()} == {
        name: f"beatline-{name}" for name in SOURCES
    }
    assert [source["isDefault"] for source in found.values()] == [True, False]
    assert all(source["editable"] is False and source["access"] == "proxy" for source in found.values())
    secret = found["timescaledb"]["secureJsonData"]
    assert secret == {"password": "$BEATLINE_GRAFANA_DATABASE_PASSWORD"}


def test_provisioning_names_only_variables_that_are_set() -> None:
    """Grafana expands $NAME in values; an unknown one would be empty."""
    used = set()
    for path in [
        *(PROVISIONING / "datasources").glob("*.yml"),
        PROVISIONING / "dashboards" / "dashboards.yml",
    ]:
        for text in texts(yaml.safe_load(path.read_text())):
            used |= set(re.findall(r"\$\{?(\w+)", text))
    assert used == ENVIRONMENT


def test_prometheus_is_asked_in_steps_of_its_scrapes() -> None:
    """timeInterval bounds $__rate_interval: a shorter one finds a single sample."""
    config = yaml.safe_load((PROVISIONING.parents[1] / "prometheus" / "prometheus.yml").read_text())
    assert datasource("prometheus")["jsonData"]["timeInterval"] == config["global"]["scrape_interval"]
