"""Projects may say whose pages send events to them."""

from beatline.storage.migrations.sql_files import run_sql_files

revision = "0012_allowed_origins"
down_revision = "0011_property_indexes"


def upgrade() -> None:
    run_sql_files(revision)
