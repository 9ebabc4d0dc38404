"""Performs what the core decides: the conductor, and one effect at a time."""
