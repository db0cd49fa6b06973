"""Use cases of the registry: load, decide, save, record the event."""
