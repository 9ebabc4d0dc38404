"""The command line: a thin skin over the HTTP API, with no rule of its own."""
