"""Evidence: its kinds, who may read each, and who touched what."""
