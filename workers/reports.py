"""Reports on a schedule: each that is due becomes an export."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

import structlog
from psycopg import Connection

from beatline.exports import NewExport, ReportRequest, request_export
from beatline.reports.schedules import Wanted, request_due
from beatline.settings import Settings
from beatline.storage.store import connected

log = structlog.get_logger()


def request_due_reports(settings: Settings, now: datetime) -> None:
    """Ask for the exports of all schedules that are due. Raises StorageError."""
    with connected(settings.database_url) as connection:
        count = request_due(connection, now, request_export_of)
    if count:
        log.info("scheduled reports", due=count)


def request_export_of(connection: Connection, wanted: Wanted, now: datetime) -> UUID:
    """Ask for the export of a report as of the time it was due. Raises NotPossible."""
    report = wanted.report
    request = ReportRequest(report.name, report.definition, wanted.as_of, report.for_viewers)
    new = NewExport(
        report.project_id,
        request,
        wanted.format,
        recipients=wanted.recipients,
        schedule_id=wanted.schedule_id,
        due_at=wanted.as_of,
    )
    return request_export(connection, new, now)
