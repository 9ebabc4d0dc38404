"""The incident store: tables, journal, vault and migrations."""
