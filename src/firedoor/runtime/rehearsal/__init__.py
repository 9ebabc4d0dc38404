"""Rehearsals without an effect: drills, dry runs, and what a delivery would do."""
