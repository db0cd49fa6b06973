"""The message bus: topology, publishing with confirms, entrypoints that lose nothing."""
