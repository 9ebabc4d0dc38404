"""Commands about incidents: open, answer, decide, read."""
