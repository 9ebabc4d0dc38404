"""Removal: copies of content and what proves that they are gone, and what a model still shows of what was removed."""
