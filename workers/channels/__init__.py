"""The ways out to people's devices: one folder each, with the same files."""
