"""The connection to the database, its tables, its migrations and its keys."""
