"""Pure rules of the store: what a reading is, what a repeat is, how the ledger is proved."""
