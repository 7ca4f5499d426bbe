"""The API beside ingestion: one blueprint an area."""
