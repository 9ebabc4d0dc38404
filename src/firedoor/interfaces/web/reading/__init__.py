"""Reading an incident for a caller: folded, cached, and covered where the caller may not see it."""
