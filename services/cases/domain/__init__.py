"""Pure rules of the service: tables, deadlines, triggers, life cycles. No I/O, no clock."""
