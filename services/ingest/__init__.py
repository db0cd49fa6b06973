"""采集: from a logger's bytes to stored readings, raw archive, ledger and balance."""
