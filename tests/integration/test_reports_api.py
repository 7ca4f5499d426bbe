"""Reports by the API: run, saved, scheduled; what is refused, and what each role sees."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import psycopg
import pytest

from beatline.accounts.access import Role
from collector.api import reports
from tests.fixtures.admin import Admin
from tests.fixtures.event_log import a_row, insert_rows
from tests.fixtures.people import People, Tokens
from tests.fixtures.reports import report_rows

PERIOD = {"kind": "fixed", "since": "2026-10-20T00:00:00", "until": "2026-10-27T00:00:00"}
VIEWS = {"period": PERIOD, "filters": {"event_types": ["view"]}, "grain": "day", "time_zone": "Europe/Berlin"}
OF_PEOPLE = {"period": PERIOD, "groupings": [{"by": "property", "property": "plan"}]}
DAILY = {"every": "day", "at_hour": 7, "format": "pdf", "time_zone": "Europe/Berlin"}
ROWS = report_rows(120)


@pytest.fixture
def events_stored(connection: psycopg.Connection) -> Iterator[None]:
    """Events of both projects."""
    connection.execute("insert into projects (name) values ('second')")
    insert_rows(connection, ROWS)
    return None


def saved(admin: Admin, name: str = "Views", project: int = 1, **more: Any) -> Any:
    """A report that is saved."""
    answer = admin("POST", "reports", {"name": name, "definition": VIEWS, **more}, project)
    assert answer.status_code == 201, answer.text
    return answer.json


@pytest.mark.usefixtures("events_stored")
def test_a_report_is_answered_as_series_and_as_a_table(admin: Admin) -> None:
    definition = VIEWS | {"groupings": [{"by": "page"}], "top": 2, "compare": True}

    answer = admin.done("POST", "reports/run", {"definition": definition})

    assert answer["title"] == "Events per day, by page"
    assert answer["about"][0] == "20 October 2026 to 26 October 2026 (Europe/Berlin)"
    assert answer["filters"] == ["Event type is “view”"]
    assert (answer["since"], answer["until"]) == ("2026-10-20T00:00:00+02:00", "2026-10-27T00:00:00+01:00")
    assert len(answer["points"]) == 7
    assert [len(series["points"]) for series in answer["series"]] == [7] * len(answer["series"])
    assert sum(series["total"] for series in answer["series"]) == answer["all"]["total"] > 0
    assert len(answer["rows"]) == 7 * len(answer["series"])
    assert [column["name"] for column in answer["columns"]] == ["time", "page", "count", "previous count"]
    assert answer["definition"]["time_zone"] == "Europe/Berlin"


@pytest.mark.usefixtures("events_stored")
def test_a_saved_report_answers_what_its_definition_does(admin: Admin) -> None:
    report = saved(admin)

    ran = admin.done("POST", f"reports/{report['report_id']}/run", {})
    unsaved = admin.done("POST", "reports/run", {"definition": report["definition"]})

    assert ran["all"]["total"] > 0
    assert ran | {"as_of": 0, "about": 0} == unsaved | {"as_of": 0, "about": 0}


def test_reports_are_saved_changed_and_deleted(admin: Admin, connection: psycopg.Connection) -> None:
    report = saved(admin)
    place = f"reports/{report['report_id']}"
    changed = {"name": "Buys", "definition": VIEWS | {"grain": "hour"}, "version": 1}

    assert admin.done("GET", "reports")["reports"] == [report]
    assert admin("POST", "reports", {"name": "Views", "definition": VIEWS}).status_code == 409
    after = admin.done("PUT", place, changed)
    assert (after["name"], after["version"], after["definition"]["grain"]) == ("Buys", 2, "hour")
    late = admin("PUT", place, changed)
    assert (late.status_code, "version 2" in late.json["message"]) == (409, True)
    assert admin.done("GET", place) == after
    admin.done("DELETE", place)
    for method, path, body in (("GET", place, None), ("PUT", place, changed), ("DELETE", place, None)):
        assert admin(method, path, body).status_code == 404
    log = connection.execute("select action, subject from audit_log order by audit_id").fetchall()
    assert log == [("report saved", "Views"), ("report changed", "Views"), ("report deleted", "Buys")]


@pytest.mark.usefixtures("events_stored")
def test_a_report_of_another_project_is_not_there(admin: Admin) -> None:
    report = saved(admin)
    place = f"reports/{report['report_id']}"
    schedule = admin("POST", f"{place}/schedules", DAILY).json
    other = saved(admin, project=2)
    asked = [
        ("GET", place, None), ("PUT", place, {"name": "x", "definition": VIEWS, "version": 1}),
        ("DELETE", place, None), ("POST", f"{place}/run", {}),
        ("GET", f"{place}/schedules", None), ("POST", f"{place}/schedules", DAILY),
        ("PUT", f"{place}/schedules/{schedule['schedule_id']}", DAILY),
        ("PUT", f"reports/{other['report_id']}/schedules/{schedule['schedule_id']}", DAILY),
        ("DELETE", f"reports/{other['report_id']}/schedules/{schedule['schedule_id']}", None),
        ("GET", f"reports/{2**40}", None),
    ]  # fmt: skip
    for method, path, body in asked:
        assert admin(method, path, body, project=2).status_code == 404, path
    for project in (3, 2**31 - 1):
        assert admin("GET", "reports", project=project).status_code == 404
        assert admin("POST", "reports/run", {"definition": VIEWS}, project=project).status_code == 404
    assert [report["report_id"] for report in admin.done("GET", "reports", project=2)["reports"]] == [
        other["report_id"]
    ]


def asking(**condition: Any) -> dict[str, Any]:
    """A filter on a property."""
    return {"filters": {"properties": [condition]}}


WRONG: list[tuple[dict[str, Any], list[str]]] = [
    ({"period": None}, ["period"]),
    ({"period": {}}, ["period", "kind"]),
    ({"period": {"kind": "sometimes"}}, ["period", "kind"]),
    ({"period": {"kind": "last", "unit": "day"}}, ["period", "count"]),
    ({"period": {"kind": "this", "unit": "day", "count": 1}}, ["period", "count"]),
    ({"period": {"kind": "last", "unit": "fortnight", "count": 1}}, ["period", "unit"]),
    ({"period": {"kind": "last", "unit": "day", "count": 0}}, ["period", "count"]),
    ({"period": {"kind": "last", "unit": "year", "count": 2_000}}, ["period"]),
    ({"period": {"kind": "fixed", "since": "soon", "until": "2026-01-01"}}, ["period", "since"]),
    ({"period": PERIOD | {"until": "2026-10-20"}}, ["period", "until"]),
    ({"period": PERIOD | {"since": "0001-01-01T00:00:00+14:00"}}, ["period", "since"]),
    ({"measure": {"kind": "mode"}}, ["measure", "kind"]),
    ({"measure": {"kind": "sum"}}, ["measure", "property"]),
    ({"measure": {"kind": "percentile", "property": "n", "percentile": 91}}, ["measure", "percentile"]),
    ({"groupings": [{"by": "user"}]}, ["groupings", "0", "by"]),
    ({"groupings": [{"by": "property"}]}, ["groupings", "0", "property"]),
    ({"groupings": [{"by": "page"}] * 3}, ["groupings"]),
    ({"filters": {"user": "u"}}, ["filters", "user"]),
    ({"filters": {"user_id": "a\0"}}, ["filters", "user_id"]),
    ({"filters": {"user_id": ""}}, ["filters", "user_id"]),
    ({"filters": {"event_types": ["a"] * 21}}, ["filters", "event_types"]),
    (asking(property="a..b", value=1), ["filters", "properties", "0", "property"]),
    (asking(property="a", value={}), ["filters", "properties", "0", "value"]),
    (asking(property="a", value=10**30), ["filters", "properties", "0", "value"]),
    (asking(property="a"), ["filters", "properties", "0", "value"]),
    (asking(property="a", operator="like", value="%"), ["filters", "properties", "0", "operator"]),
    (asking(property="a", operator="less", value=True), ["filters", "properties", "0", "value"]),
    ({"grain": "second"}, ["grain"]),
    ({"grain": "minute"}, ["grain"]),
    ({"top": 51}, ["top"]),
    ({"time_zone": "Mars/Olympus"}, ["time_zone"]),
    ({"compare": "perhaps"}, ["compare"]),
    ({"colour": "red"}, ["colour"]),
]  # fmt: skip


@pytest.mark.parametrize(("change", "where"), WRONG)
def test_what_is_wrong_is_told_by_its_field(admin: Admin, change: dict[str, Any], where: list[str]) -> None:
    definition = {"period": PERIOD} | change
    for path, body in (("reports/run", {}), ("reports", {"name": "n"})):
        answer = admin("POST", path, body | {"definition": definition})
        assert answer.status_code == 400, answer.text
        assert list(answer.json["errors"]) == ["definition"]
        found = answer.json["errors"]["definition"]
        for name in where:
            assert name in found
            found = found[name]


def test_names_are_bounded(admin: Admin) -> None:
    for name in ("", "n" * 201, "a\0b"):
        answer = admin("POST", "reports", {"name": name, "definition": VIEWS})
        assert (answer.status_code, list(answer.json["errors"])) == (400, ["name"])


def test_a_project_has_so_many_reports(admin: Admin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("beatline.reports.saved.MOST_REPORTS", 1)
    saved(admin)
    assert admin("POST", "reports", {"name": "one more", "definition": VIEWS}).status_code == 409


def test_a_report_that_takes_too_long_is_refused_with_advice(
    admin: Admin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "SECONDS", 0.0)

    answer = admin("POST", "reports/run", {"definition": VIEWS})

    assert (answer.status_code, "shorter period" in str(answer.json["errors"]["definition"])) == (400, True)


def test_so_many_reports_run_at_once(admin: Admin) -> None:
    taken = [reports.runs_left.acquire(blocking=False) for _ in range(reports.RUNS_AT_ONCE)]
    try:
        busy = admin("POST", "reports/run", {"definition": VIEWS})
    finally:
        for _ in taken:
            reports.runs_left.release()

    assert (all(taken), busy.status_code) == (True, 429)
    assert admin("POST", "reports/run", {"definition": VIEWS}).status_code == 200


# Viewers


@pytest.fixture
def viewer(persons: People) -> Tokens:
    """Somebody who may read numbers of project 1, and no events."""
    return persons.join("viewer@example.com", Role.VIEWER, 1).sign_in()


@pytest.mark.parametrize(
    ("definition", "status"),
    [
        (VIEWS, 200), (VIEWS | {"groupings": [{"by": "page"}, {"by": "event_type"}]}, 200),
        (VIEWS | {"measure": {"kind": "users"}, "filters": {"page_prefix": "/"}}, 200), (OF_PEOPLE, 403),
        (VIEWS | {"groupings": [{"by": "segment", "property": "plan"}]}, 403),
        (VIEWS | {"measure": {"kind": "maximum", "property": "salary"}}, 403),
        (VIEWS | {"filters": {"user_id": "ann"}}, 403), (VIEWS | {"filters": {"anonymous_id": "a"}}, 403),
        (VIEWS | {"filters": {"session_id": "s"}}, 403), (VIEWS | {"filters": {"device_id": "d"}}, 403),
        (VIEWS | {"filters": {"properties": [{"property": "email", "value": "a@b.c"}]}}, 403),
    ],
)  # fmt: skip
def test_viewers_run_what_tells_nobodys_own_data(viewer: Tokens, definition: Any, status: int) -> None:
    answer = viewer("POST", "/api/v1/projects/1/reports/run", {"definition": definition})
    assert answer.status_code == status, answer.text


def test_viewers_see_saved_reports_that_are_for_them(boss: Tokens, viewer: Tokens) -> None:
    place = "/api/v1/projects/1/reports"
    bodies = [
        {"name": "counts", "definition": VIEWS}, {"name": "people", "definition": OF_PEOPLE},
        {"name": "shown", "definition": OF_PEOPLE, "for_viewers": True},
    ]  # fmt: skip
    made = {body["name"]: boss("POST", place, body).json["report_id"] for body in bodies}

    assert [report["name"] for report in viewer("GET", place).json["reports"]] == ["counts", "shown"]
    for name, status in (("counts", 200), ("people", 403), ("shown", 200)):
        assert viewer("GET", f"{place}/{made[name]}").status_code == status
        assert viewer("POST", f"{place}/{made[name]}/run", {}).status_code == status
        assert viewer("GET", f"{place}/{made[name]}/schedules").status_code == status
    assert viewer("POST", place, bodies[0] | {"name": "mine"}).status_code == 403


def test_a_report_knows_its_owner_and_outlives_them(persons: People, boss: Tokens) -> None:
    ann = persons.join("ann@example.com", Role.ANALYST, 1)
    body = {"name": "Ann's", "definition": OF_PEOPLE}
    made = ann.sign_in()("POST", "/api/v1/projects/1/reports", body).json
    assert made["owner_id"] == str(ann.account_id)

    assert boss("DELETE", f"/api/v1/accounts/{ann.account_id}").status_code == 204

    assert boss("GET", f"/api/v1/projects/1/reports/{made['report_id']}").json["owner_id"] is None


# Schedules


def test_schedules_are_made_changed_and_deleted(
    boss: Tokens, persons: People, connection: psycopg.Connection
) -> None:
    viewer = persons.join("viewer@example.com", Role.VIEWER, 1)
    report = boss("POST", "/api/v1/projects/1/reports", {"name": "r", "definition": VIEWS}).json
    place = f"/api/v1/projects/1/reports/{report['report_id']}/schedules"

    made = boss("POST", place, DAILY | {"recipients": [str(viewer.account_id)]})
    assert made.status_code == 201, made.text
    due = datetime.fromisoformat(made.json["due_at"])
    assert timedelta() < due - datetime.now(UTC) <= timedelta(hours=25)
    weekly = DAILY | {"every": "week", "on_day": 1, "paused": True}
    changed = boss("PUT", f"{place}/{made.json['schedule_id']}", weekly).json
    assert (changed["every"], changed["on_day"], changed["paused"], changed["recipients"]) == (
        "week",
        1,
        True,
        [],
    )
    assert datetime.fromisoformat(changed["due_at"]).weekday() == 0
    assert boss("GET", place).json["schedules"] == [changed]
    assert boss("DELETE", f"{place}/{made.json['schedule_id']}").status_code == 204
    assert boss("GET", place).json["schedules"] == []
    actions = connection.execute("select action from audit_log where action like 'report%' order by audit_id")
    assert [action for (action,) in actions][1:] == [
        "report scheduled", "report schedule changed", "report schedule deleted"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"every": "hour"}, "every"), ({"at_hour": 24}, "at_hour"), ({"on_day": 1}, "on_day"),
        ({"every": "week"}, "on_day"), ({"every": "week", "on_day": 8}, "on_day"),
        ({"every": "month", "on_day": 32}, "on_day"), ({"time_zone": "Mars"}, "time_zone"),
        ({"format": "docx"}, "format"), ({"recipients": [str(UUID(int=1))]}, "recipients"),
        ({"recipients": [str(UUID(int=1))] * 21}, "recipients"), ({"recipients": ["boss"]}, "recipients"),
    ],
)  # fmt: skip
def test_a_schedule_that_cannot_be_is_refused(admin: Admin, change: dict[str, Any], where: str) -> None:
    report = saved(admin)
    answer = admin("POST", f"reports/{report['report_id']}/schedules", DAILY | change)
    assert (answer.status_code, list(answer.json["errors"])) == (400, [where])


def test_only_who_may_see_a_report_receives_it(boss: Tokens, persons: People) -> None:
    body = {"name": "people", "definition": OF_PEOPLE}
    report = boss("POST", "/api/v1/projects/1/reports", body).json
    place = f"/api/v1/projects/1/reports/{report['report_id']}/schedules"
    for email, role, project_id, status in (
        ("viewer@example.com", Role.VIEWER, 1, 400), ("elsewhere@example.com", Role.ADMIN, 2, 400),
        ("nobody@example.com", None, None, 400), ("analyst@example.com", Role.ANALYST, 1, 201),
    ):  # fmt: skip
        person = persons.join(email, role, project_id)
        answer = boss("POST", place, DAILY | {"recipients": [str(person.account_id)]})
        assert answer.status_code == status, email


def test_a_report_has_so_many_schedules(admin: Admin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("beatline.reports.schedules.MOST_SCHEDULES", 1)
    place = f"reports/{saved(admin)['report_id']}/schedules"
    assert [admin("POST", place, DAILY).status_code for _ in range(2)] == [201, 409]


TEXTS = ("user_id", "anonymous_id", "session_id", "device_id", "page_url", "page_prefix")


def test_sql_in_every_text_is_harmless(admin: Admin, connection: psycopg.Connection) -> None:
    insert_rows(connection, [a_row(1, datetime(2026, 10, 21, tzinfo=UTC), Random(1))])
    for text in ("'; drop table events; --", "%(limit)s", '"', "\\", "$1", "{}", "' or 1=1 --"):
        name = text.replace("\\", "\\\\")
        definition = VIEWS | {
            "filters": {
                **dict.fromkeys(TEXTS, text),
                "event_types": [text], "properties": [{"property": name, "value": text}],
            },
            "groupings": [{"by": "property", "property": name}, {"by": "segment", "property": name}],
            "measure": {"kind": "sum", "property": name},
        }  # fmt: skip
        report = saved(admin, text, definition=definition)
        assert report["definition"]["filters"]["user_id"] == text
        answer = admin.done("POST", f"reports/{report['report_id']}/run", {})
        assert answer["all"]["total"] == 0
    assert connection.execute("select count(*) from events").fetchone() == (1,)
