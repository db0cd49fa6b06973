"""Use cases of notify, one verb and noun a file."""
