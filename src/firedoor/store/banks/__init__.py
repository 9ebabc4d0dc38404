"""Hash banks as they are kept: entries, versions, what was withdrawn, and what stands on blocklists."""
