"""The analysis of a session that has ended."""
