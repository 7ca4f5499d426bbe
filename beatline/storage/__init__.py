"""Storage: the two engines, the writer with its ledger, the spill, and the named SQL."""
