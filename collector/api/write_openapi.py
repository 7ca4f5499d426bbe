"""`python -m collector.api.write_openapi` writes the OpenAPI document to console/openapi.json, from which the
console's types are made: an API that changed shows there as an error of types."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from tempfile import TemporaryDirectory

from beatline.settings import Settings
from collector import create_app

SNAPSHOT = Path(__file__).resolve().parents[2] / "console" / "openapi.json"
NO_DATABASE = "postgresql://127.0.0.1:1/none"  # nothing of the document comes from it


def snapshot() -> str:
    """The document of the app as it is now, as the file holds it."""
    with TemporaryDirectory() as folder:
        app = create_app(Settings(database_url=NO_DATABASE, data=Path(folder)))
        try:
            document = app.test_client().get("/openapi.json").get_json()
        finally:
            app.extensions["beatline"].close()
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    logging.getLogger("psycopg.pool").setLevel(logging.ERROR)  # there is no database, and none is needed
    SNAPSHOT.write_text(snapshot())
