"""The JSON of the API as types: one form for the server that writes it and for the commands that read it."""
