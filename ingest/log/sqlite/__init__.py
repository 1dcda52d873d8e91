"""The log in a SQLite file, for the embedded default."""
