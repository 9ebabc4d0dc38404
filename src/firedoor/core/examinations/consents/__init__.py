"""Consent records and training manifests: what their columns, words and times mean, and what follows for a person."""
