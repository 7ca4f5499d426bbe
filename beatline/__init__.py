"""The kernel of Beatline: what the collector and the workers share."""

__version__ = "0.1.0"
