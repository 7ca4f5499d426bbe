"""One file a dashboard: board() builds it. parts.py has what they share."""
