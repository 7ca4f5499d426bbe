"""The role with which Grafana reads: what it may see, that it changes nothing, how it gets its password."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import Connection
from psycopg.conninfo import make_conninfo
from psycopg.errors import InsufficientPrivilege, QueryCanceled

from beatline.embedded import log_path, postgres
from beatline.embedded.postgres import EmbeddedPostgres
from beatline.storage.engine import POSTGRES, TIMESCALEDB
from beatline.storage.migrate import migrate
from beatline.storage.queries import query
from beatline.storage.roles import GRAFANA as ROLE
from tests.fixtures.databases import execute, url_of
from tests.fixtures.rows import AGGREGATES
from tests.fixtures.timescale import TimescaleServer

PASSWORD, NEXT_PASSWORD = "first pässword '", "second-password"
EVERYTHING = None
READABLE: dict[str, set[str] | None] = {
    "events": EVERYTHING,
    "sessions": EVERYTHING,
    **{aggregate.name: EVERYTHING for aggregate in AGGREGATES},
    "projects": {"project_id", "name", "paused", "created_at"},
    "users": {"project_id", "user_id", "first_seen_at", "last_seen_at"},
    "rejected_events": {"project_id", "received_at", "source", "reason"},
    "imports": {
        "project_id", "status", "event_type", "created_at", "started_at", "finished_at", "worked_at",
        "attempts", "file_bytes", "bytes_read", "lines_read", "rows_read", "stored", "duplicates",
        "rejected", "rejects_bytes",
    },
    "alert_history": EVERYTHING,
    "storage_sizes": EVERYTHING,
    "aggregate_freshness": EVERYTHING,
    "connection_counts": EVERYTHING,
    "slow_statements": EVERYTHING,
}  # fmt: skip
COLUMNS = """
    select relname, array_agg(attname::text), array_agg(attname::text) filter
           (where has_column_privilege(%(role)s, pg_class.oid, attnum, 'select'))
    from pg_class join pg_attribute on attrelid = pg_class.oid
    where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm', 'f', 'S')
      and attnum > 0 and not attisdropped
    group by relname"""
CHANGEABLE = """
    select relname, privilege
    from pg_class
    cross join unnest(array['insert', 'update', 'delete', 'truncate', 'references', 'trigger']) as privilege
    where relnamespace = 'public'::regnamespace and relkind in ('r', 'p', 'v', 'm', 'f')
      and (has_table_privilege(%(role)s, pg_class.oid, privilege)
           or privilege in ('insert', 'update')
              and has_any_column_privilege(%(role)s, pg_class.oid, privilege))"""
DEFINERS = """
    select proname from pg_proc
    where pronamespace = 'public'::regnamespace and prosecdef
      and has_function_privilege(%(role)s, oid, 'execute') order by proname"""
DENIED = {
    "write keys": "select write_key from write_keys",
    "secrets of webhooks": "select secret from webhook_sources",
    "all of users": "select * from users",
    "traits": "select traits from users",
    "rejected content": "select raw from rejected_events",
    "rejected events": "select event from rejected_events",
    "rejected events by a function": "select matching_rejected_events(1, null, null, null, null)",
    "ids of imports": "select import_id from imports",
    "salts": "select salt from visitor_salts",
    "the ledger": "select event_id from event_ledger",
    "the installation": "select engine from installation",
    "schemas": "select schema from event_types",
    "aliases": "select user_id from user_aliases",
    "traits of groups": "select traits from groups",
    "the migrations": "select version_num from alembic_version",
    "passwords of roles": "select rolpassword from pg_authid",
    "insert": "insert into sessions values (1, 'u', 's', now(), now(), 1)",
    "update": "update projects set paused = true",
    "delete": "delete from sessions",
    "truncate": "truncate events",
    "store a batch": "select store_batch(gen_random_uuid(), '[]', '[]')",
    "create a table": "create table mine (x int)",
    "create a view": "create view mine as select 1 as x",
    "create a function": "create function mine() returns int language sql return 1",
    "create a schema": "create schema mine",
    "create a temporary table": "create temporary table mine (x int)",
    "drop": "drop table events",
    "read a file": "select pg_read_file('PG_VERSION')",
    "run a program": "copy projects (name) to program 'true'",
    "lock a table": "do 'begin lock table events in share mode; end'",
}


@dataclass
class Cluster:
    """A server of its own, since roles belong to servers. superuser: the URL of somebody who may do all."""

    server: EmbeddedPostgres
    superuser: str
    log: Path

    @property
    def url(self) -> str:
        """The owner's URL; the owner may make roles and databases."""
        return self.server.url


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A server that logs every statement and loads pg_stat_statements, without any role of ours."""
    data = tmp_path_factory.mktemp("cluster")
    first = postgres.start(data)
    first.stop()
    folder = data / postgres.NAME
    single = [*postgres.server(folder, "--single"), "postgres"]
    role = "create role root superuser login password 'root';\n"
    postgres.run_once(single, postgres.choose_account(folder), role)
    options = {
        "fsync": "off",
        "log_statement": "all",
        "shared_preload_libraries": "pg_stat_statements",
        "pg_stat_statements.max": "100000",  # none is forgotten for those of the many migrations
    }
    server = postgres.start(data, options=options)
    yield Cluster(
        server, make_conninfo(server.url, user="root", password="root"), log_path(data, postgres.NAME)
    )
    server.stop()


@pytest.fixture
def bare(cluster: Cluster) -> Iterator[Cluster]:
    """The server while it has no role of Grafana; one that is there is put aside."""
    aside, left = f"aside_{uuid4().hex}", f"left_{uuid4().hex}"
    there = has_role(cluster)
    if there:
        execute(cluster.superuser, f"alter role {ROLE} rename to {aside}")
    yield cluster
    if has_role(cluster):
        execute(cluster.superuser, f"alter role {ROLE} rename to {left}")
    if there:
        execute(cluster.superuser, f"alter role {aside} rename to {ROLE}")


@contextmanager
def new_database(cluster: Cluster, owner: str = "beatline") -> Iterator[str]:
    """An empty database of an owner, as the owner; dropped at the end."""
    name = f"test_{uuid4().hex}"
    execute(cluster.superuser, f"create database {name} owner {owner}")
    yield url_of(cluster.url, name)
    execute(cluster.superuser, f"drop database {name} with (force)")


@pytest.fixture(scope="module")
def shared(cluster: Cluster) -> Iterator[str]:
    """A migrated database whose Grafana has PASSWORD, as its owner."""
    with new_database(cluster) as url:
        migrate(url, passwords={ROLE: PASSWORD})
        yield url


@pytest.fixture(scope="module", params=[POSTGRES, TIMESCALEDB])
def owner(request: pytest.FixtureRequest) -> Iterator[Connection]:
    """The owner of a migrated database of each engine."""
    if request.param == POSTGRES:
        with psycopg.connect(request.getfixturevalue("shared"), autocommit=True) as connection:
            yield connection
        return
    server: TimescaleServer = request.getfixturevalue("timescale_server")
    for url in server.migrated():
        with psycopg.connect(url, autocommit=True) as connection:
            yield connection


@pytest.fixture
def grafana(owner: Connection) -> Iterator[Connection]:
    """The role, logged in; on TimescaleDB for tests, where all are superuser, the owner's session as it."""
    if owner.info.user == "beatline":
        with as_grafana(owner.info.dsn, PASSWORD, host=owner.info.host) as connection:
            yield connection
        return
    owner.execute(f"set role {ROLE}")
    yield owner
    owner.execute("reset role")


@contextmanager
def as_grafana(url: str, password: str, **more: str) -> Iterator[Connection]:
    """Log in to a database as the role."""
    with psycopg.connect(
        make_conninfo(url, user=ROLE, password=password, **more), autocommit=True
    ) as connection:
        yield connection


def has_role(cluster: Cluster) -> bool:
    """Whether the server has it."""
    with psycopg.connect(cluster.url) as connection:
        return connection.execute("select to_regrole(%s)", [ROLE]).fetchone() != (None,)


def may_log_in(url: str, password: str) -> bool:
    """Whether the role gets in."""
    try:
        with as_grafana(url, password):
            return True
    except psycopg.OperationalError as error:
        if "authentication failed" not in str(error):
            raise
        return False


def test_it_may_read_what_it_should_and_nothing_else(owner: Connection) -> None:
    """Over all relations and columns there are: a new table is for nobody until it is in the list."""
    for relation, columns, granted in owner.execute(COLUMNS, {"role": ROLE}).fetchall():
        readable = READABLE.get(relation, set())
        assert set(granted or []) == (set(columns) if readable is EVERYTHING else readable), relation


@pytest.mark.parametrize("relation", READABLE)
def test_it_reads(grafana: Connection, relation: str) -> None:
    columns = READABLE[relation]
    grafana.execute(f"select {', '.join(columns) if columns else '*'} from {relation} limit 1")


@pytest.mark.parametrize("denied", DENIED)
def test_it_may_not(grafana: Connection, denied: str) -> None:
    """Not even once it has left its read-only mode, which every session may."""
    grafana.execute("set default_transaction_read_only = off")
    with pytest.raises(InsufficientPrivilege):
        grafana.execute(DENIED[denied])


def test_it_has_no_right_to_change_anything(owner: Connection) -> None:
    assert owner.execute(CHANGEABLE, {"role": ROLE}).fetchall() == []
    assert owner.execute("select has_schema_privilege(%s, 'public', 'create')", [ROLE]).fetchone() == (False,)
    rights = "select has_database_privilege(%s, current_database(), 'create, temporary')"
    assert owner.execute(rights, [ROLE]).fetchone() == (False,)


def test_it_borrows_the_owners_rights_in_two_functions_only(owner: Connection) -> None:
    assert owner.execute(DEFINERS, {"role": ROLE}).fetchall() == [
        ("count_connections",),
        ("read_slow_statements",),
    ]


def test_a_table_made_later_is_closed_to_it(owner: Connection) -> None:
    owner.execute("create table made_later (x int)")
    try:
        readable = owner.execute("select has_table_privilege(%s, 'made_later', 'select')", [ROLE]).fetchone()
    finally:
        owner.execute("drop table made_later")
    assert readable == (False,)


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("statement_timeout", "15s"),
        ("idle_in_transaction_session_timeout", "1min"),
        ("default_transaction_read_only", "on"),
        ("timezone", "UTC"),
    ],
)
def test_its_sessions_begin_with(shared: str, setting: str, value: str) -> None:
    with as_grafana(shared, PASSWORD) as connection:
        assert connection.execute(f"show {setting}").fetchone() == (value,)


def test_it_has_few_connections_and_no_powers(shared: str, cluster: Cluster) -> None:
    with psycopg.connect(cluster.url) as connection:
        statement = (
            "select rolconnlimit, rolsuper, rolcreaterole, rolcreatedb from pg_roles where rolname = %s"
        )
        assert connection.execute(statement, [ROLE]).fetchone() == (20, False, False, False)


def test_a_long_statement_is_ended(shared: str) -> None:
    """By the role's own setting, made shorter here."""
    name = psycopg.conninfo.conninfo_to_dict(shared)["dbname"]
    execute(shared, f"alter role {ROLE} in database {name} set statement_timeout = '50ms'")
    try:
        with as_grafana(shared, PASSWORD) as connection, pytest.raises(QueryCanceled, match="timeout"):
            connection.execute("select pg_sleep(10)")
    finally:
        execute(shared, f"alter role {ROLE} in database {name} reset statement_timeout")


def test_no_password_no_login(bare: Cluster) -> None:
    with new_database(bare) as url:
        migrate(url)
        assert has_role(bare)
        assert not may_log_in(url, PASSWORD)


def test_its_password_is_the_one_of_the_last_migration(bare: Cluster) -> None:
    with new_database(bare) as url:
        migrate(url, passwords={ROLE: PASSWORD})
        assert may_log_in(url, PASSWORD)
        assert not may_log_in(url, NEXT_PASSWORD)

        migrate(url, passwords={ROLE: NEXT_PASSWORD})
        assert may_log_in(url, NEXT_PASSWORD)
        assert not may_log_in(url, PASSWORD)

        migrate(url)
        assert may_log_in(url, NEXT_PASSWORD)


def test_the_servers_log_never_has_the_password(bare: Cluster) -> None:
    secret = f"never-logged-{uuid4().hex}"
    with new_database(bare) as url:
        migrate(url, passwords={ROLE: secret})
        assert may_log_in(url, secret)
    log = bare.log.read_text()
    assert f'alter role "{ROLE}" login password' in log
    assert secret not in log


def test_databases_of_one_server_share_it(bare: Cluster, tmp_path: Path) -> None:
    """Two that migrate at the same moment, with the command and the password in a file."""
    file = tmp_path / "password"
    file.write_text(PASSWORD + "\n")
    with new_database(bare) as one, new_database(bare) as other:
        running = [start_migrate(url, file) for url in (one, other)]
        assert [process.communicate(timeout=60)[1] for process in running] == ["", ""]
        for process, url in zip(running, (one, other), strict=True):
            assert process.returncode == 0
            with as_grafana(url, PASSWORD) as connection:
                connection.execute("select count(*) from events")
                connection.execute("select name from projects")


def start_migrate(url: str, password_file: Path) -> subprocess.Popen[str]:
    """`beatline migrate` of a database."""
    given = {
        "BEATLINE_DATABASE_URL": url,
        "BEATLINE_GRAFANA_DATABASE_PASSWORD_FILE": str(password_file),
    }
    return subprocess.Popen(
        [sys.executable, "-m", "beatline", "migrate"],
        env=os.environ | given,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def plain_owner(cluster: Cluster) -> Iterator[tuple[str, str]]:
    """Name and password of a role that makes nothing but tables in its database, as on managed servers."""
    name = f"plain_{uuid4().hex}"
    execute(cluster.superuser, f"create role {name} login password 'plain'")
    yield name, "plain"
    execute(cluster.superuser, f"drop role {name}")


def test_where_roles_may_not_be_made_the_migration_says_so_and_goes_on(
    bare: Cluster, plain_owner: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """Once a superuser has made the role, the next migration grants what is missing."""
    name, password = plain_owner
    with new_database(bare, name) as place:
        url = url_from(make_conninfo(place, user=name, password=password))
        assert migrate(url, passwords={ROLE: PASSWORD}) == POSTGRES
        said = capsys.readouterr().out
        assert "database_roles_missing" in said
        assert "database_role_password_not_set" in said
        assert not has_role(bare)

        execute(bare.superuser, query("make_roles"))
        execute(bare.superuser, f"alter role {ROLE} login password 'by a superuser'")
        migrate(url)
        assert "database_role" not in capsys.readouterr().out
        with as_grafana(url, "by a superuser") as connection:
            for relation, columns in READABLE.items():
                connection.execute(f"select {', '.join(columns) if columns else '*'} from {relation} limit 1")


def url_from(conninfo: str) -> str:
    """A URL, as settings have it."""
    given = psycopg.conninfo.conninfo_to_dict(conninfo)
    return (
        f"postgresql://{given['user']}:{given['password']}@{given['host']}:{given['port']}/{given['dbname']}"
    )


def test_a_role_made_by_hand_without_a_timeout_is_warned_of(
    bare: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    execute(bare.superuser, f"create role {ROLE}")
    with new_database(bare) as url:
        migrate(url)
        assert "database_role_unbounded" in capsys.readouterr().out

        execute(bare.superuser, f"alter role {ROLE} set statement_timeout = '15s'")
        migrate(url)
        assert "database_role_unbounded" not in capsys.readouterr().out


def test_slow_statements_are_shown_as_soon_as_the_extension_is_there(shared: str, cluster: Cluster) -> None:
    """A superuser made it: the owner may not."""
    with as_grafana(shared, PASSWORD) as grafana:
        assert grafana.execute("select * from slow_statements").fetchall() == []

        name = psycopg.conninfo.conninfo_to_dict(shared)["dbname"]
        superuser = make_conninfo(cluster.superuser, dbname=name)
        execute(superuser, "create extension pg_stat_statements")
        execute(superuser, "select pg_stat_statements_reset()")
        for _ in range(3):
            execute(shared, "select count(*) from projects where name = 'in no statistics'")
        execute(shared, "do $$ begin perform 'password', 'in no statistics'; end $$")

        texts = "select query, calls, rows from slow_statements where query like '%projects where name%'"
        [(text, calls, rows)] = grafana.execute(texts).fetchall()
        assert (calls, rows) == (3, 3)
        assert text == "select count(*) from projects where name = $1"
        hidden = "select count(*) from slow_statements where query ~ 'password|in no statistics'"
        assert grafana.execute(hidden).fetchone() == (0,)


def test_a_superusers_migration_makes_the_extension(cluster: Cluster) -> None:
    with new_database(cluster, "root") as url:
        as_root = url_from(make_conninfo(url, user="root", password="root"))
        migrate(as_root)
        with psycopg.connect(as_root) as connection:
            assert connection.execute("select count(*) > 0 from slow_statements").fetchone() == (True,)
