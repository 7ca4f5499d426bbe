"""${message}"""

from beatline.storage.migrations.sql_files import run_sql_files

revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}


def upgrade() -> None:
    run_sql_files(revision)
