"""Write keys, users and groups, replayable rejections."""

from beatline.storage.migrations.sql_files import run_sql_files

revision = "0004_projects"
down_revision = "0003_policies"


def upgrade() -> None:
    run_sql_files(revision)
