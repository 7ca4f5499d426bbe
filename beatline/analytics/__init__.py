"""Analytics: one module a question. Each takes a connection, a project and the time, and asks one query."""
