"""Provenance: which model made a file, by the marks in it."""
