"""Who may do and read what: roles, need-to-know, what is covered, and the security journal."""
