"""Services of the usual kind, to compare with: Flask and one INSERT a request."""
