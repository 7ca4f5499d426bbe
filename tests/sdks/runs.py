"""One release sending its repertoire through a proxy: what it said, and whether it was heard."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from tests.fixtures.collectors import ROOT
from tests.fixtures.storage import wait_until
from tests.sdks import wire
from tests.sdks.proxy import Exchange, Proxy
from tests.sdks.releases import LEAVING, Release

DRIVERS = Path(__file__).parent / "drivers"
PROCESS_SECONDS = 60
DELIVERY_SECONDS = 60
CONFIGURATION = ("/config", "/decide/")  # with which posthog-js starts to capture clicks


@dataclass
class Run:
    """A release, the project whose key it uses, and what it sends through; strangers are the URLs of others
    that it asked for."""

    release: Release
    project_id: int
    key: str
    proxy: Proxy
    page: Page | None = None
    strangers: list[str] = field(default_factory=list)

    @property
    def opened(self) -> Page:
        """The page."""
        assert self.page
        return self.page

    @property
    def settings(self) -> dict[str, Any]:
        """What the driver is told."""
        address = {"host": self.proxy.url, "key": self.key, "sdk": self.release.package}
        return address | self.release.options

    def exchanges(self) -> list[tuple[Exchange, list[wire.Item]]]:
        """Every request that carried events, with them."""
        pairs = [(exchange, wire.items(exchange)) for exchange in self.proxy.received()]
        return [(exchange, items) for exchange, items in pairs if items]

    def sent(self) -> dict[str, wire.Item]:
        """What the SDK said, by the event's name; a driver uses each name once."""
        said: dict[str, dict[str, wire.Item]] = {}
        for _, items in self.exchanges():
            for item in items:
                said.setdefault(wire.name_of(item), {})[wire.identity(item)] = item
        assert all(len(items) == 1 for items in said.values()), said
        return {name: next(iter(items.values())) for name, items in said.items()}

    def acknowledged(self) -> set[str]:
        """The names of the events that the SDK knows to be stored."""
        pairs = [items for exchange, items in self.exchanges() if exchange.acknowledged]
        return {wire.name_of(item) for items in pairs for item in items}

    def taken(self) -> Counter[str]:
        """How often the collector took each event, by its name, whether the SDK heard of it or not."""
        pairs = [items for exchange, items in self.exchanges() if exchange.status == 200]
        return Counter(wire.name_of(item) for items in pairs for item in items)

    def faults(self) -> set[str]:
        """The faults that happened."""
        return {exchange.fault for exchange in self.proxy.received() if exchange.fault}

    def configured(self) -> bool:
        """Whether posthog-js was told its configuration."""
        return any(x.over and x.path.endswith(CONFIGURATION) for x in self.proxy.received())

    def wait_delivered(self, names: set[str]) -> None:
        """Wait until the SDK has sent these events, and knows of every event it sent that it is stored."""
        wait_until(
            lambda: names <= (acknowledged := self.acknowledged()) and set(self.sent()) <= acknowledged,
            DELIVERY_SECONDS,
        )

    def wait_sent(self, names: set[str]) -> None:
        """Wait until the SDK has sent these events once, whatever became of them."""
        wait_until(lambda: names <= set(self.sent()) and self.proxy.idle(), DELIVERY_SECONDS)


@contextmanager
def running_driver(run: Run) -> Iterator[subprocess.Popen[str]]:
    """The driver's process, killed when it is still there at the end of the block."""
    driver = str(DRIVERS / run.release.driver)
    command = [sys.executable, "-W", "ignore"] if driver.endswith(".py") else ["node"]
    packages = {"PYTHONPATH": str(ROOT / ".venv" / "sdks" / run.release.package)}
    with subprocess.Popen(
        [*command, driver, json.dumps(run.settings)],
        env=os.environ | packages | run.release.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def finish(process: subprocess.Popen[str]) -> None:
    """Wait for the driver's end; it fails when the SDK gave an event up."""
    output, _ = process.communicate(timeout=PROCESS_SECONDS)
    assert process.returncode == 0, output


def drive(run: Run) -> None:
    """Let the SDK in the page send everything, and leave the page."""
    stay(run)
    run.opened.goto(f"{run.opened.url}&left")
    run.wait_delivered(set(run.release.calls))
    check_strangers(run)


def stay(run: Run) -> None:
    """Let the SDK in the page send everything but what leaving adds."""
    run.opened.evaluate("settings => drive(settings)", run.settings)
    click(run)
    run.wait_delivered(set(run.release.calls - LEAVING))


def start(run: Run) -> None:
    """Let the SDK in the page begin, and do not wait."""
    run.opened.evaluate("settings => { drive(settings) }", run.settings)


def click(run: Run) -> None:
    """Click where posthog-js captures it, once it does."""
    if "$autocapture" in run.release.calls:
        wait_until(run.configured)
    run.opened.click("#buy")


def check_strangers(run: Run) -> None:
    """The SDK may have talked to nobody but the collector."""
    run.opened.title()  # lets Playwright report the requests so far
    assert run.strangers == [], run.strangers
