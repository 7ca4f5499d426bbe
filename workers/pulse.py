"""Signs of life of the schedule, for health checks and metrics."""

from __future__ import annotations

import time
from dataclasses import dataclass, field


@dataclass
class Pulse:
    """Whether this process leads, and when the schedule took its last turn, in time.monotonic()."""

    leads: bool = False
    beat_at: float = field(default_factory=time.monotonic)

    def beat(self, *, leads: bool) -> None:
        """Note one turn of the schedule."""
        self.leads = leads
        self.beat_at = time.monotonic()
