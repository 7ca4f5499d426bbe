"""The roles of collector and workers: what each may do to every table there is, and that it is enough.

What PostgreSQL lets them do is tested all over: the fixtures connect collectors and workers as these roles.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg import Connection
from psycopg.errors import InsufficientPrivilege

from beatline.property_indexes import list_indexes, request_index
from beatline.settings import Settings
from beatline.storage.engine import POSTGRES, TIMESCALEDB
from beatline.storage.migrate import migrate
from beatline.storage.queries import query
from beatline.storage.roles import COLLECTOR, GRAFANA, WORKERS
from beatline.storage.store import Batch, Store
from tests.fixtures.databases import PASSWORDS, as_collector, as_workers
from tests.fixtures.rows import AGGREGATES
from tests.fixtures.storage import count, make_event, make_events, make_rejected
from workers.maintenance import LEDGER_AGE
from workers.property_indexes import work_on_property_indexes

NOW = datetime.now(UTC)
READ, ADD, KEEP, ALL = "select", "select insert", "select insert update", "select insert update delete"
NOTHING = ""
# What (collector, workers) may do. A new table belongs here and into sql/queries/grant_to_roles.sql.
MAY = {
    "installation": (READ, READ),
    "projects": (KEEP, READ),
    "write_keys": (ALL, READ),
    "webhook_sources": (ALL, READ),
    "event_types": (ALL, READ),
    "visitor_salts": (ADD, "select insert delete"),
    "events": (ADD, ADD),
    "event_ledger": (ADD, ADD),
    "event_ledger_0": (NOTHING, NOTHING),
    "event_ledger_1": (NOTHING, NOTHING),
    "event_ledger_state": (READ, READ),
    "sessions": (KEEP, KEEP),
    "users": (KEEP, KEEP),
    "user_aliases": (ADD, ADD),
    "groups": (KEEP, KEEP),
    "rejected_events": (ALL, "select insert delete"),
    **{aggregate.name: (KEEP, KEEP) for aggregate in AGGREGATES},
    "users_by_day": (READ, NOTHING),
    "imports": (ALL, "select update delete"),
    "property_indexes": (KEEP, "select update delete"),
    "archived_days": (READ, KEEP),
    "alert_history": (KEEP, "select delete"),
    "accounts": (ALL, READ),  # workers: not the password
    "account_roles": (ALL, READ),
    "login_sessions": (KEEP, NOTHING),
    "api_tokens": (ALL, NOTHING),
    "audit_log": (ADD, NOTHING),
    "job_schedule": (READ, ALL),
    "job_runs": (READ, ALL),
    "dead_letters": ("select update delete", ALL),
    "reports": (ALL, READ),
    "report_schedules": (ALL, "select update"),
    "report_runs": (READ, KEEP),
    "exports": (ALL, ALL),
    "watches": (ALL, READ),
    "watch_states": (KEEP, "select update"),
    "watch_history": ("select update", ALL),
    "current_watches": (READ, READ),
    "notifications": (ADD, ALL),
    "notification_recipients": (KEEP, ADD),
    "devices": (ALL, "select update delete"),
    "notification_preferences": ("select insert delete", READ),
    "quiet_hours": (ALL, READ),
    "deliveries": (ADD, KEEP),
    "delivery_attempts": (READ, KEEP),
    "alembic_version": (NOTHING, NOTHING),
    "event_partitions": (NOTHING, NOTHING),
    "storage_sizes": (NOTHING, NOTHING),
    "aggregate_freshness": (NOTHING, NOTHING),
    "connection_counts": (NOTHING, NOTHING),
    "slow_statements": (NOTHING, NOTHING),
}
HELD = """
    select relname, relkind = 'v' as only_read,
           array(select privilege
                 from unnest('{select,insert,update,delete,truncate,references,trigger}'::text[]) as privilege
                 where has_table_privilege(%(role)s, pg_class.oid, privilege)
                    or privilege in ('select', 'insert', 'update', 'references')
                       and has_any_column_privilege(%(role)s, pg_class.oid, privilege))
    from pg_class
    where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm', 'f')
      and not (relispartition and relname like 'events%%')"""
SEQUENCES = """
    select relname from pg_class
    where relnamespace = 'public'::regnamespace
      and case when relkind = 'S' then has_sequence_privilege(%(role)s, oid, 'usage, select, update') end"""
DEFINERS = """
    select proname,
           array(select rolname::text from pg_roles
                 where rolname in ('beatline_collector', 'beatline_workers', 'beatline_grafana')
                   and has_function_privilege(rolname, pg_proc.oid, 'execute')
                 order by rolname),
           has_function_privilege('pg_read_all_data', oid, 'execute'),
           (select bool_or(setting like 'search_path=%, pg_temp') from unnest(proconfig) as setting)
    from pg_proc where pronamespace = 'public'::regnamespace and prosecdef"""
CALLABLE = {
    "make_event_partition": [COLLECTOR, WORKERS],
    "drop_event_partitions": [WORKERS],
    "event_parts": [WORKERS],
    "drop_archived_events": [WORKERS],
    "rotate_event_ledger": [WORKERS],
    "count_connections": [GRAFANA],
    "read_slow_statements": [GRAFANA],
}
NOBODY_MAY = {
    "drop a table": "drop table events",
    "alter a table": "alter table sessions add column mine int",
    "empty a table": "truncate rejected_events",
    "change the audit log": "update audit_log set actor = 'nobody'",
    "delete from the audit log": "delete from audit_log",
    "empty the audit log": "truncate audit_log",
    "take the audit log's trigger away": "alter table audit_log disable trigger audit_log_append_only",
    "change events": "update events set user_id = 'somebody else'",
    "delete events": "delete from events",
    "forget ids": "delete from event_ledger",
    "change the migrations": "update alembic_version set version_num = 'none'",
    "change the engine": "update installation set engine = engine",
    "create a table": "create table mine (x int)",
    "create a function": "create function mine() returns int language sql return 1",
    "replace a function": "create or replace function refuse_change() returns trigger language plpgsql "
    "as 'begin return null; end'",
    "create an index": "create index on sessions (events)",
    "make a role": "create role mine",
    "become the owner": "set role beatline",
    "grant": "grant select on alembic_version to public",
    "read passwords of roles": "select rolpassword from pg_authid",
    "read a file": "select pg_read_file('PG_VERSION')",
    "run a program": "copy projects to program 'true'",
}
COLLECTORS_MAY_NOT = NOBODY_MAY | {
    "drop partitions": "select drop_event_partitions(now())",
    "rotate the ledger": "select rotate_event_ledger(now(), '0')",
    "delete projects": "delete from projects",
    "see slow statements": "select * from slow_statements",
}
WORKERS_MAY_NOT = NOBODY_MAY | {
    "read password hashes": "select password_hash from accounts",
    "change passwords": "update accounts set password_hash = ''",
    "make admins": "insert into account_roles values (gen_random_uuid(), null, 'admin')",
    "read tokens": "select token_hash from api_tokens",
    "sign in": "insert into login_sessions (login_id) values (gen_random_uuid())",
    "read the audit log": "select * from audit_log",
    "write the audit log": "insert into audit_log (at, actor, action, subject) values (now(), 'a', 'b', 'c')",
    "add write keys": "insert into write_keys (write_key, project_id) values ('mine', 1)",
    "change projects": "update projects set paused = true",
    "change sources": "update webhook_sources set secret = 'mine'",
}
ONLY_POSTGRES = {"become the owner", "drop partitions"}  # in tests TimescaleDB's owner is another one


@pytest.fixture(params=[COLLECTOR, WORKERS])
def role(request: pytest.FixtureRequest) -> str:
    """Each of the two."""
    return str(request.param)


def test_it_may_do_what_is_decided_and_nothing_else(database: Connection, role: str) -> None:
    """Over all relations there are: a new table needs a decision for each role."""
    held = {
        name: (only_read, set(rights)) for name, only_read, rights in database.execute(HELD, {"role": role})
    }
    assert set(MAY) >= set(held), "decide what the roles may do with it"
    for name, (only_read, rights) in held.items():
        decided = set(MAY[name][role == WORKERS].split())
        assert rights == (decided & {"select"} if only_read else decided), name
    assert database.execute(SEQUENCES, {"role": role}).fetchall() == []


def test_what_acts_with_the_owners_rights_is_for_who_needs_it(database: Connection, engine: str) -> None:
    found = {
        name: (callers, everybody, fixed) for name, callers, everybody, fixed in database.execute(DEFINERS)
    }
    only_there = {"make_event_partition", "drop_event_partitions"} if engine == TIMESCALEDB else set()
    assert found == {
        name: (callers, False, True) for name, callers in CALLABLE.items() if name not in only_there
    }


def test_it_may_not(acting: Connection, role: str, engine: str) -> None:
    statements = COLLECTORS_MAY_NOT if role == COLLECTOR else WORKERS_MAY_NOT
    there = set(statements) - (ONLY_POSTGRES if engine == TIMESCALEDB else set())
    assert [name for name in sorted(there) if not is_refused(acting, statements[name])] == []


def is_refused(connection: Connection, statement: str) -> bool:
    """Whether a statement is refused for want of rights; undone when it is not."""
    try:
        with connection.transaction(force_rollback=True):
            connection.execute(statement)
    except InsufficientPrivilege:
        return True
    return False


@pytest.fixture
def acting(database: Connection, role: str, engine: str) -> Iterator[Connection]:
    """The role, logged in; on TimescaleDB for tests, where all are superuser, the owner's session as it."""
    if engine == POSTGRES:
        url = f"postgresql://x@{database.info.host}:{database.info.port}/{database.info.dbname}"
        with psycopg.connect(
            (as_collector if role == COLLECTOR else as_workers)(url), autocommit=True
        ) as connection:
            yield connection
        return
    database.execute(f"set role {role}")
    yield database
    database.execute("reset role")


def test_it_stores_events_late_ones_too_and_reads_what_counts_them(acting: Connection, role: str) -> None:
    # Given a store of the role
    store = Store(acting)
    store.prepare()

    # When it stores events of today, and of a day of which there are none
    stored = store.write(Batch([*make_events(3, ts=NOW, received_at=NOW), make_event()], [make_rejected()]))

    # Then they are there, and counted
    assert stored.events == 4
    assert count(acting, "events") == 4
    assert count(acting, "rejected_events") == 1
    for aggregate in ("events_by_minute", "events_by_hour", "events_by_day"):
        assert acting.execute(f"select sum(events) from {aggregate}").fetchone() == (4,)


def test_events_come_into_a_day_of_columns_and_are_refreshed(timescale: Connection) -> None:
    """Compressing and refreshing are jobs of the owner's, and meet what the collector wrote."""
    # Given a day whose chunk is columns
    long_ago = NOW - timedelta(days=30)
    timescale.execute(f"set role {COLLECTOR}")
    store = Store(timescale)
    store.prepare()
    store.write(Batch([make_event(ts=long_ago)]))
    timescale.execute("reset role")
    timescale.execute("select compress_chunk(show_chunks('events'))")
    timescale.execute("call refresh_continuous_aggregate('events_by_minute', null, null)")

    # When the collector stores more of that day
    timescale.execute(f"set role {COLLECTOR}")
    store.write(Batch([make_event(ts=long_ago)]))

    # Then a refresh of the owner's counts it, and the collector may not refresh itself
    with pytest.raises(InsufficientPrivilege):
        timescale.execute("call refresh_continuous_aggregate('events_by_minute', null, null)")
    timescale.execute("reset role")
    timescale.execute("call refresh_continuous_aggregate('events_by_minute', null, null)")
    assert timescale.execute("select sum(events) from events_by_minute").fetchone() == (2,)


@pytest.mark.parametrize("role", [WORKERS])
def test_workers_rotate_the_ledger(acting: Connection, role: str) -> None:
    later = datetime.now(UTC) + LEDGER_AGE
    parameters = {"at": later, "min_age": LEDGER_AGE}
    assert acting.execute(query("rotate_event_ledger"), parameters).fetchone() == (True,)


@pytest.mark.parametrize("role", [COLLECTOR])
def test_the_collector_adds_to_the_audit_log(acting: Connection, role: str) -> None:
    acting.execute("insert into audit_log (at, actor, action, subject) values (now(), 'ann', 'tried', 'it')")
    assert acting.execute("select actor from audit_log").fetchall() == [("ann",)]


def wish(connection: Connection) -> None:
    """Ask for an index on a property."""
    with connection.transaction():
        request_index(connection, 1, ("plan",), NOW)


def test_where_all_are_the_owner_everything_works(connection: Connection, owner_url: str) -> None:
    wish(connection)
    work_on_property_indexes(Settings(database_url=owner_url), NOW)
    assert [index.state for index in list_indexes(connection, 1)] == ["ready"]


def test_workers_without_the_owners_url_say_what_an_index_needs(
    connection: Connection, workers_url: str
) -> None:
    wish(connection)
    for _ in range(3):
        work_on_property_indexes(Settings(database_url=workers_url), NOW)
    [index] = list_indexes(connection, 1)
    assert (index.state, index.error) == ("failed", "must be owner of table events")


def test_a_second_migration_changes_no_rights(connection: Connection, owner_url: str) -> None:
    rights = (
        "select relname, relacl::text from pg_class where relnamespace = 'public'::regnamespace order by 1"
    )
    before = connection.execute(rights).fetchall()
    migrate(owner_url, passwords=PASSWORDS)
    assert connection.execute(rights).fetchall() == before


def test_temporary_tables_are_for_the_owner_only(connection: Connection, owner_url: str, role: str) -> None:
    migrate(owner_url)
    may = "select has_database_privilege(%s, current_database(), 'temporary')"
    assert connection.execute(may, [role]).fetchone() == (False,)


def test_a_right_that_is_missing_is_granted_again(
    connection: Connection, owner_url: str, postgres_url: str
) -> None:
    connection.execute(f"revoke all on events from {COLLECTOR}")
    migrate(owner_url)
    with psycopg.connect(postgres_url) as collector:
        assert count(collector, "events") == 0
