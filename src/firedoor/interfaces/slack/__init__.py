"""Slack: one private channel for each incident, and people who start, look and decide from there."""
