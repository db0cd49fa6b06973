"""Use cases of ingest: one a file."""
