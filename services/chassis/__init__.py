"""What every service stands on: bus, database, clock, identity, telemetry.

It knows no environmental law.
"""
