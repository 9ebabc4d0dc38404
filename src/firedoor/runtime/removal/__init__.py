"""Copies of content at real systems: looked for, removed, blocked and looked at from outside."""
