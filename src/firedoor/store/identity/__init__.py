"""People and programs: accounts, sessions, tokens, links, and how often somebody may try."""
