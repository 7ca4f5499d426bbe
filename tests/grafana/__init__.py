"""Grafana without Grafana: its macros, variables and frames, and the dashboards run through them."""
