"""Use cases: load, decide by the domain, save, record what follows. One a file."""
