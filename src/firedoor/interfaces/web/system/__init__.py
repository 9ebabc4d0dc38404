"""The server about itself: health, metrics, events, its own description."""
