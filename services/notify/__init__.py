"""通知 Notify: who is told what by SMS, once, and what became of it."""
