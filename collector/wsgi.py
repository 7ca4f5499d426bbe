"""What the web server loads, once in each process."""

from __future__ import annotations

import beatline.logs
from beatline.settings import Settings
from collector import create_app

settings = Settings.from_env()
beatline.logs.configure(settings.log_level)
app = create_app(settings)
