"""Alerts: the record of a detection, how strong it is, and which playbook it starts."""
