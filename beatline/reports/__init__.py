"""Reports: saved questions about events, and their answers."""
