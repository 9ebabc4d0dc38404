"""Step types: one pure file per type, found by folder; each lowers YAML to operations."""
