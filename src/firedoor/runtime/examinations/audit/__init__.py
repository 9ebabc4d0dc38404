"""Audit: which stored content breaks which rule of a rule file."""
