"""Alert sources: one pure file per source, found by folder."""
