"""`make chaos`: load for some minutes, a seeded plan of faults, and an audit of all that was promised."""
