"""`make report`: measures the stack and writes docs/performance.md."""
