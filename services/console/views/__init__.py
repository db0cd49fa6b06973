"""What a page shows, computed from the doors' answers: pure, no I/O."""
