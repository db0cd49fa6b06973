"""`farsight load`: bring tables of readings, outside things and records into the platform."""
