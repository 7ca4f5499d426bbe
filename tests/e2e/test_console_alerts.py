"""Watches, their history, Grafana's alerts and the workers' jobs in the console, over a real collector."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import psycopg
import pytest
from playwright.sync_api import Locator, Page, expect
from psycopg.types.json import Jsonb

from beatline.accounts.access import Role
from beatline.settings import Settings
from tests.fixtures.collectors import ROOT
from tests.fixtures.consoles import LOOKS, Browse, Console, accessibility_faults, fits, keep_picture
from workers.watches import evaluate_watches

BOSS, ANALYST, VIEWER, OTHER = "boss@example.com", "ann@example.com", "vera@example.com", "olga@example.com"
ATTACK = "<img src=x onerror=\"window.attacked='yes'\">"
BUYS = 3
GRAFANA = ROOT / "tests" / "fixtures" / "webhooks" / "grafana_firing.json"
Look = Callable[..., None]


@pytest.fixture(scope="module")
def people(console: Console) -> None:
    """People of each role in the first project, and some events of now."""
    for email, role in ((ANALYST, Role.ANALYST), (VIEWER, Role.VIEWER), (OTHER, Role.VIEWER)):
        console.join(email, role, 1)
    events = [{"event_type": "buy", "user_id": f"u{number}"} for number in range(BUYS)]
    answer = httpx.post(f"{console.url}/api/v1/analytics/batch/", json={"events": events})
    assert answer.json() == {"accepted": BUYS, "rejected": []}


pytestmark = pytest.mark.usefixtures("people")


@pytest.fixture
def look(console: Console, redis_url: str) -> Look:
    """Has the workers look at all watches, some seconds from now."""

    def at(seconds: float = 0) -> None:
        settings = Settings(database_url=console.database_url, redis_url=redis_url, data=console.data)
        evaluate_watches(settings, datetime.now(UTC) + timedelta(seconds=seconds))

    return at


def table(page: Page, name: str) -> Locator:
    return page.get_by_role("table", name=name)


def row(page: Page, text: str) -> Locator:
    return page.get_by_role("row").filter(has_text=text)


def told(page: Page) -> Locator:
    return page.locator(".toasts")


def as_somebody(console: Console, email: str) -> httpx.Client:
    """An API client of somebody."""
    given = {"email": email, "password": "correct horse battery"}
    token = httpx.post(f"{console.url}/api/v1/auth/login", json=given).json()["access_token"]
    return httpx.Client(base_url=console.url, headers={"Authorization": f"Bearer {token}"})


def watched(console: Console, name: str, email: str = BOSS, **fields: Any) -> int:
    """Make a watch of more than two purchases; its id."""
    condition = {
        "measure": "events", "event_type": "buy", "window_minutes": 60, "direction": "above", "level": 2,
    }  # fmt: skip
    body = {"name": name, "kind": "threshold", "condition": condition, "cool_down_seconds": 0} | fields
    with as_somebody(console, email) as client:
        answer = client.post("/api/v1/projects/1/watches", json=body)
    assert answer.status_code == 201, answer.text
    return int(answer.json()["watch_id"])


def test_given_a_condition_then_it_says_what_it_would_do_now_and_fires_when_it_is_looked_at(
    browse: Browse, console: Console, look: Look
) -> None:
    page = browse("/alerts/watches/new", VIEWER)
    expect(page.get_by_label("Of", exact=True).get_by_role("option")).to_have_text(
        ["Events", "Users", "Sessions"]
    )
    page.get_by_label("Which events").select_option("type")
    trial = page.locator(".trial")
    expect(trial).to_have_text("Fill in the condition to see what it would say now.")
    page.get_by_label("Type", exact=True).fill("buy")
    page.get_by_label("In the last").select_option("60")
    page.get_by_label("Are", exact=True).select_option("above")
    page.get_by_label("The level").fill("3")
    expect(trial).to_have_text(f"Now it is {BUYS}: it would not fire.")
    page.get_by_label("The level").fill("2")
    expect(trial).to_have_text(f"Now it is {BUYS}: it would fire.")
    page.get_by_label("Name", exact=True).fill(f"Many buys {ATTACK}")
    page.get_by_role("button", name="Save").click()
    expect(page).to_have_url(f"{console.url}/alerts")
    mine = row(page, "Many buys")
    expect(mine).to_contain_text("Events of type buy of the last hour above 2")
    expect(mine).to_contain_text("not looked at yet")
    look()
    page.reload()
    expect(mine).to_contain_text("firing")
    expect(mine.locator('[data-title="Value"]')).to_have_text(str(BUYS))
    page.get_by_role("link", name="History").click()
    episode = row(page, "Many buys")
    expect(episode.locator('[data-title="Over"]')).to_have_text("firing")
    expect(episode.locator('[data-title="Worst"]')).to_have_text(str(BUYS))
    assert page.evaluate("window.attacked") is None


def test_given_a_watch_then_it_is_snoozed_turned_off_changed_and_deleted(
    browse: Browse, console: Console, look: Look
) -> None:
    watch_id = watched(console, "Some sales")
    look()
    page = browse("/alerts", BOSS)
    mine = row(page, "Some sales")
    mine.get_by_role("button", name="Snooze Some sales").click()
    page.get_by_label("For", exact=True).select_option("8")
    page.get_by_role("dialog").get_by_role("button", name="Snooze").click()
    expect(mine).to_contain_text("snoozed")
    until = "select snoozed_until from watches where watch_id = %s"
    with psycopg.connect(console.database_url) as connection:
        [stored] = connection.execute(until, [watch_id]).fetchone() or [None]
    assert abs(stored - datetime.now(UTC) - timedelta(hours=8)) < timedelta(minutes=1)
    mine.get_by_role("button", name="End snooze").click()
    expect(mine).not_to_contain_text("snoozed")
    mine.get_by_role("button", name="Turn off").click()
    expect(mine.locator('[data-title="State"]')).to_have_text("off")
    mine.get_by_role("button", name="Turn on").click()
    expect(mine).to_contain_text("not looked at yet")
    mine.get_by_role("link", name="Some sales").click()
    expect(row(page, "the watch was turned off")).to_be_visible()
    page.get_by_label("The level").fill("100")
    page.get_by_label("Over from").fill("200")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_label("Over from")).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Over from").fill("")
    page.get_by_role("button", name="Save").click()
    expect(told(page)).to_contain_text("Some sales is saved.")
    expect(page.get_by_text("Events of type buy of the last hour above 100.")).to_be_visible()
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page).to_have_url(f"{console.url}/alerts")
    expect(row(page, "Some sales")).to_have_count(0)


def test_given_a_time_to_snooze_until_then_it_is_that_one_and_one_that_is_over_is_refused(
    browse: Browse, console: Console
) -> None:
    watched(console, "Quiet please")
    page = browse("/alerts", BOSS)
    row(page, "Quiet please").get_by_role("button", name="Snooze").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("For", exact=True).select_option("until")
    dialog.get_by_label("Until", exact=True).fill("2020-01-01T00:00")
    dialog.get_by_role("button", name="Snooze").click()
    expect(dialog.get_by_label("Until", exact=True)).to_have_attribute("aria-invalid", "true")
    tomorrow = datetime.now() + timedelta(days=1)
    dialog.get_by_label("Until", exact=True).fill(tomorrow.strftime("%Y-%m-%dT12:00"))
    dialog.get_by_role("button", name="Snooze").click()
    expect(row(page, "Quiet please")).to_contain_text(tomorrow.strftime("%-d %b %Y, 12:00"))


@pytest.mark.parametrize(
    ("kind", "fill", "words"),
    [
        ("absence", {"For": "120"}, "No events for 2 hours"),
        (
            "change",
            {"Are": "up", "Compared with": "window_before"},
            "Events of the last 15 minutes 50 % up on the window before",
        ),
    ],
)
def test_given_each_kind_then_its_own_fields_make_a_watch(
    browse: Browse, kind: str, fill: dict[str, str], words: str
) -> None:
    page = browse("/alerts/watches/new", ANALYST)
    page.get_by_label("Tell me when").select_option(kind)
    expect(page.get_by_label("The level")).to_have_count(0)
    for label, chosen in fill.items():
        page.get_by_label(label, exact=True).select_option(chosen)
    expect(page.locator(".trial")).to_contain_text("fire.")
    page.get_by_label("Name", exact=True).fill(f"A watch of {kind}")
    page.get_by_role("button", name="Save").click()
    expect(row(page, f"A watch of {kind}")).to_contain_text(words)


def test_given_a_watch_of_the_project_then_all_see_it_and_its_admins_change_it(
    browse: Browse, console: Console
) -> None:
    shared = watched(console, "Ours", shared=True)
    private = watched(console, "Vera own", VIEWER)
    page = browse("/alerts", OTHER)
    expect(row(page, "Ours")).to_contain_text("the project")
    expect(row(page, "Ours").get_by_role("button")).to_have_count(0)
    expect(row(page, "Vera own")).to_have_count(0)
    page.goto(f"{console.url}/alerts/watches/{shared}")
    expect(page.get_by_role("heading", name="Ours")).to_be_visible()
    expect(page.get_by_role("button", name="Save")).to_have_count(0)
    page.goto(f"{console.url}/alerts/watches/{private}")
    expect(page.get_by_role("heading", name="No such watch", exact=True)).to_be_visible()
    boss = browse("/alerts", BOSS)
    expect(row(boss, "Vera own")).to_contain_text("somebody")


def grafana_told(console: Console) -> None:
    """Store alerts as Grafana's webhook would."""
    sample = json.loads(GRAFANA.read_text())
    statement = """
        insert into alert_history (fingerprint, starts_at, labels, annotations, "values", links, receiver,
                                   org_id, first_received_at, last_received_at)
        values (%s, %s, %s, %s, %s, %s, 'Beatline', 1, now(), now())
        on conflict do nothing"""
    with psycopg.connect(console.database_url, autocommit=True) as connection:
        for number, alert in enumerate(sample["alerts"]):
            links = {"generator": "https://grafana.example/rule", "silence": "javascript:alert(1)"}
            connection.execute(
                statement,
                [
                    f"{number:016x}", alert["startsAt"], Jsonb(alert["labels"]),
                    Jsonb(alert["annotations"]), Jsonb(alert["values"]), Jsonb(links),
                ],
            )  # fmt: skip


def test_given_alerts_of_grafana_then_those_of_the_installation_see_them_alone(
    browse: Browse, console: Console
) -> None:
    grafana_told(console)
    page = browse("/alerts/grafana", BOSS)
    alerts = table(page, "Alerts of Grafana, the newest first")
    expect(alerts).to_contain_text("firing")
    alerts.get_by_role("button").first.click()
    expect(alerts.get_by_role("link", name="generator in Grafana")).to_be_visible()
    expect(alerts.get_by_role("link", name="silence")).to_have_count(0)
    page.get_by_label("Which alerts").select_option("resolved")
    expect(page.get_by_role("heading", name="No alerts")).to_be_visible()
    expect(page).to_have_url(re.compile("status=resolved"))
    other = browse("/alerts", ANALYST)
    expect(other.get_by_role("link", name="History")).to_be_visible()
    expect(other.get_by_role("link", name=re.compile("Grafana.s alerts"))).to_have_count(0)
    other.goto(f"{console.url}/alerts/grafana")
    expect(other.get_by_role("heading", name="This is not for your role")).to_be_visible()


def add_jobs(console: Console) -> None:
    """A schedule as a leader publishes it, with a run, and two messages that failed for good."""
    statements = [
        """insert into job_schedule values
             ('close_day', 'maintenance', '1 day', '1 hour', '5 minutes', 'once', true),
             ('evaluate_watches', 'maintenance', '15 seconds', '0', '1 minute', 'skip', false)
           on conflict do nothing""",
        """insert into job_runs (job, due_at, send_after, attempts, failures, started_at, ended_at, outcome,
                                 error)
           values ('close_day', date_trunc('day', now()), now(), 2, 2, now(), now(), 'failed', 'It broke')
           on conflict do nothing""",
        """insert into dead_letters (queue, actor, arguments, error, traceback, first_at, at)
           values ('exports', 'perform_export', '["1"]', 'No space left', 'Traceback: a', now(), now()),
                  ('exports', 'perform_export', '["2"]', 'No space at all', 'Traceback: b', now(), now())
           on conflict do nothing""",
    ]
    with psycopg.connect(console.database_url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def test_given_jobs_and_dead_letters_then_they_are_shown_sent_again_and_dismissed(
    browse: Browse, console: Console
) -> None:
    add_jobs(console)
    page = browse("/settings/jobs", BOSS)
    jobs = table(page, "Jobs by the clock")
    expect(jobs.get_by_role("row").filter(has_text="close_day")).to_contain_text("failed")
    expect(jobs.get_by_role("row").filter(has_text="evaluate_watches")).to_contain_text("15 seconds")
    row(page, "close_day").get_by_role("button").click()
    expect(jobs).to_contain_text("It broke")
    first = row(page, "No space left")
    first.get_by_role("button", name="Send again").click()
    expect(first).to_contain_text("being sent")
    row(page, "No space at all").get_by_role("button", name="Dismiss").click()
    page.get_by_role("dialog").get_by_role("button", name="Dismiss").click()
    expect(row(page, "No space at all")).to_have_count(0)
    other = browse("/settings/jobs", ANALYST)
    expect(other.get_by_role("heading", name="This is not for your role")).to_be_visible()


@pytest.mark.parametrize(("name", "look_of_it"), LOOKS.items())
def test_given_a_screen_then_everything_fits_it_and_axe_finds_nothing(
    browse: Browse, console: Console, look: Look, name: str, look_of_it: dict[str, Any]
) -> None:
    grafana_told(console)
    add_jobs(console)
    watch_id = watched(console, f"Looks on a {name}", shared=True)
    watched(console, f"Snoozed on a {name}")
    look()
    page = browse("/alerts", BOSS, **look_of_it)
    page.get_by_role("button", name=f"Snooze Snoozed on a {name}", exact=True).click()
    looks_right(page, f"alerts-snooze-{name}")
    page.get_by_role("dialog").get_by_role("button", name="Snooze").click()
    expect(row(page, f"Snoozed on a {name}")).to_contain_text("until")
    looks_right(page, f"alerts-watches-{name}")
    for path, shown in {
        "/alerts/watches/new": "Now it is",
        f"/alerts/watches/{watch_id}": "1 episode shown",
        "/alerts/history": "shown, that is all",
    }.items():
        page.goto(f"{console.url}{path}")
        expect(page.get_by_text(shown).first).to_be_visible()
        looks_right(page, f"{path[1:].replace('/', '-').replace(str(watch_id), 'one')}-{name}")
    for path, label in {
        "/alerts/grafana": "Alerts of Grafana, the newest first",
        "/settings/jobs": "Dead letters, those that failed last first",
    }.items():
        page.goto(f"{console.url}{path}")
        table(page, label).get_by_role("button", name="Details of row 1").click()
        looks_right(page, f"{path[1:].replace('/', '-')}-{name}")


def looks_right(page: Page, name: str) -> None:
    """Keep a picture; nothing of it is beside the screen or hard to use."""
    keep_picture(page, name)
    assert accessibility_faults(page) == []
    assert fits(page)
