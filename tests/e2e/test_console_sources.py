"""Sources, catalogue and rejected events of the console, in a browser over a real collector and workers."""

from __future__ import annotations

import hmac
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from playwright.sync_api import Page, expect

from beatline.accounts.access import Role
from tests.fixtures.collectors import ROOT, free_port
from tests.fixtures.consoles import LOOKS, Browse, Console, accessibility_faults, fits, keep_picture
from tests.fixtures.databases import as_workers
from tests.fixtures.storage import wait_until

BOSS = "boss@example.com"
PURCHASE = {
    "type": "object",
    "required": ["amount"],
    "properties": {"amount": {"type": "number", "minimum": 0}},
}
ROWS = 20_000
SHOP = 2  # the project that the fixture makes


@pytest.fixture
def workers(console: Console, redis_url: str) -> Iterator[None]:
    """Workers beside the collector."""
    environ = os.environ | {
        "BEATLINE_DATABASE_URL": as_workers(console.database_url),
        "BEATLINE_REDIS_URL": redis_url,
        "BEATLINE_DATA": str(console.data),
        "BEATLINE_WORKERS_PORT": str(free_port()),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "workers"], cwd=ROOT, env=environ, start_new_session=True
    )
    yield
    process.terminate()
    process.wait(30)


def track(console: Console, write_key: str, **event: Any) -> int:
    """The status of the answer to an event that is sent with a write key."""
    body = {"event_type": "hello", "user_id": "u1"} | event
    return httpx.post(f"{console.url}/track", json=body, headers={"X-Write-Key": write_key}).status_code


def write_key(console: Console, project_id: int) -> str:
    """A write key of a project that does not end."""
    statement = """
        select write_key from write_keys
        where project_id = %s and expires_at is null and starts_with(write_key, 'bl_')"""
    return str(value(console, statement, project_id))


def value(console: Console, statement: str, *parameters: Any) -> Any:
    """The one value of a statement."""
    with psycopg.connect(console.database_url) as connection:
        row = connection.execute(statement, parameters).fetchone()
    return row and row[0]


def stored(console: Console, event_type: str) -> int:
    """How many events of a type are stored."""
    return int(value(console, "select count(*) from events where event_type = %s", event_type))


def describe_type(console: Console, schema: Any, project_id: int = 1) -> None:
    """Describe purchases by a schema, and enforce it; collectors know within two seconds."""
    with psycopg.connect(console.database_url, autocommit=True) as connection:
        connection.execute("delete from rejected_events")
    with as_boss(console) as client:
        path = f"/api/v1/projects/{project_id}"
        assert client.put(f"{path}/event-types/purchase", json={"schema": schema}).status_code == 200
        assert client.put(f"{path}/catalogue", json={"mode": "enforce"}).status_code == 200


def as_boss(console: Console) -> httpx.Client:
    """An API client of the admin."""
    given = {"email": BOSS, "password": "correct horse battery"}
    answer = httpx.post(f"{console.url}/api/v1/auth/login", json=given)
    return httpx.Client(
        base_url=console.url, headers={"Authorization": f"Bearer {answer.json()['access_token']}"}
    )


def reject(console: Console, *amounts: Any, project_id: int = 1) -> None:
    """Send a batch of purchases, each of which is refused."""
    events = [
        {"event_type": "purchase", "user_id": f"u{number}", "properties": {"amount": amount}}
        for number, amount in enumerate(amounts)
    ]
    headers = {"X-Write-Key": write_key(console, project_id)}
    answer = httpx.post(f"{console.url}/api/v1/analytics/batch/", json={"events": events}, headers=headers)
    assert len(answer.json()["rejected"]) == len(amounts), answer.text


def confirm(page: Page, name: str) -> None:
    """Press a button, and that of the dialog that asks."""
    page.get_by_role("button", name=name).first.click()
    page.get_by_role("dialog").get_by_role("button", name=name, exact=True).click()


def test_given_a_replaced_key_then_only_the_new_one_lets_events_in(browse: Browse, console: Console) -> None:
    old = write_key(console, SHOP)
    assert track(console, old) == 202
    page = browse(f"/sources?project={SHOP}", BOSS)
    expect(page.get_by_role("region", name="Write key", exact=True)).to_have_text(old)

    page.get_by_role("button", name="Replace the key").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("The old key ends").select_option("at once")
    dialog.get_by_role("button", name="Replace the key").click()

    expect(page.get_by_text("There is a new key; the old one has ended.")).to_be_visible()
    shown = page.get_by_role("region", name="Write key", exact=True)
    expect(shown).to_have_count(1)
    expect(shown).not_to_have_text(old)
    new = shown.inner_text()
    wait_until(lambda: track(console, old) == 401)
    assert track(console, new) == 202
    page.get_by_role("link", name="What to paste").click()
    expect(page.get_by_role("tabpanel")).to_contain_text(f'data-write-key="{new}"')


def test_given_a_grace_then_both_keys_work_and_one_sees_which_ends(browse: Browse, console: Console) -> None:
    old = write_key(console, SHOP)
    page = browse(f"/sources?project={SHOP}", BOSS)

    page.get_by_role("button", name="Replace the key").click()
    page.get_by_role("dialog").get_by_role("button", name="Replace the key").click()

    replaced = page.get_by_role("listitem").filter(has_text="replaced")
    expect(replaced).to_contain_text(old)
    expect(page.get_by_role("listitem").filter(has_text="current")).to_have_count(1)
    assert track(console, old) == 202
    assert track(console, write_key(console, SHOP)) == 202


def test_domains_and_a_pause(browse: Browse, console: Console) -> None:
    page = browse(f"/sources?project={SHOP}", BOSS)
    page.get_by_role("textbox", name="Domain").fill("Shop.Example")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.get_by_role("listitem").filter(has_text="shop.example")).to_be_visible()

    confirm(page, "Pause")
    expect(page.get_by_role("heading", name="This project is paused")).to_be_visible()
    wait_until(lambda: track(console, write_key(console, SHOP)) == 403)
    page.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("heading", name="This project is paused")).not_to_be_visible()

    confirm(page, "Remove")
    expect(page.get_by_role("listitem").filter(has_text="shop.example")).to_have_count(0)
    wait_until(lambda: track(console, write_key(console, SHOP)) == 202)


def test_pages_of_listed_origins_alone_may_send(browse: Browse, console: Console) -> None:
    page = browse(f"/sources?project={SHOP}", BOSS)
    origins = page.get_by_label("Origins")
    origins.fill("shop.example")
    page.get_by_role("button", name="Save").click()
    expect(origins).to_have_attribute("aria-invalid", "true")

    origins.fill("https://shop.example\nhttps://www.shop.example")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Only pages of these origins may send now.")).to_be_visible()
    told = "select allowed_origins from projects where project_id = 2"
    assert value(console, told) == ["https://shop.example", "https://www.shop.example"]

    origins.fill("")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Every page may send now.")).to_be_visible()
    assert value(console, told) is None


def test_the_curl_command_that_is_shown_stores_an_event(browse: Browse, console: Console) -> None:
    page = browse("/sources/sdks", BOSS)
    page.get_by_role("tab", name="Web page").focus()
    page.keyboard.press("End")
    expect(page.get_by_role("tab", name="curl")).to_be_focused()

    command = page.get_by_role("region", name="curl").inner_text()
    sent = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=30, check=True)

    assert "event_id" in json.loads(sent.stdout)
    assert stored(console, "order_completed") == 1


def test_given_a_file_then_its_import_is_watched_to_its_end(
    browse: Browse, console: Console, workers: None, tmp_path: Path
) -> None:
    bad = "soon,u1,imported\n"
    file = tmp_path / "history.csv"
    file.write_text("timestamp,user_id,event_type\n" + "2026-01-01T12:00:00Z,u1,imported\n" * ROWS + bad)
    page = browse("/sources/imports", BOSS)
    expect(page.get_by_role("heading", name="No imports")).to_be_visible()

    page.get_by_label("File", exact=True).set_input_files(file)
    expect(page.get_by_text("history.csv")).to_be_visible()
    page.get_by_role("button", name="Import", exact=True).click()

    row = page.get_by_role("table").get_by_role("row").nth(1)
    expect(row).to_contain_text(re.compile("waiting|running|done"))
    expect(row).to_contain_text("done", timeout=60_000)
    expect(row).to_contain_text(f"{ROWS + 1:,} rows")
    assert stored(console, "imported") == ROWS
    with page.expect_download() as download:
        row.get_by_role("link", name="1 in rejected.csv").click()
    assert "soon,u1,imported" in download.value.path().read_text()


def test_a_dropped_file_is_chosen_and_one_that_cannot_be_is_refused(browse: Browse) -> None:
    page = browse(f"/sources/imports?project={SHOP}", BOSS)
    page.locator(".drop").wait_for()
    page.evaluate(
        """() => {
            const dataTransfer = new DataTransfer();
            dataTransfer.items.add(new File(["user_id\\nu1\\n"], "dropped.csv"));
            const drop = new DragEvent("drop", { dataTransfer, bubbles: true });
            document.querySelector(".drop").dispatchEvent(drop);
        }"""
    )
    expect(page.get_by_text("dropped.csv")).to_be_visible()

    page.get_by_role("button", name="Import", exact=True).click()

    expect(page.get_by_role("alert").first).to_contain_text("event_type")
    expect(page.get_by_role("heading", name="No imports")).to_be_visible()


def test_given_a_new_source_then_what_it_signs_is_stored(browse: Browse, console: Console) -> None:
    page = browse("/sources/webhooks", BOSS)
    page.get_by_role("button", name="New source").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Name").fill("crm")
    dialog.get_by_label("Mapping").fill('{"user": "body.buyer"}')
    dialog.get_by_role("button", name="Make the source").click()
    expect(dialog.get_by_text("An event has no field user.")).to_be_visible()
    dialog.get_by_label("Mapping").fill('{"user_id": "body.buyer"}')
    dialog.get_by_role("button", name="Make the source").click()

    secret = dialog.get_by_role("region", name="Secret").inner_text()
    url = dialog.get_by_role("region", name="Address").inner_text()
    keep_picture(page, "sources-secret")
    dialog.get_by_role("button", name="I have kept it").click()
    expect(page.get_by_text(secret)).to_have_count(0)
    wait_until(lambda: deliver(url, secret) == 200)

    assert value(console, "select user_id from events where event_type = 'order.paid'") == "buyer@example.com"
    page.get_by_role("button", name="Replace secret").click()
    page.get_by_role("dialog").get_by_role("button", name="Replace the secret").click()
    another = page.get_by_role("dialog").get_by_role("region", name="Secret").inner_text()
    wait_until(lambda: deliver(url, secret) == 401)
    assert deliver(url, another) == 200
    page.get_by_role("button", name="I have kept it").click()
    confirm(page, "Pause")
    wait_until(lambda: deliver(url, another) == 403)
    confirm(page, "Delete")
    expect(page.get_by_role("heading", name="No webhooks yet")).to_be_visible()
    wait_until(lambda: deliver(url, another) == 404)


def deliver(url: str, secret: str) -> int:
    """The status of the answer to a signed webhook."""
    body = json.dumps({"type": "order.paid", "id": "17", "buyer": "buyer@example.com"}).encode()
    t = str(int(time.time()))
    v1 = hmac.new(secret.encode(), t.encode() + b"." + body, sha256).hexdigest()
    return httpx.post(url, content=body, headers={"X-Beatline-Signature": f"t={t},v1={v1}"}).status_code


def test_a_type_is_described_tried_and_deleted(browse: Browse, console: Console) -> None:
    page = browse("/catalogue", BOSS)
    page.get_by_role("radio", name="flag").click()
    expect(page.get_by_text("The catalogue's mode is flag now.")).to_be_visible()
    page.get_by_role("button", name="Describe a type").click()
    page.get_by_role("textbox", name="Type").fill("a/b sign-up")
    page.get_by_role("button", name="Go on").click()
    editor = page.get_by_label("Schema of the properties")

    editor.fill("{")
    expect(page.get_by_role("alert")).to_be_visible()
    editor.fill('{"properties": {"plan": {"type": "money"}}}')
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_contain_text("schema.properties.plan.type")
    expect(editor).to_be_focused()
    editor.fill('{"required": ["plan"], "properties": {"plan": {"enum": ["pro", "free"]}}}')
    page.get_by_label("Properties", exact=True).fill('{"plan": "none"}')
    page.get_by_role("button", name="Try").click()
    expect(page.get_by_text("It does not fit:")).to_be_visible()
    page.get_by_label("Properties", exact=True).fill('{"plan": "pro"}')
    page.get_by_role("button", name="Try").click()
    expect(page.get_by_text("It fits.")).to_be_visible()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("a/b sign-up is saved.")).to_be_visible()

    page.get_by_role("link", name="Catalogue").last.click()
    row = page.get_by_role("row").filter(has_text="a/b sign-up")
    expect(row).to_contain_text("the project's")
    expect(page.get_by_role("row").filter(has_text="page_view")).to_contain_text("built in")
    row.get_by_role("link").click()
    expect(editor).to_have_value(re.compile('"pro"'))
    confirm(page, "Delete")
    expect(page.get_by_role("button", name="Describe a type")).to_be_visible()
    expect(row).to_have_count(0)
    assert value(console, "select count(*) from event_types where project_id = 1") == 0


def test_given_a_mended_catalogue_then_a_rejected_event_is_replayed(browse: Browse, console: Console) -> None:
    describe_type(console, PURCHASE)
    reject(console, "3", "4", None)
    page = browse("/rejected-events", BOSS)
    expect(page.get_by_role("button", name=re.compile("^3 schema"))).to_be_visible()
    page.get_by_role("button", name="Details of row 1").click()
    expect(page.get_by_text('value is not of type "number"').last).to_be_visible()
    keep_picture(page, "rejected-open")

    page.get_by_role("link", name="Its type in the catalogue").click()
    mended = PURCHASE | {"properties": {"amount": {"type": ["number", "string"]}}}
    page.get_by_label("Schema of the properties").fill(json.dumps(mended))
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("purchase is saved.")).to_be_visible()
    page.go_back()
    page.get_by_role("checkbox").nth(1).check()
    page.get_by_role("button", name="Replay selected").click()
    expect(page.get_by_role("dialog")).to_contain_text("1 event stored")
    page.get_by_role("dialog").get_by_role("button", name="Close").last.click()
    expect(page.get_by_role("row").nth(2)).to_contain_text("stored")
    assert stored(console, "purchase") == 1

    confirm(page, "Replay all")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("1 event stored")
    expect(dialog).to_contain_text("1 event does not fit the catalogue yet")
    keep_picture(page, "rejected-replayed")
    dialog.get_by_role("button", name="Close").last.click()
    page.get_by_role("checkbox").first.check()
    confirm(page, "Dismiss selected")
    expect(page.get_by_text("2 events shown, that is all")).to_be_visible()
    assert stored(console, "purchase") == 2


def test_rejected_events_are_filtered_by_the_address_and_come_in_pages(
    browse: Browse, console: Console
) -> None:
    describe_type(console, PURCHASE)
    reject(console, *["no number"] * 60)
    httpx.post(f"{console.url}/api/v1/analytics/batch/", json={"events": [{"user_id": "u1"}] * 2})
    page = browse("/rejected-events?event_type=purchase", BOSS)
    expect(page.get_by_text("50 events shown")).to_be_visible()
    page.get_by_role("button", name="Load more").click()
    expect(page.get_by_text("60 events shown, that is all")).to_be_visible()

    page.get_by_role("button", name="Show all").click()
    page.get_by_role("button", name=re.compile("^2 invalid")).click()

    expect(page.get_by_text("2 events shown, that is all")).to_be_visible()
    assert "reason=invalid" in page.url
    page.get_by_role("textbox", name="Type").fill("nobody's")
    page.get_by_role("button", name="Filter", exact=True).click()
    expect(page.get_by_role("heading", name="None of them")).to_be_visible()


def test_what_came_is_shown_as_text(browse: Browse, console: Console) -> None:
    describe_type(console, PURCHASE)
    reject(console, "<img src=x onerror=alert(1)>")
    page = browse("/rejected-events", BOSS)

    page.get_by_role("button", name="Details of row 1").click()

    expect(page.get_by_text("<img src=x onerror=alert(1)>")).to_be_visible()
    assert page.locator("main img").count() == 0


def test_a_viewer_sees_the_catalogue_and_changes_nothing(browse: Browse, console: Console) -> None:
    console.join("ann@example.com", Role.VIEWER)
    page = browse("/catalogue", "ann@example.com")

    links = page.get_by_role("navigation", name="Pages").get_by_role("link")
    expect(links.filter(has_text="Catalogue")).to_be_visible()
    assert {"Sources", "Rejected events"}.isdisjoint(links.all_inner_texts())
    expect(page.get_by_role("radio", name="enforce")).to_be_disabled()
    expect(page.get_by_role("button", name="Describe a type")).to_have_count(0)
    page.get_by_role("link", name="page_view").click()
    expect(page.get_by_role("region", name="JSON Schema")).to_be_visible()
    expect(page.get_by_role("button", name="Save")).to_have_count(0)
    page.get_by_role("button", name="Try").click()
    expect(page.get_by_text("It fits.")).to_be_visible()
    page.goto(f"{console.url}/sources")
    expect(page.get_by_role("heading", name="This is not for your role")).to_be_visible()


def test_an_analyst_sees_sources_and_rejected_events_and_changes_none(
    browse: Browse, console: Console
) -> None:
    describe_type(console, PURCHASE)
    reject(console, "3")
    console.join("bob@example.com", Role.ANALYST)
    page = browse("/sources", "bob@example.com")

    expect(page.get_by_role("region", name="Write key", exact=True).first).to_be_visible()
    for name in ("Replace the key", "Pause", "Add"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)
    page.get_by_role("link", name="Webhooks").click()
    expect(page.get_by_role("heading", name="No webhooks yet")).to_be_visible()
    expect(page.get_by_role("button", name="New source")).to_have_count(0)
    page.goto(f"{console.url}/rejected-events")
    page.get_by_role("button", name="Details of row 1").click()
    expect(page.get_by_role("heading", name="What came")).to_be_visible()
    expect(page.get_by_role("checkbox")).to_have_count(0)
    for name in ("Replay", "Dismiss"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)


def replace_key(page: Page) -> None:
    page.get_by_role("button", name="Replace the key").click()
    page.get_by_role("dialog").wait_for()


def begin_import(console: Console) -> None:
    """An import that is half done and does not go on, as the only one."""
    half = """
        update imports set status = 'running', rows_read = 412000, stored = 411871, rejected = 129,
            started_at = now() - interval '20 seconds', bytes_read = file_bytes / 2"""
    with psycopg.connect(console.database_url, autocommit=True) as connection:
        connection.execute("delete from imports")
        answer = httpx.post(f"{console.url}/api/v1/imports", content=b"event_type,user_id\nhello,u1\n")
        assert answer.status_code == 202, answer.text
        connection.execute(half)


def open_first(page: Page) -> None:
    page.get_by_role("button", name="Details of row 1").click()
    page.get_by_role("heading", name="What came").wait_for()


def new_source(page: Page) -> None:
    page.get_by_role("button", name="New source").click()
    page.get_by_role("dialog").wait_for()


PLACES: dict[str, tuple[str, Callable[[Page], None] | None]] = {
    "sources": ("/sources", None),
    "sources-replace": ("/sources", replace_key),
    "sources-sdks": ("/sources/sdks?sdk=segment-node", None),
    "sources-webhooks": ("/sources/webhooks", new_source),
    "sources-imports": ("/sources/imports", None),
    "catalogue": ("/catalogue", None),
    "catalogue-type": ("/catalogue?type=purchase", None),
    "rejected-events": ("/rejected-events", open_first),
}


@pytest.mark.parametrize("look", LOOKS)
def test_the_pages_are_for_everyone(browse: Browse, console: Console, look: str) -> None:
    describe_type(console, PURCHASE)
    reject(console, "3", "4", None)
    begin_import(console)
    page = browse("/", BOSS, **LOOKS[look])
    faults = {}
    for name, (path, step) in PLACES.items():
        page.goto(f"{console.url}{path}")
        page.get_by_role("heading", level=1).wait_for()
        page.wait_for_load_state("networkidle")
        if step:
            step(page)
        keep_picture(page, f"{name}-{look}")
        faults[name] = (accessibility_faults(page), fits(page))
    assert faults == {name: ([], True) for name in PLACES}
