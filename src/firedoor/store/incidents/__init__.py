"""Incidents as they are stored: journals, projections, leases, evidence, and proof that all of it holds."""
