"""What waits to leave through messengers."""
