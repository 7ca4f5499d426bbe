"""Filling a database with a history of events, fast: without triggers, the aggregates computed afterwards."""

from __future__ import annotations

from datetime import datetime, timedelta

import psycopg
from psycopg import Connection

from beatline.storage.store import Batch, Store
from loadtest.bench import workload

DAYS = 28
VISIT_EVENTS = 20
USERS = 50_000  # who come by turns
BATCH = 2_000
HISTORY = """
insert into events (project_id, event_id, ts, received_at, event_type,
                    user_id, session_id, page_url, properties)
select 1,
       uuidv7(),
       at,
       at,
       case when number %% 10 < 6 then 'page_view' when number %% 10 < 9 then 'click' else 'search' end,
       'usr_' || visit %% %(users)s,
       'old_' || visit,
       '/products/' || number %% 40,
       '{"title": "Running shoes | Demo shop", "referrer": "newsletter", "device": "phone"}'
from (select number,
             number / %(visit_events)s as visit,
             %(start)s + number * (%(stop)s::timestamptz - %(start)s) / %(count)s as at
      from generate_series(0, %(count)s::bigint - 1) as number) as numbered
"""
SESSIONS = """
insert into sessions (project_id, user_id, session_id, started_at, last_seen_at, events)
select project_id, user_id, session_id, min(ts), max(ts), count(*) from events group by 1, 2, 3
"""
AGGREGATE = """
insert into {table}_by_{unit}
select project_id, time_bucket('1 {unit}', ts), {key}, count(*) from events where {kept} group by 1, 2, 3
"""
VIEWS = "event_type in ('view', 'page_view') and page_url is not null"
AGGREGATES = [
    ("events", ("minute", "hour", "day"), "event_type", "true"),
    ("pages", ("minute", "hour", "day"), "page_url", VIEWS),
    ("users", ("hour",), "user_id", "true"),  # users_by_day is a view
]


def fill_history(database_url: str, count: int, until: datetime) -> None:
    """Store so many events, evenly over the DAYS days before a time, with sessions and aggregates."""
    start = until - timedelta(days=DAYS)
    with psycopg.connect(database_url, autocommit=True) as connection:
        for day in range(DAYS + 2):
            connection.execute("select make_event_partition(%s)", [start + timedelta(days=day)])
        connection.execute("alter table events disable trigger user")
        parameters = {
            "start": start,
            "stop": until,
            "count": count,
            "visit_events": VISIT_EVENTS,
            "users": USERS,
        }
        connection.execute(HISTORY, parameters)
        connection.execute("alter table events enable trigger user")
        connection.execute(SESSIONS)
        fill_aggregates(connection)


def fill_aggregates(connection: Connection) -> None:
    """Compute every aggregate from the events, then tidy up as autovacuum would in time."""
    for table, units, key, kept in AGGREGATES:
        for unit in units:
            connection.execute(AGGREGATE.format(table=table, unit=unit, key=key, kept=kept))
    connection.execute("vacuum analyze")
    connection.execute("checkpoint")


def fill_recent(database_url: str, rate: int, since: datetime, until: datetime) -> None:
    """Store events of the shop at an even rate between two times, the way the collector does."""
    count = int(rate * (until - since).total_seconds())
    times = [since + timedelta(seconds=number / rate) for number in range(count)]
    store = Store.connect(database_url)
    try:
        for events in workload.batches(workload.stored_events(times), BATCH):
            store.write(Batch(list(events)))
    finally:
        store.close()
