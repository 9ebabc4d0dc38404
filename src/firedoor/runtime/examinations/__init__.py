"""Examinations of what an organisation has: one folder or module for each kind, and the process that reads for them."""
