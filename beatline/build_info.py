"""Which version runs, as a Prometheus metric of every process."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Gauge

from beatline import __version__


def export_version(registry: CollectorRegistry) -> None:
    """Add beatline_info{version}, which is always 1, to a registry."""
    info = Gauge(
        "beatline_info", "1, with the version that runs.", ["version"],
        registry=registry, multiprocess_mode="livemax",
    )  # fmt: skip
    info.labels(__version__).set(1)
