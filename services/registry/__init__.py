"""档案: who is supervised and who supervises."""
