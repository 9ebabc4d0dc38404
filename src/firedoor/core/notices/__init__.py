"""Notices to authorities and people: drafts, their versions, and the one line that may leave the house."""
