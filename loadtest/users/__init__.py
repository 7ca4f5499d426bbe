"""Who uses Beatline: one file a behaviour. They run inside of Locust only (loadtest/locustfile.py)."""
