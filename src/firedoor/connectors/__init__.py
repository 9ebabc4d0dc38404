"""Connectors: one file per system that can be suspended, verified and resumed."""
