"""Alembic's environment: one connection, one transaction for all that is pending."""

from alembic import context
from sqlalchemy import create_engine, pool, text
from sqlalchemy.engine import make_url

config = context.config
url = make_url(config.attributes["database_url"]).set(drivername="postgresql+psycopg")

with create_engine(url, poolclass=pool.NullPool).connect() as connection:
    connection.execute(text("select pg_advisory_lock(hashtext('beatline migrate'))"))
    connection.execute(text("set lock_timeout = '30s'"))
    connection.commit()
    context.configure(connection=connection, engine=config.attributes["engine"])
    with context.begin_transaction():
        context.run_migrations()
