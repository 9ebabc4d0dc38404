"""The form of every entry that a journal may hold: one frozen type for each kind, and one list of them."""
