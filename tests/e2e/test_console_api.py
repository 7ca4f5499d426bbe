"""What the console was made from, against the collector as it is."""

from __future__ import annotations

import re

from collector.api.write_openapi import SNAPSHOT, snapshot
from collector.console import PAGES
from tests.fixtures.collectors import ROOT


def test_the_kept_openapi_document_is_that_of_the_app() -> None:
    assert SNAPSHOT.read_text() == snapshot(), "run `python -m collector.api.write_openapi`"


def test_every_page_of_the_console_is_answered_by_the_collector() -> None:
    table = (ROOT / "console" / "src" / "pages" / "index.ts").read_text()
    paths = set(re.findall(r'page\("/([a-z-]+)"', table))

    assert len(paths) > 1
    assert paths | {"sign-in"} == set(PAGES)
