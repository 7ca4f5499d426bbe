"""The archive: days of raw events that are over, as Parquet files in a folder or in S3 (docs/archive.md)."""
