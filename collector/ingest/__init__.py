"""Ingestion: one file a protocol, one pipeline for all of them."""
