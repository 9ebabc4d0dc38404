"""Leak: what a model's outputs exposed, by its logs."""
