"""rudder-sdk-python sends its whole repertoire: rudder_python.py '{"host": …, "key": …}'."""

import json
import sys

from rudderstack.analytics.client import Client
from segment_calls import send_everything

settings = json.loads(sys.argv[1])
errors = []
client = Client(
    settings["key"],
    host=settings["host"],
    gzip=settings.get("gzip", False),
    on_error=lambda error, items: errors.append(error),
)
send_everything(client)
client.shutdown()
sys.exit("\n".join(map(str, errors)) or 0)
