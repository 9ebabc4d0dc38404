"""Folds of the journal that tell what happened: containment, decisions, durations, the timeline."""
