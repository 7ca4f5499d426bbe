"""From what a client sent to the canonical event: the wire structs and the pipeline. The collector and the
workers (imports) run it alike."""
