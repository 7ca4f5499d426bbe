"""Watches: numbers that somebody wants to be told of (docs/watches.md)."""
