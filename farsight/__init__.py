"""The one command, `farsight`, and what it runs on one machine."""
