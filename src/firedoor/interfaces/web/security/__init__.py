"""Who is asking and what they may: the table of routes, sign-in, tokens."""
