"""Proof that what was removed is gone: what is asked of a model, how answers are counted, and what a count proves."""
