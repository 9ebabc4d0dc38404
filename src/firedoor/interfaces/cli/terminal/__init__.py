"""The terminal: how results are printed, options are read, and the server is called."""
