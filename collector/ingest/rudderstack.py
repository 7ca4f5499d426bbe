"""What RudderStack's SDKs ask beside Segment's API (CONTRACTS, section 5)."""

from __future__ import annotations

from collector.answers import Answer, json_answer
from collector.ingest import segment
from collector.ingest.collect import Collector
from collector.ingest.request import Request
from collector.ingest.routes import Route

NO_STATISTICS = {"errors": {"enabled": False}, "metrics": {"enabled": False}}


def source_config(collector: Collector, request: Request) -> Answer:
    """What the browser SDK asks before it sends anything: a source without destinations."""
    write_key = request.own_key() or request.query_key() or ""
    source = {
        "id": write_key,
        "name": "Beatline",
        "writeKey": write_key,
        "enabled": True,
        "config": {"statsCollection": NO_STATISTICS},
        "connections": [],
        "destinations": [],
        "dataplanes": {},
    }
    return json_answer(200, {"source": source})


ROUTES: dict[str, Route] = {
    "/sourceConfig": Route("rudderstack", source_config, ("GET",)),
    "/beacon/v1/batch": Route("rudderstack", segment.receive("rudderstack")),
}
