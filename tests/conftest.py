"""Fixtures of all tests. The developer's own BEATLINE_* variables are put aside first."""

from __future__ import annotations

import os
from importlib.util import find_spec

for name in list(os.environ):
    if name.startswith("BEATLINE_") and not name.startswith("BEATLINE_TEST_"):
        del os.environ[name]

pytest_plugins = [
    "tests.fixtures.databases",
    "tests.fixtures.collectors",
    "tests.fixtures.admin",
    "tests.fixtures.people",
    "tests.fixtures.browsers",
    "tests.fixtures.consoles",
    "tests.fixtures.brokers",
    "tests.fixtures.notifications",
    "tests.fixtures.s3",
    "tests.fixtures.providers",
]
if find_spec("tests.fixtures.timescale"):
    pytest_plugins.append("tests.fixtures.timescale")
