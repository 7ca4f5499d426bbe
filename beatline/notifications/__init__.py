"""What people are told: queued in the transaction of what happened, pushed by the workers."""
