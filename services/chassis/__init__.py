"""What every service stands on: bus, database, clock, identity, telemetry. Knows no environmental law."""
