"""用例: load, judge, save, record the event."""
