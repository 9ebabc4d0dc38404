"""Requests of the people who are harmed: what strangers reach, by page and by program, and what came by e-mail."""
