"""A run: what is done, what is next, what waits, and how people steer it."""
