"""Ways in: command line and HTTP API."""
