"""`farsight lab`: makes cheats, scores detectors, measures false alarms. See docs/screening.md."""
