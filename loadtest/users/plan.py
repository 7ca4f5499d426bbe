"""What a run is told: the JSON file that LOADTEST_PLAN names, written by loadtest/locust_process.py.

Keys: `run` (a name), `seed`, `shape` (stages), `out` (a folder for what the users remember), `expected`
(loadtest/seeding.py), `live_url`, `token` (that of administration), `webhook` (`source` and `secret`),
`thresholds`.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

PLAN: dict[str, Any] = json.loads(Path(os.environ["LOADTEST_PLAN"]).read_text())
AS_ADMIN = {"Authorization": f"Bearer {PLAN['token']}"}
SENT_TWICE = "sent_twice"  # property of events that are: the live preview may show them twice (docs/live.md)
EVENTS_A_USER = 2.0  # events a second that each ingesting user makes; the shapes count on it
