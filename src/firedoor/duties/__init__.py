"""Duties: one YAML file per jurisdiction, read by `core.duty`."""
