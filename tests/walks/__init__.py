"""Random walks through every life cycle on a real database, with two replicas and restarts."""
