"""A case told from its first clue to the court, with its own clock (案件演示)."""
