"""A collector with a project for each release, the shop's pages, and runs of releases."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Browser

from beatline.embedded.postgres import EmbeddedPostgres
from beatline.embedded.valkey import EmbeddedValkey
from tests.fixtures.collectors import running_collector
from tests.fixtures.databases import TEMPLATE, a_database
from tests.sdks import wire
from tests.sdks.pages import PATH, running_shop
from tests.sdks.proxy import running_proxy
from tests.sdks.releases import ALL, LEAVING, Release
from tests.sdks.runs import Run, check_strangers, click, drive, finish, running_driver, start

WAYS = ("plain", "faulty", "skewed")
Send = Callable[[Release], Run]
Finish = Callable[[Release], Run]
OpenPage = Callable[..., None]


@dataclass(frozen=True)
class Stack:
    """A collector, its database, and (project, write key) of each way and release.

    The keys look like domains, since Plausible's sites have nothing else.
    """

    url: str
    database_url: str
    projects: dict[tuple[str, str], tuple[int, str]]

    @contextmanager
    def run(self, release: Release, way: str) -> Iterator[Run]:
        """A run that has not begun yet, through a proxy of its own."""
        faults = release.faults if way == "faulty" else ()
        with running_proxy(self.url, faults, wire.carries_events) as proxy:
            yield Run(release, *self.projects[way, release.name], proxy)


@pytest.fixture(scope="package")
def stack(
    template_database: EmbeddedPostgres,
    valkey_server: EmbeddedValkey,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stack]:
    """One collector for all SDKs."""
    with contextmanager(a_database)(template_database.url, TEMPLATE) as database_url:
        projects = make_projects(database_url)
        folder = tmp_path_factory.mktemp("sdks")
        with running_collector(folder, database_url, valkey_server.url) as url:
            yield Stack(url, database_url, projects)


def make_projects(database_url: str) -> dict[tuple[str, str], tuple[int, str]]:
    """A project and a write key for each way and release."""
    projects = {}
    with psycopg.connect(database_url) as connection:
        for way in WAYS:
            for release in ALL:
                key = f"{way}.{release.name}.example"
                made = "insert into projects (name) values (%s) returning project_id"
                row = connection.execute(made, [key]).fetchone()
                assert row
                connection.execute("insert into write_keys values (%s, %s)", [key, row[0]])
                projects[way, release.name] = (row[0], key)
    return projects


@pytest.fixture
def database(stack: Stack) -> Iterator[psycopg.Connection]:
    """A connection to the collector's database."""
    with psycopg.connect(stack.database_url, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="package")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the pages' scripts."""
    folder = tmp_path_factory.mktemp("bundles")
    pairs = {f"{r.driver.removesuffix('.js')}={r.package}" for r in ALL if r.in_browser}
    here = Path(__file__).parent
    subprocess.run(["node", "bundle.mjs", str(folder), *sorted(pairs)], cwd=here, check=True, timeout=60)
    return folder


@pytest.fixture(scope="package")
def open_page(browser: Browser, bundles: Path) -> Iterator[OpenPage]:
    """Opens the shop with a run's SDK in it, at the present time or another one; closed with the stack."""
    with running_shop() as shop:

        def make(run: Run, closing: ExitStack, time: datetime | None = None) -> None:
            context = browser.new_context()
            closing.callback(context.close)
            if time:
                context.clock.install(time=time)
            homes = (shop, run.proxy.url, "data:")
            run.page = page = context.new_page()
            page.on("request", lambda asked: asked.url.startswith(homes) or run.strangers.append(asked.url))
            page.goto(f"{shop}{PATH}")
            page.add_script_tag(path=bundles / run.release.bundle)

        yield make


@pytest.fixture
def send(stack: Stack, request: pytest.FixtureRequest) -> Iterator[Send]:
    """Lets a release send everything to the collector; returns when all of it is delivered."""
    with ExitStack() as closing:

        def make(release: Release) -> Run:
            run = closing.enter_context(stack.run(release, "plain"))
            if release.in_browser:
                request.getfixturevalue("open_page")(run, closing)
                drive(run)
            else:
                finish(closing.enter_context(running_driver(run)))
            return run

        yield make


@pytest.fixture(scope="package")
def faulty_processes(stack: Stack, request: pytest.FixtureRequest) -> Iterator[Finish]:
    """Lets releases on servers send everything through faults, all at the same time; waits for one."""
    with ExitStack() as closing:
        runs, processes = {}, {}
        for release in chosen(request, in_browser=False):
            run = runs[release.name] = closing.enter_context(stack.run(release, "faulty"))
            processes[release.name] = closing.enter_context(running_driver(run))

        def wait(release: Release) -> Run:
            finish(processes[release.name])
            return runs[release.name]

        yield wait


@pytest.fixture(scope="package")
def faulty_pages(stack: Stack, open_page: OpenPage, request: pytest.FixtureRequest) -> Iterator[Finish]:
    """The same of releases in browsers; the pages are not left, since nothing sent then is sent again."""
    with ExitStack() as closing:
        runs = {}
        for release in chosen(request, in_browser=True):
            run = runs[release.name] = closing.enter_context(stack.run(release, "faulty"))
            open_page(run, closing)
            start(run)
            click(run)

        def wait(release: Release) -> Run:
            run = runs[release.name]
            calls = set(release.calls - LEAVING)
            run.wait_delivered(calls) if release.retries else run.wait_sent(calls)
            check_strangers(run)
            return run

        yield wait


def chosen(request: pytest.FixtureRequest, in_browser: bool) -> list[Release]:
    """The releases whose tests are going to run."""
    names = {
        item.callspec.params["release"].name
        for item in request.session.items
        if isinstance(item, pytest.Function)
        and hasattr(item, "callspec")
        and isinstance(item.callspec.params.get("release"), Release)
    }
    return [release for release in ALL if release.in_browser == in_browser and release.name in names]
