"""The live preview: events as they are committed, over WebSocket and SSE (docs/live.md)."""
