"""办案: supervision orders, cases, and the clocks that run on them."""
