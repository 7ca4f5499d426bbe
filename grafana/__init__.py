"""Grafana's dashboards as code, and what provisions them: nothing is clicked by hand."""
