"""Marks of origin in files: texts that containers carry, and what they say of the model. Nothing is decoded."""
