"""The workers: everything that need not happen in a request."""
